"""The common part of both stores: units of work, reads, sessions, pruning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from . import sessions, shop
from .damage import DamagedRow
from .dialects import Dialect
from .errors import (
    FeedRowMissing,
    LockedElsewhere,
    NotCommitted,
    OutcomeUnknown,
    ReadLockedElsewhere,
    StoreClosed,
    StoreUnavailable,
)
from .readers import Readers
from .readiness import Readiness
from .schema_faults import schema_faults
from .session_loader import SessionLoader
from .session_saver import Changes, SessionSaver
from .transaction import Transaction
from .types import Change, SessionRow, UnitOfWork
from .writer import Writer

T = TypeVar("T")


class DatabaseStore:
    """A store; subclasses start and stop it, and have the feed."""

    dialect: Dialect

    def __init__(self, readers: Readers) -> None:
        self.epoch = ""
        """Identifies the database's history, known after `start`; with a feed number it is a position."""
        self.damaged = readers.damaged
        """Damaged rows met so far."""
        self._writer: Writer | None = None
        self._readers = readers
        self._session_loader = SessionLoader(self.read)
        self._session_saver = SessionSaver(self._save_sessions)
        self._readiness = Readiness(self.look_for_faults, self.try_to_write)
        self._watchers: list[Callable[[], None]] = []

    @property
    def is_running(self) -> bool:
        """Whether writes are accepted."""
        return self._writer is not None and self._writer.is_running

    # --- Work -------------------------------------------------------------------------------------------------------

    async def write(self, unit: Callable[[Transaction], T]) -> T:
        """Run `unit` in the writer's next group; return its result after the durable commit. If it raises, nothing is
        kept. Raises NotCommitted, LockedElsewhere if another program holds a lock, OutcomeUnknown, or Overloaded if
        the queue is full.
        """
        if self._writer is None:
            raise StoreClosed
        try:
            return await self._writer.submit(unit)
        except (NotCommitted, OutcomeUnknown, FeedRowMissing) as error:
            if not isinstance(error, LockedElsewhere):
                self._readiness.doubt()
            raise

    async def read(self, query: Callable[[Transaction], T]) -> T:
        """Run `query` on one snapshot, on a reader's thread. Raises Overloaded or StoreUnavailable."""
        try:
            return await self._readers.submit(query)
        except StoreUnavailable as error:
            if not isinstance(error, ReadLockedElsewhere):
                self._readiness.doubt()
            raise

    async def faults(self) -> list[str]:
        """The faults that prevent commits or publishing, one sentence each; at most a second old, tested by a small
        write too.

        Raises StoreUnavailable or Overloaded.
        """
        return await self._readiness.faults()

    def warnings(self) -> list[str]:
        """Warnings of faults to come, one sentence each. Synchronous and short."""
        return []

    async def look_for_faults(self, thoroughly: bool) -> list[str]:
        """Ask the database; `thoroughly` after a refused change. Raises StoreUnavailable or Overloaded."""
        del thoroughly
        if not self.is_running:
            return ["No changes are taken: the writer has ended."]
        faults = await self.read(lambda transaction: schema_faults(transaction, self.dialect))
        if not faults:
            try:
                await self.read(shop.rules)
            except DamagedRow as error:
                faults.append(f"No order is taken: {error}")
        return faults

    async def try_to_write(self, unit: Callable[[Transaction], None]) -> None:
        """Run a unit that changes nothing and wakes nobody. Raises as `write`."""
        if self._writer is None:
            raise StoreClosed
        await self._writer.submit(UnitOfWork(unit, waits=False, is_silent=True))

    def watch(self, wake: Callable[[], None]) -> None:
        """Call `wake` on the loop after commits, by whichever program; perhaps without new rows, and once for several
        commits.
        """
        self._watchers.append(wake)

    def _wake(self) -> None:
        for wake in self._watchers:
            wake()

    async def _end_work(self) -> None:
        """Finish submitted writes, then close the connections."""
        await self._readiness.stop()
        await self._session_saver.close()
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await writer.stop()
        await self._readers.stop()

    # --- Sockets to be recovered, and what is forgotten --------------------------------------------------------------

    async def save_session(self, session: SessionRow) -> None:
        """Save a session durably."""
        await self.write(lambda transaction: sessions.save(transaction, [session]))

    def save_session_soon(self, pid: str, session: SessionRow | None) -> None:
        """Save a session in the background, or delete it (None); until then it is loaded from memory."""
        self._session_saver.put(pid, session)

    async def session_saved(self, pid: str) -> None:
        """Wait until what `save_session_soon` was given of a session is in the database."""
        await self._session_saver.saved(pid)

    async def _save_sessions(self, changes: Changes) -> None:
        await self.write(UnitOfWork(lambda transaction: sessions.keep(transaction, changes), waits=False))

    async def load_session(self, pid: str) -> SessionRow | None:
        if pid in self._session_saver:
            return self._session_saver.get(pid)
        return await self._session_loader.load(pid)

    async def forget_session(self, pid: str) -> None:
        await self.write(lambda transaction: sessions.forget(transaction, pid))

    async def prune(self, *, feed_rows_max: int, sessions_age_s_max: int, now: str) -> None:
        """Prune: keep the newest `feed_rows_max` feed rows (at least one) and sessions seen within `sessions_age_s_max`
        before `now` (RFC 3339, UTC). Stored responses and published events are deleted after a day. In small units,
        so that others run in between.
        """
        try:
            await self._prune(feed_rows_max, sessions_age_s_max, now)
        except LockedElsewhere:  # a feed row is locked; prune the rest
            await self._prune(None, sessions_age_s_max, now)

    async def _prune(self, feed_rows_max: int | None, sessions_age_s_max: int, now: str) -> None:
        def unit(transaction: Transaction) -> bool:
            return sessions.prune(transaction, feed_rows_max, sessions_age_s_max, now)

        while await self.write(UnitOfWork(unit, waits=False)):
            pass


def change_of(row: tuple[Any, ...]) -> Change:
    """Convert a feed row, in the order of columns."""
    seq, kind, entity_id, version, actor, reason, at, before, after = row
    if not (type(version) is int and type(kind) is type(entity_id) is type(actor) is type(at) is str):
        kind, entity_id, actor, at = map(_text, (kind, entity_id, actor, at))
        version = version if type(version) is int else 0
    if reason is not None:
        reason = _text(reason)
    return Change(seq, kind, entity_id, version, actor, reason, at, _raw(before), _raw(after))


def _text(value: object) -> str:
    """The value as text, whatever another program wrote."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _raw(document: object) -> msgspec.Raw | None:
    return None if document is None else msgspec.Raw(_text(document).encode("utf-8", "replace"))
