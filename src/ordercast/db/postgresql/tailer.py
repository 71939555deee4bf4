"""Reads the feed on PostgreSQL as it grows, on a thread of its own: the loop never waits for the database."""

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

# Read ahead of whom the rows are told to; at 3 kB a row, some 12 MB.
AHEAD_ROWS_MAX: Final = 4_096
PAGE_ROWS: Final = 1_024
# Behind the notifications, for those that are lost.
LOOK_EVERY_S: Final = 0.5
# Whether the database is still the same one, and how far back its feed reaches.
RECOGNISE_EVERY_S: Final = 1.0

# Texts of the statements that go to a connection of our own.
_AFTER, _OLDEST, _NEWEST = (each.texts[POSTGRESQL] for each in (feed.AFTER, feed.OLDEST_SEQ, feed.NEWEST_SEQ))

log = logging.getLogger("ordercast.db")


class TailedRows(NamedTuple):
    """What one look found. `rows` follow those of the look before, unless `epoch` is another one, or some were pruned
    before they were read: their numbers tell.
    """

    epoch: str
    first_seq: int
    last_seq: int
    rows: list[Change]


class Tailer(ReconnectingConnection):
    """Gives what it sees to `see`, on its thread, in order. `begin` looks for the first time."""

    def __init__(self, url: str, see: Callable[[TailedRows], None], connector: PostgresqlConnector) -> None:
        """The `connector` is told which database is followed, and what is missing there: changes go to no other."""
        super().__init__(url, name="tailer")
        self._connector = connector
        self._see = see
        self._read = 0
        self._mark: str | None = None  # of the row that was read last, where it is known
        self._taken = 0
        self._room = threading.Event()
        self._epoch = ""
        self._recognised_at = 0.0
        self._waiting_id: int | None = None
        self._waiting_since = 0.0
        self.looked_at = 0.0
        """When the feed was last seen to its end; of the monotonic clock."""

    def __repr__(self) -> str:
        return f"<Tailer read={self._read} taken={self._taken}>"

    def begin(self, rows: int) -> TailedRows:
        """Look for the first time, with the newest `rows` that are there; `start` then goes on. Blocks.

        Raises psycopg.Error where there is no such database, or no feed in it.
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
        """Say how far the rows are needed no more: called on the loop."""
        self._taken = through
        self._room.set()

    def stop(self) -> None:
        self._room.set()
        super().stop()

    def is_waiting(self, seconds: float) -> bool:
        """Whether the same row has had no number for so long: nobody numbers the feed."""
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
        self._recognised_at = 0.0  # whatever is connected to next may be another database

    def _wait_for_room(self) -> None:
        self.looked_at = time.monotonic()
        self._room.clear()
        if self._read - self._taken >= AHEAD_ROWS_MAX and not self.is_stopping:
            self._room.wait(LOOK_EVERY_S)

    def _recognise(self, connection: psycopg.Connection) -> None:
        """Look whether this is still the history that was read, how far back it reaches, and whether it is numbered."""
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
        """The epoch; a new one where the feed has gone back behind what was read here. May be called on any thread."""
        if epoch != self._epoch or not has_gone_back(connection, self._read, self._mark):
            return epoch
        log.warning("the feed has lost what was read of it: positions begin anew")
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
