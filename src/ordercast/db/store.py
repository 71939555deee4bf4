"""What both stores do alike: units of work, reads, the sessions of sockets, and forgetting."""

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
    """A store that is begun and ended by its subclass, which also has the feed."""

    dialect: Dialect

    def __init__(self, readers: Readers) -> None:
        self.epoch = ""
        """Made once per history of the database, known from `start` on; with a feed number it names a position."""
        self.damaged = readers.damaged
        """Rows that were met here and cannot be read, or told."""
        self._writer: Writer | None = None
        self._readers = readers
        self._session_loader = SessionLoader(self.read)
        self._session_saver = SessionSaver(self._save_sessions)
        self._readiness = Readiness(self.look_for_faults, self.try_to_write)
        self._watchers: list[Callable[[], None]] = []

    @property
    def is_running(self) -> bool:
        """Whether writes are being taken."""
        return self._writer is not None and self._writer.is_running

    # --- Work -------------------------------------------------------------------------------------------------------

    async def write(self, unit: Callable[[Transaction], T]) -> T:
        """Run `unit` in the writer's next group. Returns its result once the commit is durable; raises what it raised,
        and then nothing of it was kept. Raises NotCommitted, LockedElsewhere where another program holds what it needs,
        OutcomeUnknown, or Overloaded when too much is waiting.
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
        """Run `query` on one snapshot of the database, in a reader's thread. Raises Overloaded or StoreUnavailable."""
        try:
            return await self._readers.submit(query)
        except StoreUnavailable as error:
            if not isinstance(error, ReadLockedElsewhere):
                self._readiness.doubt()
            raise

    async def faults(self) -> list[str]:
        """What keeps changes from being made or told, a sentence for each; none where all is in order. It was found now
        or within the last second; a small write is asked for too.

        Raises StoreUnavailable or Overloaded.
        """
        return await self._readiness.faults()

    def warnings(self) -> list[str]:
        """What will keep changes from being made if nobody acts, a sentence for each. Short and synchronous."""
        return []

    async def look_for_faults(self, thoroughly: bool) -> list[str]:
        """Ask the database, now; `thoroughly` where it has refused a change. Raises StoreUnavailable or Overloaded."""
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
        """Run a unit that leaves nothing, and wakes nobody. Raises as `write`."""
        if self._writer is None:
            raise StoreClosed
        await self._writer.submit(UnitOfWork(unit, waits=False, is_silent=True))

    def watch(self, wake: Callable[[], None]) -> None:
        """Have `wake` called on the loop after every commit, ours or another program's. It may be called without
        anything new in the feed, and once for several commits.
        """
        self._watchers.append(wake)

    def _wake(self) -> None:
        for wake in self._watchers:
            wake()

    async def _end_work(self) -> None:
        """Finish every submitted write, then let go of the connections."""
        await self._readiness.stop()
        await self._session_saver.close()
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await writer.stop()
        await self._readers.stop()

    # --- Sockets to be recovered, and what is forgotten --------------------------------------------------------------

    async def save_session(self, session: SessionRow) -> None:
        """Keep a session; returns when it would survive the process."""
        await self.write(lambda transaction: sessions.save(transaction, [session]))

    def save_session_soon(self, pid: str, session: SessionRow | None) -> None:
        """Keep a session, or with None forget it, when the database lets us; until then it is loaded from here."""
        self._session_saver.put(pid, session)

    async def _save_sessions(self, changes: Changes) -> None:
        await self.write(UnitOfWork(lambda transaction: sessions.keep(transaction, changes), waits=False))

    async def load_session(self, pid: str) -> SessionRow | None:
        if pid in self._session_saver:
            return self._session_saver.get(pid)
        return await self._session_loader.load(pid)

    async def forget_session(self, pid: str) -> None:
        await self.write(lambda transaction: sessions.forget(transaction, pid))

    async def prune(self, *, feed_rows_max: int, sessions_age_s_max: int, now: str) -> None:
        """Keep the newest `feed_rows_max` rows of the feed (one at least) and sessions seen within
        `sessions_age_s_max` before `now`, an RFC 3339 time in UTC. Answers kept for repeated requests, and published
        events that the feed has long told of, go after a day. Done in small units, between which others run.
        """
        try:
            await self._prune(feed_rows_max, sessions_age_s_max, now)
        except LockedElsewhere:  # a row of the feed is held; the rest does not wait for it
            await self._prune(None, sessions_age_s_max, now)

    async def _prune(self, feed_rows_max: int | None, sessions_age_s_max: int, now: str) -> None:
        def unit(transaction: Transaction) -> bool:
            return sessions.prune(transaction, feed_rows_max, sessions_age_s_max, now)

        while await self.write(UnitOfWork(unit, waits=False)):
            pass


def change_of(row: tuple[Any, ...]) -> Change:
    """A row of the feed from its columns, in the order of the table."""
    seq, kind, entity_id, version, actor, reason, at, before, after = row
    if not (type(version) is int and type(kind) is type(entity_id) is type(actor) is type(at) is str):
        kind, entity_id, actor, at = map(_text, (kind, entity_id, actor, at))
        version = version if type(version) is int else 0
    if reason is not None:
        reason = _text(reason)
    return Change(seq, kind, entity_id, version, actor, reason, at, _raw(before), _raw(after))


def _text(value: object) -> str:
    """A text where another program has written something else: it harms nobody but who looks for it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _raw(document: object) -> msgspec.Raw | None:
    return None if document is None else msgspec.Raw(_text(document).encode("utf-8", "replace"))
