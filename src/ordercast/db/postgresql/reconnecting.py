"""A thread with its own PostgreSQL connection, which it reopens as needed."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final, LiteralString

import psycopg

from ordercast.db.postgresql.connection import BY_INDEX, connect, interrupt

RETRY_S: Final = 0.25

log = logging.getLogger("ordercast.db")


class ReconnectingConnection(ABC):
    """Follows or numbers the feed. Started and stopped by the loop; `serve` runs on the thread."""

    def __init__(self, url: str, *, name: str, options: str = "") -> None:
        self._url = url
        self._name = name
        self._options = f"{options} {BY_INDEX}".strip()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"ordercast-{name}", daemon=True)
        # Serializes opening, interrupting and closing.
        self._line = threading.Lock()
        self._connection: psycopg.Connection | None = None
        self._asked_at: float | None = None
        self.answered_at = 0.0
        """When the server last answered (monotonic time)."""

    # --- On the loop ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; blocks shortly, or while a connection is being opened."""
        self._stopping.set()
        self._hang_up()
        if self._thread.is_alive():
            self._thread.join()

    def cancel_if_stuck(self, seconds_max: float) -> None:
        """Disconnect if an answer takes longer than this: the network may drop packets."""
        asked_at = self._asked_at
        if asked_at is not None and time.monotonic() - asked_at > seconds_max:
            log.error("the database has not answered the %s for %.0f s", self._name, seconds_max)
            self._hang_up()

    def look_again(self) -> None:
        """Reconnect: the database may be another one."""
        self._hang_up()

    def _hang_up(self) -> None:
        with self._line:
            if self._connection is not None:
                interrupt(self._connection)

    # --- On the thread ----------------------------------------------------------------------------------------------

    @abstractmethod
    def serve(self, connection: psycopg.Connection) -> None:
        """Work until `is_stopping`; the caller handles psycopg's errors."""

    @abstractmethod
    def lost(self) -> None:
        """Called when a connection ended, for any reason."""

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def pause(self, seconds: float) -> None:
        """Sleep, unless the thread is stopping."""
        self._stopping.wait(seconds)

    def ask(
        self, connection: psycopg.Connection, statement: LiteralString, values: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Execute a statement and record the time of the answer; return its rows."""
        self._asked_at = time.monotonic()
        try:
            cursor = connection.execute(statement, values)
            rows = cursor.fetchall() if cursor.description is not None else []
        finally:
            self._asked_at = None
        self.answered_at = time.monotonic()
        return rows

    def wait(self, connection: psycopg.Connection, seconds: float) -> None:
        """Wait for a notification."""
        for _ in connection.notifies(timeout=seconds, stop_after=1):
            pass

    def open(self) -> psycopg.Connection:
        """Connect; the thread can then be stopped and interrupted."""
        connection = connect(self._url, name=self._name, options=self._options)
        with self._line:
            self._connection = connection
        return connection

    def close(self) -> None:
        with self._line:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _run(self) -> None:
        was_well = True
        while not self.is_stopping:
            try:
                connection = self._connection or self.open()
                was_well = True
                self.serve(connection)
            except psycopg.Error as error:
                if was_well and not self.is_stopping:  # logged already
                    log.warning("the %s has no database connection; retrying: %s", self._name, error)
                was_well = False
            except Exception:
                log.exception("the %s failed; retrying", self._name)
            self.close()
            self.lost()
            self.pause(RETRY_S)
