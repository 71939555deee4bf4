"""Tails the feed on PostgreSQL on a thread: the loop never waits for the database."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import psycopg

from ordercast.db import feed
from ordercast.db.dialects import POSTGRESQL
from ordercast.db.epochs import has_gone_back, history_of, renew_epoch
from ordercast.db.postgresql.connection import PostgresqlConnector
from ordercast.db.postgresql.reconnecting import ReconnectingConnection
from ordercast.db.postgresql.sequencer import FEED_CHANNEL
from ordercast.db.store import change_of
from ordercast.db.triggers import missing_triggers
from ordercast.db.types import Change

# Rows read ahead; 12 MB at 3 kB each.
AHEAD_ROWS_MAX: Final = 4_096
PAGE_ROWS: Final = 1_024
# Poll interval, for lost notifications.
LOOK_EVERY_S: Final = 0.5
# Interval of identity checks and of the oldest row's number.
RECOGNISE_EVERY_S: Final = 1.0

# Texts of statements for its own connection.
_AFTER, _OLDEST, _NEWEST = (each.texts[POSTGRESQL] for each in (feed.AFTER, feed.OLDEST_SEQ, feed.NEWEST_SEQ))

log = logging.getLogger("ordercast.db")


class TailedRows(NamedTuple):
    """The result of a poll. `rows` continue the former ones, unless `epoch` changed or rows were pruned: their numbers
    tell.
    """

    epoch: str
    first_seq: int
    last_seq: int
    rows: list[Change]


class Tailer(ReconnectingConnection):
    """Passes rows to `see` on its thread, in order. `begin` reads first."""

    def __init__(self, url: str, see: Callable[[TailedRows], None], connector: PostgresqlConnector) -> None:
        """Tells `connector` which database is followed and which triggers are missing: it commits to no other."""
        super().__init__(url, name="tailer")
        self._connector = connector
        self._see = see
        self._read = 0
        self._mark: str | None = None  # of the last row read, if known
        self._taken = 0
        self._room = threading.Event()
        self._epoch = ""
        self._recognised_at = 0.0
        self._waiting_id: int | None = None
        self._waiting_since = 0.0
        self.looked_at = 0.0
        """When the feed was last read to its end (monotonic time)."""

    def __repr__(self) -> str:
        return f"<Tailer read={self._read} taken={self._taken}>"

    def begin(self, rows: int) -> TailedRows:
        """Read the newest `rows` rows; `start` continues after them. Blocks.

        Raises psycopg.Error if there is no such database or feed.
        """
        try:
            connection = self.open()
            self._epoch, incarnation = history_of(connection)
            self._connector.met(incarnation)
            first_seq, last_seq = self._bounds(connection)
            self._read = self._taken = max(first_seq - 1, last_seq - rows, 0)
            found = self._page(connection, rows)
        except BaseException:
            self.close()
            raise
        self.looked_at = time.monotonic()
        return TailedRows(self._epoch, first_seq, found[-1].seq if found else last_seq, found)

    def taken(self, through: int) -> None:
        """Report rows taken, so that more are read; called on the loop."""
        self._taken = through
        self._room.set()

    def stop(self) -> None:
        self._room.set()
        super().stop()

    def is_waiting(self, seconds: float) -> bool:
        """Whether a row has been unnumbered for so long: no sequencer works."""
        return self._waiting_id is not None and time.monotonic() - self._waiting_since > seconds

    # --- On the thread ----------------------------------------------------------------------------------------------

    def serve(self, connection: psycopg.Connection) -> None:
        self.ask(connection, f"LISTEN {FEED_CHANNEL}")
        while not self.is_stopping:
            if time.monotonic() - self._recognised_at > RECOGNISE_EVERY_S:
                self._recognise(connection)
            if self._read - self._taken >= AHEAD_ROWS_MAX:
                self._wait_for_room()
                continue
            rows = self._page(connection, PAGE_ROWS)
            if rows:
                self._see(TailedRows(self._epoch, 0, self._read, rows))
            if len(rows) < PAGE_ROWS:
                self.looked_at = time.monotonic()
                self.wait(connection, LOOK_EVERY_S)

    def lost(self) -> None:
        self._recognised_at = 0.0  # the next connection may be to another database

    def _wait_for_room(self) -> None:
        self.looked_at = time.monotonic()
        self._room.clear()
        if self._read - self._taken >= AHEAD_ROWS_MAX and not self.is_stopping:
            self._room.wait(LOOK_EVERY_S)

    def _recognise(self, connection: psycopg.Connection) -> None:
        """Check that the history is the same, how far back the feed reaches, and that it is being numbered."""
        epoch, incarnation = history_of(connection)
        self._connector.met(incarnation)
        epoch = self.renewed(connection, epoch)
        first_seq, last_seq = self._bounds(connection)
        if epoch != self._epoch:
            self._epoch, self._read, self._mark = epoch, last_seq, None
        self._connector.missing = missing_triggers(self.ask(connection, POSTGRESQL.triggers_at_work), POSTGRESQL)
        self._recognised_at = time.monotonic()
        self._note_waiting(connection)
        self._see(TailedRows(epoch, first_seq, self._read, []))

    def renewed(self, connection: psycopg.Connection, epoch: str) -> str:
        """The epoch; a new one if the feed lost rows that were read here. Thread-safe."""
        if epoch != self._epoch or not has_gone_back(connection, self._read, self._mark):
            return epoch
        log.warning("the feed lost rows that were read: a new epoch begins, and clients reload")
        return renew_epoch(connection, epoch)

    def _note_waiting(self, connection: psycopg.Connection) -> None:
        ((oldest,),) = self.ask(connection, "SELECT min(id) FROM feed WHERE seq IS NULL")
        if oldest != self._waiting_id:
            self._waiting_id, self._waiting_since = oldest, time.monotonic()

    def _bounds(self, connection: psycopg.Connection) -> tuple[int, int]:
        ((oldest,),) = self.ask(connection, _OLDEST)
        ((newest,),) = self.ask(connection, _NEWEST)
        return oldest or 0, newest or 0

    def _page(self, connection: psycopg.Connection, limit: int) -> list[Change]:
        found = self.ask(connection, _AFTER, {"after": self._read, "limit": limit})
        rows = [change_of(row) for row in found]
        if rows:
            self._mark = f"{rows[-1].entity_id} {rows[-1].at}"
            self._read = rows[-1].seq
        return rows
