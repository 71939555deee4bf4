"""Notes which screens and people have noticed an order or a booking: in batches, so that it costs the same however many
screens a shop has, and nothing of an order's own path.

That an event was sent is noted a moment later; a crash between the two forgets it, and claims nothing. What a screen or
a person has noticed is acknowledged once it is durable, so what was acknowledged is never forgotten.
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

# Escalations count in seconds, and a batch of a busy moment is as dear as one of a quiet one.
SENT_NOTED_WITHIN_S: Final = 0.5
# Between two batches, however many screens acknowledge: fifty commits a second at most, which others share. A socket's
# next command waits for the answer to this one, so it is no longer.
BATCH_EVERY_S: Final = 0.02
# After the database took none: as often as it may come back, and not oftener.
RETRY_S: Final = 1.0
# What is sent while the database takes nothing: some minutes of a busy shop, a megabyte.
SENT_WAITING_MAX: Final = 10_000


class NoticeRecorder:
    """Of one node. Used from its loop."""

    def __init__(self, store: Store, now: Callable[[], Timestamp]) -> None:
        self._store = store
        self._now = now
        self._batch = NoticeBatch()
        self._batch_written: asyncio.Future[BatchOutcome] | None = None
        """For those who wait for the batch that is being collected."""
        self._writing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<NoticeRecorder {len(self._batch.sent)} sent, {len(self._batch.noticed)} noticed>"

    def sent(self, change: Change) -> None:
        """Note that a new order or booking was written to a socket of the shop's people on this node."""
        waiting = self._batch.sent
        if len(waiting) >= SENT_WAITING_MAX:
            NOTICES_DROPPED.inc()
            return
        if not waiting:
            self._write_within(SENT_NOTED_WITHIN_S)
        waiting.setdefault(change.entity_id, FirstSend(change.at, self._now()))

    async def receive(self, ids: Sequence[str], screen: str, by: str) -> frozenset[str]:
        """Note that a screen has painted these; gives those that there are, once it is durable. Raises StoreError."""
        receipt = Receipt(screen, by, self._now())
        for id_ in ids:
            self._batch.receipts.setdefault(id_, []).append(receipt)
        return (await self._when_written()).known.intersection(ids)

    async def open(self, id_: str, by: str) -> bool:
        """Note that a person has opened it; gives whether there is such, once it is durable. Raises StoreError."""
        self._batch.openings.setdefault(id_, []).append(Opening(by, self._now()))
        return id_ in (await self._when_written()).known

    async def close(self) -> None:
        """Note what is waiting, if the database takes it."""
        if self._timer is not None:
            self._timer.cancel()
        if self._writing is not None:
            await asyncio.wait([self._writing])
        await self._write()
        if self._timer is not None:
            self._timer.cancel()

    # --- Batches ------------------------------------------------------------------------------------------------------

    def _when_written(self) -> asyncio.Future[BatchOutcome]:
        """What becomes of the batch that is being collected; whoever waits may go, and the batch goes on."""
        if self._batch_written is None:
            self._batch_written = asyncio.get_running_loop().create_future()
            self._write_within(0)
        return asyncio.shield(self._batch_written)

    def _write_within(self, seconds: float) -> None:
        """Write the batch after so long; sooner, if that was said already. One that is written now is waited for."""
        loop = asyncio.get_running_loop()
        if self._writing is not None:
            return  # it looks again when it has ended
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
        """Write what was collected; whether the database took it."""
        batch, waiting = self._batch, self._batch_written
        self._batch, self._batch_written = NoticeBatch(), None
        if not batch.sent and waiting is None:
            return True
        try:
            noted = await self._store.write(_unit(batch))
        except Exception as error:
            if not isinstance(error, StoreError):
                log.exception("what was noticed could not be noted")
            self._keep(batch)
            if waiting is not None and not waiting.done():
                waiting.set_exception(error)
                waiting.exception()  # who waited may have gone, and then nobody asks for it
            return False
        _count(noted)
        if waiting is not None and not waiting.done():
            waiting.set_result(noted)
        return True

    def _keep(self, batch: NoticeBatch) -> None:
        """That these were sent is tried again. Who noticed them is told that it was not noted, and says so again."""
        self._batch.sent = {**batch.sent, **self._batch.sent, **batch.sent}


def _unit(batch: NoticeBatch) -> UnitOfWork[BatchOutcome]:
    def unit(transaction: Transaction) -> BatchOutcome:
        return notices.record(transaction, batch)

    # Nobody has to be woken for what was sent; what was noticed is in the shop's figures.
    return UnitOfWork(unit, is_silent=not batch.noticed)


def _count(noted: BatchOutcome) -> None:
    for seconds in noted.first_screens_s:
        NOTICE_SECONDS.labels("screen").observe(seconds)
    for seconds in noted.first_people_s:
        NOTICE_SECONDS.labels("person").observe(seconds)
