"""The embedded store: one SQLite file, a writer, a few readers, and the feed read on the loop's thread."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from ordercast.db import dialects, feed
from ordercast.db.errors import StoreClosed, Unusable
from ordercast.db.migrate import upgrade
from ordercast.db.readers import Readers
from ordercast.db.sqlite.connection import create_private
from ordercast.db.sqlite.file import DatabaseFile
from ordercast.db.sqlite.guarded_connector import GuardedConnector
from ordercast.db.sqlite.high_water import HighWater
from ordercast.db.sqlite.leases import FileLost
from ordercast.db.sqlite.space import Space
from ordercast.db.store import DatabaseStore, change_of
from ordercast.db.transaction import Transaction
from ordercast.db.types import Change
from ordercast.db.writer import Writer

# Poll for other programs' commits; 3 to 5 microseconds each.
COMMIT_POLL_S: Final = 0.01
# Poll for a missing file; an unusable one is checked again when it changes, or after the longer time.
LOOK_AGAIN_S: Final = 0.1
LOOK_AGAIN_AT_THE_SAME_S: Final = 2.0
# A disk filling at 50 MB/s loses the last 256 MB in this.
SPACE_EVERY_S: Final = 5.0

# Texts of statements for the feed's own connection.
_AFTER, _OLDEST, _NEWEST = (each.texts[dialects.SQLITE] for each in (feed.AFTER, feed.OLDEST_SEQ, feed.NEWEST_SEQ))

log = logging.getLogger("ordercast.db")


class SqliteStore(DatabaseStore):
    """See ``types.Store``. Used from one event loop; `changes` and its kin are synchronous and short."""

    dialect = dialects.SQLITE
    lags = False
    """Whether other nodes may have published rows that this one has not read."""
    leads = True
    """Whether this node runs the shop's jobs."""

    def __init__(self, path: Path, space: Space | None = None) -> None:
        self._file = DatabaseFile(path)
        self._connector = GuardedConnector(self._file)
        super().__init__(Readers(self._connector))
        self.path = path
        self._renewal: asyncio.Task[None] | None = None
        self._numbers: dict[str, int] = {}  # last known, while the file is away
        self._is_closed = True
        self._feed_trouble: str | None = None
        self._poll: asyncio.TimerHandle | None = None
        self._data_version = 0
        self._high_water = HighWater(path)
        self._space = space or Space(path)
        self._looked_at_space = 0.0

    def __repr__(self) -> str:
        return f"<SqliteStore {self.path.name} {self._writer!r} {self._readers!r}>"

    # --- Life -------------------------------------------------------------------------------------------------------

    def migrate(self) -> None:
        """Upgrade the file, creating it if missing. Blocks; call it before `start`. Raises Unusable."""
        try:
            create_private(self.path)
            upgrade(self.path)
        except (sqlite3.Error, OSError) as error:
            raise Unusable(error) from error

    def prepare(self) -> None:
        """As `migrate`: an embedded database is ours alone."""
        self.migrate()

    async def start(self) -> None:
        """Open the migrated database; start writing, reading and polling on the running loop. Raises Unusable."""
        try:
            self._file.begin(self._high_water.open())
            self._writer = Writer(self._connector, self._on_commit)
            self._is_closed = False
            self._resume()
        except (sqlite3.Error, OSError) as error:
            self._is_closed = True
            self._file.close()
            raise Unusable(error) from error
        self._writer.start()
        self._readers.start()
        self._schedule_poll()

    async def close(self) -> None:
        """Finish submitted writes, then close the file. Idempotent."""
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])
            self._renewal = None
        await self._end_work()
        self._is_closed = True
        self._file.close()
        self._high_water.close()

    # --- A file that is not the one that was opened -----------------------------------------------------------------

    async def faults(self) -> list[str]:
        if self._file.trouble is not None:
            return [f"No change is taken: {self._file.trouble}."]
        faults = [*await super().faults()]
        if self._feed_trouble is not None:
            faults.append(f"The feed cannot be read ({self._feed_trouble}): what is committed is not told.")
        return faults

    def warnings(self) -> list[str]:
        return self._space.warnings()

    async def look_for_faults(self, thoroughly: bool) -> list[str]:
        faults = await super().look_for_faults(thoroughly)
        if thoroughly and not faults:
            faults += await self.read(self._file.damage)
        return faults

    async def try_to_write(self, unit: Callable[[Transaction], None]) -> None:
        before = self.last_seq
        await super().try_to_write(unit)
        if self._file.trouble is None and self.last_seq == before:
            self._data_version = self._look()  # nothing changed, so wake nobody

    def _take_up(self) -> None:
        """Reopen the file once it is there."""
        if self._renewal is None and self._poll is not None:
            self._renewal = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        trouble = self._file.trouble
        log.error("no change is taken: %s", trouble)
        while not await self._opened_anew():
            if self._file.trouble != trouble:
                trouble = self._file.trouble
                log.error("no change is taken: %s", trouble)
            await self._something_else_is_there()
        self._renewal = None
        log.warning("the database is back: changes are accepted again")
        self._file.resume()
        self._resume()
        self._wake()

    def _resume(self) -> None:
        """Follow the reopened file's feed before it is published."""
        self.epoch = self._file.position.epoch
        self._file.feed.execute("PRAGMA busy_timeout = 0")  # the loop must not wait for a lock
        self._data_version = self._look()
        for statement in (_OLDEST, _NEWEST):
            self._number(statement)

    async def _opened_anew(self) -> bool:
        try:
            await asyncio.to_thread(self._file.renew)
        except FileLost:
            return False
        return True

    async def _something_else_is_there(self) -> None:
        found = self._file.signature()
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN_AT_THE_SAME_S):
                while self._file.signature() == found:  # noqa: ASYNC110 - it is changed by other programs
                    await asyncio.sleep(LOOK_AGAIN_S)

    # --- The feed ---------------------------------------------------------------------------------------------------

    def changes(self, after: int, limit: int) -> list[Change]:
        """Committed rows above `after`, oldest first. SQLite's single writer numbers in commit order. Empty while the
        file is away.
        """
        connection = self._open_feed()
        if connection is None:
            return []
        rows = connection.execute(_AFTER, {"after": after, "limit": limit}).fetchall()
        if rows:
            self._file.told = rows[-1][0]
            self._high_water.note(self.epoch, rows[-1][0])
        return [change_of(row) for row in rows]

    @property
    def last_seq(self) -> int:
        """The newest committed feed number; 0 if there is none."""
        return self._number(_NEWEST)

    @property
    def first_seq(self) -> int:
        """The oldest feed number still kept; 0 if there is none."""
        return self._number(_OLDEST)

    async def older(self, after: int, limit: int) -> list[Change]:
        """As `changes`, for older rows."""
        return self.changes(after, limit)

    async def has(self, seq: int) -> bool:
        """Whether that number was used."""
        return seq <= self.last_seq

    def _on_commit(self) -> None:
        if not self._is_closed:
            self._wake_if_changed(files=False)  # the writer just checked them

    def _poll_commits(self) -> None:
        self._schedule_poll()
        self._wake_if_changed()
        if time.monotonic() - self._looked_at_space > SPACE_EVERY_S:
            self._looked_at_space = time.monotonic()
            self._space.warnings()

    def _wake_if_changed(self, *, files: bool = True) -> None:
        # The poll or the writer's notice, whichever is first: one wake per commit.
        try:
            if files:
                self._file.check(thoroughly=True)
            version = self._look()
            if version != self._data_version:
                self._file.follow()
        except FileLost:
            self._take_up()
            return
        except sqlite3.Error as error:
            self._note_trouble(error)
            return
        self._feed_trouble = None
        if version != self._data_version:
            self._data_version = version
            self._wake()

    def _note_trouble(self, error: sqlite3.Error) -> None:
        """Record a failed read; retried by the next poll."""
        if self._feed_trouble is None:  # logged already
            log.warning("could not read the feed; retrying: %s", error)
        self._feed_trouble = str(error)

    def _schedule_poll(self) -> None:
        self._poll = asyncio.get_running_loop().call_later(COMMIT_POLL_S, self._poll_commits)

    def _look(self) -> int:
        # data_version changes when another connection commits.
        (version,) = self._file.feed.execute("PRAGMA data_version").fetchone()
        return int(version)

    def _number(self, statement: str) -> int:
        """The statement's number, or the last one while the file is away or locked."""
        feed = self._open_feed()
        if feed is None:
            return self._numbers[statement]
        try:
            (number,) = feed.execute(statement).fetchone()
        except sqlite3.OperationalError:
            if statement not in self._numbers:
                raise
        else:
            self._numbers[statement] = number or 0
        return self._numbers[statement]

    def _open_feed(self) -> sqlite3.Connection | None:
        """The feed's connection; None while the file is away."""
        if self._is_closed:
            raise StoreClosed
        try:
            return self._file.feed
        except FileLost:
            self._take_up()
            return None
