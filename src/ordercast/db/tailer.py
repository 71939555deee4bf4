"""Reads the feed on PostgreSQL as it grows, on a thread of its own: the loop never waits for the database."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import psycopg

from .connections.postgresql import BY_INDEX, connect, interrupt
from .epochs import epoch_of, renew_epoch
from .sequencer import FEED_CHANNEL
from .statements import Statements
from .store import change_of
from .types import Change

# Read ahead of whom the rows are told to; at 3 kB a row, some 12 MB.
AHEAD_ROWS_MAX: Final = 4_096
PAGE_ROWS: Final = 1_024
# Behind the notifications, for those that are lost.
LOOK_EVERY_S: Final = 0.5
# Whether the database is still the same one, and how far back its feed reaches.
RECOGNISE_EVERY_S: Final = 1.0
RETRY_S: Final = 0.25

log = logging.getLogger("ordercast.db")


class Seen(NamedTuple):
    """What one look found. `rows` follow those of the look before, unless `epoch` is another one."""

    epoch: str
    first_seq: int
    last_seq: int
    rows: list[Change]


class Tailer:
    """Gives what it sees to `see`, on its thread, in order. `begin` connects and looks for the first time."""

    def __init__(self, url: str, sql: Statements, see: Callable[[Seen], None]) -> None:
        self._url = url
        self._sql = sql
        self._see = see
        self._read = 0
        self._taken = 0
        self._room = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._connection: psycopg.Connection | None = None
        self._epoch = ""
        self._recognised_at = 0.0
        self.looked_at = 0.0
        """When the feed was last seen to its end; of the monotonic clock."""

    def __repr__(self) -> str:
        return f"<Tailer read={self._read} taken={self._taken}>"

    def begin(self, rows: int) -> Seen:
        """Look for the first time, with the newest `rows` that are there; then go on by itself. Blocks.

        Raises psycopg.Error where there is no such database, or no feed in it.
        """
        connection = self._connect()
        try:
            self._epoch = epoch_of(connection)
            first_seq, last_seq = self._bounds(connection)
            self._read = self._taken = max(first_seq - 1, last_seq - rows, 0)
            found = self._page(connection, rows)
            self.looked_at = time.monotonic()
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._thread = threading.Thread(target=self._run, name="ordercast-tailer", daemon=True)
        self._thread.start()
        return Seen(self._epoch, first_seq, found[-1].seq if found else last_seq, found)

    def taken(self, through: int) -> None:
        """Say how far the rows are needed no more: called on the loop."""
        self._taken = through
        self._room.set()

    def stop(self) -> None:
        self._stopping.set()
        self._room.set()
        if self._connection is not None:
            interrupt(self._connection)
        if self._thread is not None:
            self._thread.join()

    # --- On the thread ----------------------------------------------------------------------------------------------

    def _connect(self) -> psycopg.Connection:
        connection = connect(self._url, name="tailer", options=BY_INDEX)
        connection.execute(f"LISTEN {FEED_CHANNEL}")
        return connection

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._connection is None:
                    self._connection = self._connect()
                    self._recognise(self._connection)
                self._follow(self._connection)
            except psycopg.Error as error:
                if self._connection is not None and not self._stopping.is_set():  # else it has been said
                    log.warning("the feed cannot be read; trying again: %s", error)
            except Exception:
                log.exception("the feed cannot be read; trying again")
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._stopping.wait(RETRY_S)

    def _follow(self, connection: psycopg.Connection) -> None:
        while not self._stopping.is_set():
            if time.monotonic() - self._recognised_at > RECOGNISE_EVERY_S:
                self._recognise(connection)
            if self._read - self._taken >= AHEAD_ROWS_MAX:
                self._wait_for_room()
                continue
            rows = self._page(connection, PAGE_ROWS)
            if rows:
                self._see(Seen(self._epoch, 0, self._read, rows))
            if len(rows) < PAGE_ROWS:
                self.looked_at = time.monotonic()
                for _ in connection.notifies(timeout=LOOK_EVERY_S, stop_after=1):
                    pass

    def _wait_for_room(self) -> None:
        self.looked_at = time.monotonic()
        self._room.clear()
        if self._read - self._taken >= AHEAD_ROWS_MAX:
            self._room.wait(LOOK_EVERY_S)

    def _recognise(self, connection: psycopg.Connection) -> None:
        """Look whether this is still the history that was read, and how far back it reaches."""
        epoch = epoch_of(connection)
        first_seq, last_seq = self._bounds(connection)
        if epoch == self._epoch and last_seq < self._read:
            log.warning("the feed ends before what was read of it: positions begin anew")
            epoch = renew_epoch(connection, epoch)
        if epoch != self._epoch:
            self._epoch, self._read = epoch, last_seq
        self._recognised_at = time.monotonic()
        self._see(Seen(epoch, first_seq, self._read, []))

    def _bounds(self, connection: psycopg.Connection) -> tuple[int, int]:
        oldest = connection.execute(self._sql.feed.oldest_seq.encode()).fetchone()
        newest = connection.execute(self._sql.feed.newest_seq.encode()).fetchone()
        assert oldest is not None
        assert newest is not None
        return oldest[0] or 0, newest[0] or 0

    def _page(self, connection: psycopg.Connection, limit: int) -> list[Change]:
        values = {"after": self._read, "limit": limit}
        found = connection.execute(self._sql.feed.after.encode(), values).fetchall()
        rows = [change_of(row) for row in found]
        if rows:
            self._read = rows[-1].seq
        return rows
