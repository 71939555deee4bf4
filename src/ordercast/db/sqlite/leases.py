"""Leases on connections, which are closed under their users between two uses."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import AbstractContextManager, suppress


class FileLost(sqlite3.OperationalError):
    """The database is not the one that was opened, or not all there; its words are a clause without a full stop."""


class GuardedConnection(sqlite3.Connection):
    """SQLite's own connection, and what is known of its file by it."""

    lease: Lease
    is_open = True
    is_reader = False
    data_version = 0
    """Changes when another connection commits."""
    schema_version = -1
    missing: tuple[str, ...] = ()

    def close(self) -> None:
        self.is_open = False
        super().close()


class Lease(AbstractContextManager[None]):
    """Held to use a connection, and to close it under whoever uses it between two uses."""

    __slots__ = ("_connection", "lock")

    def __init__(self, connection: GuardedConnection) -> None:
        self._connection = connection
        self.lock = threading.Lock()

    def __enter__(self) -> None:
        self.lock.acquire()
        if not self._connection.is_open:
            self.lock.release()
            raise FileLost("the database file was opened anew")

    def __exit__(self, *_: object) -> None:
        try:
            if self._connection.in_transaction:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
        finally:
            self.lock.release()
