"""Relays what triggers have put into an outbox of another database to our feed: once, over a crash on either side.

Theory of operation. Rows of the outbox are read in their order. Their events, and the tokens that the rows are known
by, are written to our database in one transaction; then the rows are deleted there. Whoever comes after a crash between
the two finds the tokens, and deletes what is known by them before anything is read: by then rows of earlier numbers may
have been committed, and stand before them. So only one batch is between the two at a time, and the tokens of the last
are enough: they are one fact in ``meta``, and who finds another one there than it has left was overtaken.

SQLite's outbox and MySQL's are two of one kind; another source is a third.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from ordercast import telemetry
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Store, StoreError, Transaction, events, meta
from ordercast.db.mirrored import OvertakenError
from ordercast.db.types import ChangeKind

from .gaps import publish_failures
from .mapping import Mapping

T = TypeVar("T")

# Their tokens fit in one fact of `meta`, of 8 KiB.
BATCH_ROWS: Final = 250
RETRY_S: Final = 0.25
# Behind the source's own word that something has changed.
LOOK_EVERY_S: Final = 0.5
NAMED_MAX: Final = 20
ACTOR: Final = "db:external"

log = logging.getLogger("ordercast.attach")


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One row, and what it is told as."""

    id: int
    token: str
    at: str
    entity: str
    mapping: str
    """The name of its `[[emit]]`; empty for what was published by SQL."""
    document: str | None
    """The event, as JSON; None where it is none: nobody was to hear it, or it could not be made."""
    error: str | None = None
    is_gap: bool = False
    """Whether changes before it went unseen: its rooms are told of a gap, and that was all."""
    kind: ChangeKind = ChangeKind.EVENT_PUBLISHED
    """What `document` is of."""


class Outbox(Protocol):
    """Another database's. All of it blocks, and is called on a thread; one call at a time."""

    name: str
    errors: tuple[type[Exception], ...]
    """What it raises where the database is away, or has the table no more; it is tried again."""

    def read(self, limit: int) -> list[OutboxRow]:
        """The oldest rows."""
        ...

    def delete(self, ids: Sequence[int]) -> None: ...
    def delete_known(self, tokens: Collection[str]) -> None:
        """Delete the rows that are known by these, wherever in the order they stand by now."""
        ...

    def wait(self, seconds: float) -> None:
        """Return when something was committed there, or after so long."""
        ...

    def faults(self) -> list[str]:
        """What keeps something from being told as the mapping says."""
        ...

    def close(self) -> None: ...


class OutboxRelay:
    """Relays one outbox's rows to `store`, for as long as it runs."""

    def __init__(self, store: Store, outbox: Outbox, mapping: Mapping, now: Callable[[], Timestamp]) -> None:
        self._store = store
        self._outbox = outbox
        self._mapping = mapping
        self._now = now
        self._fact = f"outbox:{outbox.name}"[:200]
        self._taken = ""
        self._trouble: str | None = None
        self._faults: list[str] = []
        self._errors: Counter[str] = Counter()
        self._last_error: dict[str, str] = {}
        self._thread: ThreadPoolExecutor | None = None

    def __repr__(self) -> str:
        return f"<OutboxRelay {self._outbox.name} {self._trouble or 'well'}>"

    def warnings(self) -> list[str]:
        """What is not told as the file says, a sentence for each."""
        found = [] if self._trouble is None else [f"{self._outbox.name} cannot be read: {self._trouble}."]
        found += self._faults
        lines = {each.name: each.line for each in self._mapping.sections}
        for name, count in self._errors.items():
            changes = "a change was" if count == 1 else f"{count} changes were"
            found.append(self._mapping.fault(lines.get(name, 1), f"{changes} not told: {self._last_error[name]}."))
        return found[:NAMED_MAX]

    async def run(self) -> None:
        """Take rows until cancelled, whatever happens to the other database."""
        self._thread = thread = ThreadPoolExecutor(1, "ordercast-outbox")
        try:
            while True:
                try:
                    await self._follow()
                except (StoreError, OvertakenError) as error:
                    log.warning("%s: %s; trying again", self._outbox.name, error)
                except self._outbox.errors as error:
                    if self._trouble is None:  # else it has been said
                        log.warning("%s cannot be read: %s; trying again", self._outbox.name, error)
                    self._trouble = str(error)
                except Exception:
                    log.exception("%s cannot be followed; trying again", self._outbox.name)
                await asyncio.sleep(RETRY_S)
        finally:
            # Behind the call that is under way, for a cancelled one runs on in its thread.
            await asyncio.shield(self._call(self._outbox.close))
            thread.shutdown(wait=False)

    def _call(self, call: Callable[..., T], *values: Any) -> asyncio.Future[T]:
        """Have the outbox do something, on its thread: one call at a time, also past the end of who asked for it."""
        assert self._thread is not None
        return asyncio.get_running_loop().run_in_executor(self._thread, call, *values)

    async def _follow(self) -> None:
        self._taken = await self._store.read(self._known)
        await self._look()
        if self._taken:
            await self._call(self._outbox.delete_known, frozenset(self._taken.split()))
        while True:
            while await self._take() == BATCH_ROWS:
                pass
            self._trouble = None
            await self._call(self._outbox.wait, LOOK_EVERY_S)
            await self._look()

    async def _look(self) -> None:
        self._faults = await self._call(self._outbox.faults)
        telemetry.ATTACH_FAULTS.set(len(self._faults))

    async def _take(self) -> int:
        rows = await self._call(self._outbox.read, BATCH_ROWS)
        if rows:
            tokens = " ".join(row.token for row in rows)
            await self._store.write(lambda transaction: self._write(transaction, rows, tokens))
            self._taken = tokens
            self._note(rows)
            await self._call(self._outbox.delete, [row.id for row in rows])
        return len(rows)

    def _known(self, transaction: Transaction) -> str:
        row = transaction.one(meta.VALUE, name=self._fact)
        return "" if row is None else str(row[0])

    def _write(self, transaction: Transaction, rows: Sequence[OutboxRow], tokens: str) -> None:
        if self._known(transaction) != self._taken:
            raise OvertakenError(self._outbox.name)
        for row in rows:
            if row.document is not None:
                transaction.run(
                    events.TELL, kind=str(row.kind), id=row.entity, actor=ACTOR, at=row.at, after=row.document
                )
        failed = {row.mapping for row in rows if row.error is not None or row.is_gap}
        if failed:
            publish_failures(transaction, self._mapping, failed, actor=ACTOR, now=self._now())
        transaction.run(meta.KEEP, name=self._fact, value=tokens)

    def _note(self, rows: Sequence[OutboxRow]) -> None:
        for row in rows:
            if row.error is not None:
                log.warning(
                    "%s: a change of %s was not told: %s", row.mapping or "a published event", row.entity, row.error
                )
                self._errors[row.mapping] += 1
                self._last_error[row.mapping] = row.error
                telemetry.ATTACH_ERRORS.labels(row.mapping).set(self._errors[row.mapping])


def document(event: str, rooms: Sequence[str], args: Sequence[Any], **facts: Any) -> str:
    """What the feed has of an event."""
    told = {"event": event, "rooms": list(rooms), "args": list(args), **facts}
    return json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
