"""Records notices in batches, outside of the order path, at a cost that does not grow with the number of screens.

`sent` times are recorded within half a second and may be lost in a crash, which claims nothing false. Receipts and
openings are acknowledged after their commit, so an acknowledged one is never lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from ordercast.commerce.notice import Opening, Receipt
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Change, Store, StoreError, Transaction, UnitOfWork, notices
from ordercast.db.notices import BatchOutcome, FirstSend, NoticeBatch
from ordercast.telemetry import NOTICE_SECONDS, NOTICES_DROPPED

log = logging.getLogger("ordercast.sockets")

# Escalations count in seconds, so a batch may wait; a large one costs little more than a small one.
SENT_NOTED_WITHIN_S: Final = 0.5
# At most fifty commits a second, however many screens acknowledge. A socket's next command waits for this one's ack,
# so no longer.
BATCH_EVERY_S: Final = 0.02
# After a failed write: as often as the database may come back.
RETRY_S: Final = 1.0
# Buffered while the database is down: some minutes of a busy shop, a megabyte.
SENT_WAITING_MAX: Final = 10_000


class NoticeRecorder:
    """The notices of one node; used from its event loop."""

    def __init__(self, store: Store, now: Callable[[], Timestamp]) -> None:
        self._store = store
        self._now = now
        self._batch = NoticeBatch()
        self._batch_written: asyncio.Future[BatchOutcome] | None = None
        """Resolved when the batch being collected is written."""
        self._writing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<NoticeRecorder {len(self._batch.sent)} sent, {len(self._batch.noticed)} noticed>"

    def sent(self, change: Change) -> None:
        """Record that a new order or booking was written to a staff socket on this node."""
        waiting = self._batch.sent
        if len(waiting) >= SENT_WAITING_MAX:
            NOTICES_DROPPED.inc()
            return
        if not waiting:
            self._write_within(SENT_NOTED_WITHIN_S)
        waiting.setdefault(change.entity_id, FirstSend(change.at, self._now()))

    async def receive(self, ids: Sequence[str], screen: str, by: str) -> frozenset[str]:
        """Record that a screen painted these; return the existing ones after the commit. Raises StoreError."""
        receipt = Receipt(screen, by, self._now())
        for id_ in ids:
            self._batch.receipts.setdefault(id_, []).append(receipt)
        return (await self._when_written()).known.intersection(ids)

    async def open(self, id_: str, by: str) -> bool:
        """Record that a person opened it; return whether it exists, after the commit. Raises StoreError."""
        self._batch.openings.setdefault(id_, []).append(Opening(by, self._now()))
        return id_ in (await self._when_written()).known

    async def close(self) -> None:
        """Write what is collected, if the database is up."""
        if self._timer is not None:
            self._timer.cancel()
        if self._writing is not None:
            await asyncio.wait([self._writing])
        await self._write()
        if self._timer is not None:
            self._timer.cancel()

    # --- Batches ------------------------------------------------------------------------------------------------------

    def _when_written(self) -> asyncio.Future[BatchOutcome]:
        """Wait for the batch being collected; cancelling a waiter does not cancel the batch."""
        if self._batch_written is None:
            self._batch_written = asyncio.get_running_loop().create_future()
            self._write_within(0)
        return asyncio.shield(self._batch_written)

    def _write_within(self, seconds: float) -> None:
        """Write the batch within so many seconds, or sooner if already scheduled. One being written is waited for."""
        loop = asyncio.get_running_loop()
        if self._writing is not None:
            return  # rescheduled at its end
        when = loop.time() + seconds
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = loop.call_at(when, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._writing = asyncio.create_task(self._write_and_rest())

    async def _write_and_rest(self) -> None:
        is_taken = await self._write()
        await asyncio.sleep(BATCH_EVERY_S if is_taken else RETRY_S)
        self._writing = None
        if self._batch_written is not None:
            self._write_within(0)
        elif self._batch.sent:
            self._write_within(SENT_NOTED_WITHIN_S)

    async def _write(self) -> bool:
        """Write the batch; return whether the database took it."""
        batch, waiting = self._batch, self._batch_written
        self._batch, self._batch_written = NoticeBatch(), None
        if not batch.sent and waiting is None:
            return True
        try:
            noted = await self._store.write(_unit(batch))
        except Exception as error:
            if not isinstance(error, StoreError):
                log.exception("could not record notices; sent times are retried, screens repeat theirs")
            self._keep(batch)
            if waiting is not None and not waiting.done():
                waiting.set_exception(error)
                waiting.exception()  # retrieved, as the waiters may be gone
            return False
        _count(noted)
        if waiting is not None and not waiting.done():
            waiting.set_result(noted)
        return True

    def _keep(self, batch: NoticeBatch) -> None:
        """Keep the sent times for the next batch. Receipts and openings fail, and their clients repeat them."""
        self._batch.sent = {**batch.sent, **self._batch.sent, **batch.sent}


def _unit(batch: NoticeBatch) -> UnitOfWork[BatchOutcome]:
    def unit(transaction: Transaction) -> BatchOutcome:
        return notices.record(transaction, batch)

    # Sent times wake nobody; receipts and openings change the shop's figures.
    return UnitOfWork(unit, is_silent=not batch.noticed)


def _count(noted: BatchOutcome) -> None:
    for seconds in noted.first_screens_s:
        NOTICE_SECONDS.labels("screen").observe(seconds)
    for seconds in noted.first_people_s:
        NOTICE_SECONDS.labels("person").observe(seconds)
