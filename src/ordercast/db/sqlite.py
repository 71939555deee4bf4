"""The embedded store: one SQLite file, one writer, a few readers, and a view of the feed on the loop's own thread."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from . import dialects
from .connections.sqlite import SqliteConnector, connect, create_private
from .epochs import new_epoch
from .high_water import HighWater
from .migrate import upgrade
from .readers import Readers
from .statements import SQLITE
from .store import DatabaseStore, change_of
from .types import Change, StoreClosed, Unusable
from .writer import Writer

# How soon another program's commit is noticed. A look costs 3 to 5 microseconds.
COMMIT_POLL_S: Final = 0.01

log = logging.getLogger("ordercast.db")


class SqliteStore(DatabaseStore):
    """See ``types.Store``. All of it is used from one event loop; `changes` and its kin are synchronous and short."""

    dialect = dialects.SQLITE
    lags = False
    """Whether other nodes may have told rows that this one has yet to read."""
    leads = True
    """Whether this node does what one node of a shop does for all."""

    def __init__(self, path: Path) -> None:
        self._connector = SqliteConnector(path)
        super().__init__(Readers(self._connector, SQLITE))
        self.path = path
        self._feed: sqlite3.Connection | None = None
        self._poll: asyncio.TimerHandle | None = None
        self._data_version = 0
        self._numbers: dict[str, int] = {}
        self._is_well = True
        self._high_water = HighWater(path)

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

    def prepare(self) -> None:
        """As `migrate`: nobody but us has an embedded database to look after."""
        self.migrate()

    async def start(self) -> None:
        """Open the migrated database and begin to write, read and watch on the running loop."""
        self._feed = connect(self.path, read_only=True)  # waits while the loop begins: nobody is connected yet
        try:
            self.epoch = self._recognise(self._feed)
        except BaseException:
            self._feed.close()
            self._feed = None
            raise
        self._feed.execute("PRAGMA busy_timeout = 0")  # from here on the loop never waits for a lock
        self._writer = Writer(self._connector, SQLITE, self._on_commit)
        self._writer.start()
        self._readers.start()
        self._data_version = self._look()
        self._schedule_poll()

    def _recognise(self, feed: sqlite3.Connection) -> str:
        """The database's epoch; a new one where it was restored from a copy, and has fallen behind what was told."""
        (epoch,) = feed.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        told = self._high_water.open()
        if told is None or (told[0] == epoch and told[1] <= self.last_seq):
            return str(epoch)
        log.warning("the database was restored from a copy, or replaced: positions begin anew")
        renewed = new_epoch()
        with closing(connect(self.path)) as connection:
            connection.execute("UPDATE meta SET value = ? WHERE name = 'epoch'", (renewed,))
        return renewed

    async def close(self) -> None:
        """Finish every submitted write, then let go of the file. May be called twice."""
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        await self._end_work()
        if self._feed is not None:
            self._feed.close()
            self._feed = None
        self._high_water.close()

    # --- The feed ---------------------------------------------------------------------------------------------------

    def changes(self, after: int, limit: int) -> list[Change]:
        """Committed rows with a number above `after`, oldest first. SQLite has one writer at a time, so numbers come
        in the order of commits and none appears later below one already seen.
        """
        rows = self._open_feed().execute(SQLITE.feed.after, {"after": after, "limit": limit}).fetchall()
        if rows:
            self._high_water.note(self.epoch, rows[-1][0])
        return [change_of(row) for row in rows]

    @property
    def last_seq(self) -> int:
        """The newest committed feed number; 0 if there is none."""
        return self._number(SQLITE.feed.newest_seq)

    @property
    def first_seq(self) -> int:
        """The oldest feed number still kept; 0 if there is none."""
        return self._number(SQLITE.feed.oldest_seq)

    async def older(self, after: int, limit: int) -> list[Change]:
        """As `changes`, for what was told long ago."""
        return self.changes(after, limit)

    async def has(self, seq: int) -> bool:
        """Whether that number was given out."""
        return seq <= self.last_seq

    def _on_commit(self) -> None:
        if self._feed is not None:
            self._wake_if_changed()

    def _poll_commits(self) -> None:
        self._schedule_poll()
        self._wake_if_changed()

    def _wake_if_changed(self) -> None:
        # Whoever looks first, the poll or the writer's own word: a commit wakes once.
        try:
            version = self._look()
        except sqlite3.OperationalError as error:
            self._note_trouble(error)
            return
        self._is_well = True
        if version != self._data_version:
            self._data_version = version
            self._wake()

    def _note_trouble(self, error: sqlite3.OperationalError) -> None:
        """Another program has the file for itself; it is looked at again in a moment."""
        if self._is_well:  # else it has been said
            log.warning("the feed cannot be read just now: %s", error)
        self._is_well = False

    def _schedule_poll(self) -> None:
        self._poll = asyncio.get_running_loop().call_later(COMMIT_POLL_S, self._poll_commits)

    def _look(self) -> int:
        # It changes when any other connection commits, in this process or another.
        (version,) = self._open_feed().execute("PRAGMA data_version").fetchone()
        return int(version)

    def _number(self, statement: str) -> int:
        """What `statement` gives; what it gave before, while another program has the file for itself."""
        try:
            (number,) = self._open_feed().execute(statement).fetchone()
        except sqlite3.OperationalError:
            if statement not in self._numbers:
                raise
        else:
            self._numbers[statement] = number or 0
        return self._numbers[statement]

    def _open_feed(self) -> sqlite3.Connection:
        if self._feed is None:
            raise StoreClosed
        return self._feed
