"""The embedded store: one SQLite file, one writer, a few readers, and a view of the feed on the loop's own thread."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy.exc import DBAPIError

from . import sessions
from .connection import connect, create_private
from .migrate import upgrade
from .readers import Readers
from .statements import SQLITE
from .transaction import Transaction
from .types import Change, SessionRow, StoreClosed, Unusable
from .writer import Writer

T = TypeVar("T")

# How soon another program's commit is noticed. A look costs 3 to 5 microseconds.
COMMIT_POLL_S: Final = 0.01


class SqliteStore:
    """See ``types.Store``. All of it is used from one event loop; `changes` and its kin are synchronous and short."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.epoch = ""
        """Made once per database, known from `start` on; with a feed number it names a position for good."""
        self._feed: sqlite3.Connection | None = None
        self._writer: Writer | None = None
        self._readers = Readers(path, SQLITE)
        self._watchers: list[Callable[[], None]] = []
        self._poll: asyncio.TimerHandle | None = None
        self._data_version = 0

    def __repr__(self) -> str:
        return f"<SqliteStore {self.path.name} {self._writer!r} {self._readers!r}>"

    # --- Life -------------------------------------------------------------------------------------------------------

    def migrate(self) -> None:
        """Bring the file to the newest schema, making it if there is none. Blocks; call it before `start`.

        Raises Unusable.
        """
        try:
            create_private(self.path)
            upgrade(self.path)
        except DBAPIError as error:
            raise Unusable(error.orig or error) from error
        except (sqlite3.Error, OSError) as error:
            raise Unusable(error) from error

    async def start(self) -> None:
        """Open the migrated database and begin to write, read and watch on the running loop."""
        self._feed = connect(self.path, read_only=True)
        try:
            (self.epoch,) = self._feed.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        except BaseException:
            self._feed.close()
            self._feed = None
            raise
        self._writer = Writer(connect(self.path), SQLITE, self._on_commit)
        self._writer.start()
        self._readers.start()
        self._data_version = self._look()
        self._schedule_poll()

    async def close(self) -> None:
        """Finish every submitted write, then let go of the file. May be called twice."""
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await writer.stop()
        await self._readers.stop()
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    @property
    def is_running(self) -> bool:
        """Whether writes are being taken."""
        return self._writer is not None and self._writer.is_running

    # --- Work -------------------------------------------------------------------------------------------------------

    async def write(self, unit: Callable[[Transaction], T]) -> T:
        """Run `unit` in the writer's next group. Returns its result once the commit is durable; raises what it raised,
        and then nothing of it was kept. Raises NotCommitted, or Overloaded when too much is waiting.
        """
        if self._writer is None:
            raise StoreClosed
        return await self._writer.submit(unit)

    async def read(self, query: Callable[[Transaction], T]) -> T:
        """Run `query` on one snapshot of the database, in a reader's thread. Raises Overloaded or StoreUnavailable."""
        return await self._readers.submit(query)

    # --- The feed ---------------------------------------------------------------------------------------------------

    def changes(self, after: int, limit: int) -> list[Change]:
        """Committed rows with a number above `after`, oldest first. SQLite has one writer at a time, so numbers come
        in the order of commits and none appears later below one already seen.
        """
        rows = self._open_feed().execute(SQLITE.feed.after, {"after": after, "limit": limit}).fetchall()
        return [_change(row) for row in rows]

    @property
    def last_seq(self) -> int:
        """The newest committed feed number; 0 if there is none."""
        return self._number(SQLITE.feed.newest_seq)

    @property
    def first_seq(self) -> int:
        """The oldest feed number still kept; 0 if there is none."""
        return self._number(SQLITE.feed.oldest_seq)

    def watch(self, wake: Callable[[], None]) -> None:
        """Have `wake` called on the loop after every commit, ours or another program's. It may be called without
        anything new in the feed, and once for several commits.
        """
        self._watchers.append(wake)

    def _on_commit(self) -> None:
        if self._feed is not None:
            self._wake_if_changed()

    def _poll_commits(self) -> None:
        self._schedule_poll()
        self._wake_if_changed()

    def _wake_if_changed(self) -> None:
        # Whoever looks first, the poll or the writer's own word: a commit wakes once.
        version = self._look()
        if version != self._data_version:
            self._data_version = version
            for wake in self._watchers:
                wake()

    def _schedule_poll(self) -> None:
        self._poll = asyncio.get_running_loop().call_later(COMMIT_POLL_S, self._poll_commits)

    def _look(self) -> int:
        # It changes when any other connection commits, in this process or another.
        (version,) = self._open_feed().execute("PRAGMA data_version").fetchone()
        return int(version)

    def _number(self, statement: str) -> int:
        (number,) = self._open_feed().execute(statement).fetchone()
        return number or 0

    def _open_feed(self) -> sqlite3.Connection:
        if self._feed is None:
            raise StoreClosed
        return self._feed

    # --- Sockets to be recovered, and what is forgotten --------------------------------------------------------------

    async def save_session(self, session: SessionRow) -> None:
        await self.write(lambda transaction: sessions.save(transaction, session))

    async def load_session(self, pid: str) -> SessionRow | None:
        return await self.read(lambda transaction: sessions.load(transaction, pid))

    async def forget_session(self, pid: str) -> None:
        await self.write(lambda transaction: sessions.forget(transaction, pid))

    async def prune(self, *, feed_rows_max: int, sessions_age_s_max: int, now: str) -> None:
        """Keep the newest `feed_rows_max` rows of the feed (one at least) and sessions seen within
        `sessions_age_s_max` before `now`, an RFC 3339 time in UTC. Answers kept for repeated requests, and published
        events that the feed has long told of, go after a day. Done in small units, between which others run.
        """
        while await self.write(lambda transaction: sessions.prune(transaction, feed_rows_max, sessions_age_s_max, now)):
            pass


def _change(row: tuple[Any, ...]) -> Change:
    seq, kind, entity_id, version, actor, reason, at, before, after = row
    return Change(seq, kind, entity_id, version, actor, reason, at, _raw(before), _raw(after))


def _raw(document: str | None) -> msgspec.Raw | None:
    return None if document is None else msgspec.Raw(document.encode())
