"""Whether an embedded database is still the one that was opened: the same file, and the same history in it.

Whoever has a file open goes on with it after somebody has deleted it, or put another in its place: what is committed
then is nowhere. So it is looked at

- which files they are, by device and inode: before each group of changes, and after its commit, before anybody is told;
- whether something but a checkpoint wrote over the file (``cp`` onto it): before each group, by its time and size;
- whether the history goes on, by its epoch and its newest row: within the transaction, when others have committed;
- whether the triggers are there, without which changes go unheard: within the transaction, when the schema has changed.

Where it is not the same nothing is confirmed. All connections are closed, and what stands at the path is opened if it
is a shop of ours: under a new epoch, unless it holds the row that was last known. A file is never made here.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NoReturn, cast

from ordercast.db.dialects import SQLITE
from ordercast.db.epochs import is_epoch, new_epoch
from ordercast.db.sqlite.connection import BUSY_TIMEOUT_MS, connect
from ordercast.db.sqlite.files import (
    Files,
    damaged,
    gone,
    must_look_like_one,
    remove_leftovers,
    set_log_aside,
    signature_of,
    stat,
    written,
)
from ordercast.db.sqlite.history_position import (
    KEEP_EPOCH,
    CurrentPosition,
    HistoryPosition,
    continues,
    position_of,
    require_ours,
)
from ordercast.db.sqlite.leases import FileLost, GuardedConnection, Lease
from ordercast.db.transaction import Transaction
from ordercast.db.triggers import missing_triggers

# SQLite copies its log into the file after a commit that leaves more than 1,000 pages in it: before that we never write
# to the file. A page of the log has a header besides, so this is a little less than that.
CHECKPOINTED_LOG_BYTES_MIN: Final = 1_000 * 4_096
# What was written over in place may be two databases in one. To look through 64 MiB takes a tenth of a second, in which
# orders wait; through all of a larger one they would wait too long, and what is damaged there is met when it is read.
CHECKED_BYTES_MAX: Final = 64 * 1024 * 1024
# A read or a group of changes that is under way is let finish, then interrupted.
PATIENCE_S: Final = 0.5
GIVEN_UP_S_MAX: Final = 6.0


log = logging.getLogger("ordercast.db")


class DatabaseFile:
    """One embedded database at its path; used from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.trouble: str | None = None
        """Why nothing is taken or told, until `renew` succeeds; None while the file is whole."""
        self.position = HistoryPosition("", 0, None)
        self.told = 0
        """The newest number that was read to be told."""
        self._names = [os.fsencode(f"{self.path}{suffix}") for suffix in ("", "-wal", "-shm")]
        self._files = Files(0, 0, 0, 0)
        self._written: tuple[int, int] = (0, 0)
        self._is_suspect = False  # by what is in it, and not by which file it is
        self._connections: list[GuardedConnection] = []
        self._renewing = threading.Lock()
        self._feed: GuardedConnection | None = None

    def __repr__(self) -> str:
        return f"<DatabaseFile {self.path.name} {self.trouble or 'whole'}>"

    # --- Looking ----------------------------------------------------------------------------------------------------

    @property
    def feed(self) -> sqlite3.Connection:
        """The connection by which the feed is followed. Raises FileLost."""
        if self.trouble is not None or self._feed is None:
            raise FileLost(self.trouble or "the database is closed")
        return self._feed

    def check(self, *, thoroughly: bool = False) -> tuple[os.stat_result, os.stat_result]:
        """Look whether the same files are there; `thoroughly` also at the log's index, which only other programs need.
        Gives what was seen of the file and of its log. Raises FileLost.
        """
        if self.trouble is not None:
            raise FileLost(self.trouble)
        main = self._stat(0)
        if main is None or (main.st_dev, main.st_ino) != self._files[:2]:
            self._lose(gone(self.path) if main is None else f"another file has taken the place of {self.path.name}")
        if main.st_size == 0:  # SQLite would take the log for a former database's, and delete it
            self._lose(f"{self.path.name} was emptied while it was in use", suspect=True)
        journal = self._stat(1)
        if journal is None or journal.st_ino != self._files.wal:
            self._lose(f"{self.path.name}-wal, a part of the database, was taken away while it was in use")
        if thoroughly:
            index = self._stat(2)
            if index is None or index.st_ino != self._files.shm:
                self._lose(f"{self.path.name}-shm, a part of the database, was taken away while it was in use")
        return main, journal

    def follow(self) -> None:
        """Look on the feed's connection, where anybody has committed, whether the history goes on. Raises FileLost."""
        found = self._must_go_on(self.feed)
        self.position = HistoryPosition(found.epoch, found.seq, found.mark)

    def _must_go_on(self, connection: sqlite3.Connection) -> CurrentPosition:
        known, told = self.position, self.told  # before it is asked: others learn more meanwhile
        found = position_of(connection, known.seq)
        if not continues(known, told, found):
            self._lose(f"{self.path.name} was restored from a copy, or replaced, while it was in use", suspect=True)
        return found

    def _lose(self, sentence: str, *, suspect: bool = False) -> NoReturn:
        self._is_suspect = self._is_suspect or suspect
        if self.trouble is None:
            self.trouble = sentence
        raise FileLost(self.trouble)

    def _stat(self, which: int) -> os.stat_result | None:
        try:
            return stat(self._names[which])
        except OSError as error:
            self._lose(f"{self.path.name} cannot be reached ({error.strerror})")

    # --- As the writer sees it --------------------------------------------------------------------------------------

    def may_be_written(self, connection: GuardedConnection) -> bool:
        """Look before a group of changes. A file that was written over in place is looked through."""
        try:
            main, journal = self.check()
            if written(main) != self._written:
                self._examine(connection, main, journal)
        except sqlite3.ProgrammingError:
            return False  # it was closed meanwhile
        except sqlite3.Error as error:
            if _is_locked(error):
                return True  # it is for the group itself to wait
            if self.trouble is None:
                self.trouble, self._is_suspect = damaged(self.path, error), True
            return False
        return True

    def _examine(self, connection: GuardedConnection, main: os.stat_result, journal: os.stat_result) -> None:
        """Another program has written to the file: a checkpoint, as belongs to its commits, or something over it."""
        is_long = journal.st_size >= CHECKPOINTED_LOG_BYTES_MIN
        if not is_long or _pragma(connection, "data_version") == connection.data_version:
            log.info("another program has written to %s by itself: it is looked through", self.path.name)
            with closing(_connect_to_look(self.path)) as fresh:  # which remembers no page
                self._look_through(fresh, main.st_size)
                self._must_go_on(fresh)
            connection.execute("PRAGMA shrink_memory")
        self._written = written(main)

    def _look_through(self, connection: sqlite3.Connection, size: int) -> None:
        if size > CHECKED_BYTES_MAX:
            return
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(str(found).splitlines()[0])

    def damage(self, transaction: Transaction) -> list[str]:
        """A sentence where the file is damaged, as far as it is looked through."""
        row = transaction.one("PRAGMA page_size")
        pages = transaction.one("PRAGMA page_count")
        if row is None or pages is None or row[0] * pages[0] > CHECKED_BYTES_MAX:
            return []
        found = transaction.one("PRAGMA quick_check(1)")
        if found is None or found[0] == "ok":
            return []
        words = str(found[0]).splitlines()[0]
        return [f"{self.path.name} is damaged ({words}): put a copy in its place, or mend it by `sqlite3 .recover`."]

    def before_commit(self, connection: GuardedConnection) -> None:
        """Within the transaction: whether what is about to be committed belongs to this history, and will be heard."""
        data_version = _pragma(connection, "data_version")
        if data_version != connection.data_version:
            self._look_for_triggers(connection)
        if connection.missing:
            raise sqlite3.OperationalError(
                f"the trigger {connection.missing[0]} is missing, and nobody would hear of it"
            )
        if data_version != connection.data_version:
            self._must_go_on(connection)
            connection.data_version = data_version

    def _look_for_triggers(self, connection: GuardedConnection) -> None:
        schema_version = _pragma(connection, "schema_version")
        if schema_version != connection.schema_version:
            at_work = connection.execute(SQLITE.triggers_at_work).fetchall()
            connection.missing = tuple(missing_triggers(at_work, SQLITE))
            connection.schema_version = schema_version

    def after_commit(self) -> None:
        """Look whether it went into the file that is there. Raises FileLost."""
        main, journal = self.check()
        if journal.st_size >= CHECKPOINTED_LOG_BYTES_MIN:
            self._written = written(main)

    # --- Opening ----------------------------------------------------------------------------------------------------

    def begin(self, told: tuple[str, int] | None) -> None:
        """Open the file that is there, with the epoch and number that were told last, if that is known.

        Raises sqlite3.Error.
        """
        self._open(None if told is None else HistoryPosition(*told, None))

    def connect(self, *, read_only: bool) -> GuardedConnection:
        """Another connection to the same file. Raises FileLost, or what SQLite does."""
        self.check()
        with self._renewing:
            self.check()
            return self._connect(read_only=read_only)

    def renew(self) -> None:
        """Open what is at the path now, where it is not what was opened; nothing is taken before `resume`. Blocks.

        Raises FileLost where it cannot be opened.
        """
        with self._renewing:
            self.trouble = self.trouble or "the database file is opened anew"
            try:
                self._renew()
            except OSError as error:
                self.trouble = f"{self.path.name} cannot be reached ({error.strerror})"
                raise FileLost(self.trouble) from error
            except sqlite3.Error as error:
                self.trouble = str(error) if isinstance(error, FileLost) else damaged(self.path, error)
                raise FileLost(self.trouble) from error

    def resume(self) -> None:
        """Take changes again, after the loop has heard of the epoch."""
        self._is_suspect = False
        self.trouble = None

    def close(self) -> None:
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    def signature(self) -> tuple[Any, ...]:
        """Changes with what is at the path: what could not be opened need not be looked at again before."""
        return tuple(map(signature_of, self._names[:2]))

    def _renew(self) -> None:
        files, size = self._at_path()
        if files == self._files and not self._is_suspect and self._feed is not None:
            return  # put back as it was: those who have it open go on
        must_look_like_one(self.path, size, is_ours=files[:2] == self._files[:2])
        with self._all_held() as connections:
            if files[:2] != self._files[:2] or files.wal == 0:
                self._save_log(connections)
            elif self._is_suspect and size <= CHECKED_BYTES_MAX and not self._is_sound(files, size):
                self._must_be_sound_alone(size)
                set_log_aside(self.path)
            for connection in connections:
                connection.close()
        self._feed = None
        files, _ = self._at_path()  # it may have been replaced meanwhile
        if files[:2] != self._files[:2]:
            remove_leftovers(self.path, files, self._files)
        self._open(self.position)

    def _at_path(self) -> tuple[Files, int]:
        try:
            main, journal, index = map(stat, self._names)
        except OSError as error:
            raise FileLost(f"{self.path.name} cannot be reached ({error.strerror})") from error
        if main is None:
            raise FileLost(gone(self.path))
        inodes = [0 if each is None else each.st_ino for each in (journal, index)]
        return Files(main.st_dev, main.st_ino, *inodes), main.st_size

    @contextmanager
    def _all_held(self) -> Iterator[list[GuardedConnection]]:
        """All that are open, while nobody uses them. New ones must not meet old ones: SQLite shares within a process
        what it knows of a file's log.
        """
        held: list[GuardedConnection] = []
        try:
            for connection in [each for each in self._connections if each.is_open]:
                self._hold(connection)
                held.append(connection)
            yield held
            self._connections = []
        finally:
            for connection in held:
                connection.lease.lock.release()

    def _hold(self, connection: GuardedConnection) -> None:
        lock = connection.lease.lock
        if lock.acquire(timeout=PATIENCE_S):
            return
        deadline = time.monotonic() + GIVEN_UP_S_MAX
        while not lock.acquire(timeout=0.05):
            connection.interrupt()
            if time.monotonic() > deadline:
                raise FileLost(f"{self.trouble}; a read of the former one does not end")

    def _save_log(self, connections: list[GuardedConnection]) -> None:
        """Bring what was committed last from the log to the file it belongs to, wherever that is now: a file that was
        moved away is then whole, and the one in its place has no log of another beside it.
        """
        for connection in connections:
            with suppress(sqlite3.Error):
                (is_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if not is_busy:
                    return

    def _is_sound(self, files: Files, size: int) -> bool:
        """Whether the file and the log that is there are one database."""
        if files.wal == 0 or self._feed is None:
            return True  # it is looked through when it is opened
        try:
            with closing(_connect_to_look(self.path)) as together:
                self._look_through(together, size)
        except sqlite3.Error:
            return False
        return True

    def _must_be_sound_alone(self, size: int) -> None:
        """Whether another database was copied onto the file, and is all there. Until then nothing is closed: SQLite
        would lay the log over it.
        """
        # As a file that nobody changes, SQLite reads it without its log.
        with closing(sqlite3.connect(f"{self.path.as_uri()}?immutable=1", uri=True)) as alone:
            self._look_through(alone, size)
            require_ours(self.path, alone)

    def _open(self, known: HistoryPosition | None) -> None:
        before, size = self._at_path()
        if self._files.main:
            with closing(_connect_to_look(self.path)) as fresh:
                require_ours(self.path, fresh)
                self._look_through(fresh, size)
        with closing(connect(self.path)) as writer:
            require_ours(self.path, writer)
            found = position_of(writer, 0 if known is None else known.seq)
            self.position = self._recognised(writer, known, found)
            self.told = self.position.seq if self.position.epoch != found.epoch else self.told
            # From here on the log is there, and stays for as long as this connection is open.
            feed = self._connect(read_only=True)
            position_of(feed, 0)
        files, _ = self._at_path()
        # Of the one that was opened, whose log that is: what stands in its place now gets none of it.
        self._files = files._replace(device=before.device, main=before.main)
        self._written = written(self.path.stat())
        if files[:2] != before[:2]:
            feed.close()
            raise FileLost(f"another file has taken the place of {self.path.name}")
        self._feed = feed

    def _recognised(
        self, writer: sqlite3.Connection, known: HistoryPosition | None, found: CurrentPosition
    ) -> HistoryPosition:
        """The history that goes on; a new one where it does not."""
        position = HistoryPosition(found.epoch, found.seq, found.mark)
        if not is_epoch(found.epoch) or (known is not None and not continues(known, self.told, found)):
            log.warning("the database was restored from a copy, or replaced: positions begin anew")
            position = position._replace(epoch=new_epoch())
            writer.execute(KEEP_EPOCH, (position.epoch,))
        return position

    def _connect(self, *, read_only: bool) -> GuardedConnection:
        connection = cast(GuardedConnection, connect(self.path, read_only=read_only, factory=GuardedConnection))
        connection.lease = Lease(connection)
        connection.is_reader = read_only
        self._connections = [each for each in self._connections if each.is_open]
        self._connections.append(connection)
        return connection


def _connect_to_look(path: Path) -> sqlite3.Connection:
    """A connection that is closed after a look. Its file may not be the one that the log beside it belongs to: any
    other connection, closed as the last one of that file, would lay the log over it.
    """
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    return connection


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _is_locked(error: sqlite3.Error) -> bool:
    # An extended result code says more in its higher bits (https://sqlite.org/rescode.html).
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
