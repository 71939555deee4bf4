"""SQLite, through the driver of the standard library."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final, cast

from ordercast.db.connector import Connection, Connector
from ordercast.db.dialects import SQLITE

# How long a statement waits for another program's transaction before it gives up.
BUSY_TIMEOUT_MS: Final = 5_000
CACHED_STATEMENTS: Final = 256
# A write-ahead log that grew under one long reader is cut back to this; SQLite would keep it for good.
JOURNAL_BYTES_MAX: Final = 64 * 1024 * 1024

# An extended result code says more in its higher bits (https://sqlite.org/rescode.html).
_PRIMARY_CODE: Final = 0xFF


def read_text(stored: bytes) -> str:
    """A column's text; SQLite keeps whatever bytes another program calls one. What is no UTF-8 is replaced by U+FFFD.

    0.1 microseconds a column over the driver's own way, which raises for all the rows that were asked for.
    """
    return stored.decode("utf-8", "replace")


def create_private(path: Path) -> None:
    """Make an empty file that its owner alone may read, for people's addresses will be in it; one that is there keeps
    its mode. SQLite gives the log beside it the same.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def connect(
    path: Path,
    *,
    read_only: bool = False,
    busy_timeout_ms: int = BUSY_TIMEOUT_MS,
    factory: type[sqlite3.Connection] = sqlite3.Connection,
) -> sqlite3.Connection:
    """Open `path`, which must be there. No transaction is ever begun on its own; the connection may be handed from
    thread to thread, but used by one at a time.
    """
    # mode=rw: SQLite makes a file that is not there, and what was deleted would come back as an empty shop.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=CACHED_STATEMENTS,
        factory=factory,
    )
    connection.text_factory = read_text
    connection.execute(f"PRAGMA busy_timeout = {busy_timeout_ms}")
    connection.execute("PRAGMA foreign_keys = ON")
    if read_only:
        # Not mode=ro: a reader of a WAL database must be able to write the shared-memory file.
        connection.execute("PRAGMA query_only = ON")
        return connection
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES_MAX}")
    # NORMAL would be faster, and may roll back an order that was confirmed when the power fails.
    connection.execute("PRAGMA synchronous = FULL")
    # What a savepoint or a statement would take back is copied first, past 64 KiB to a file. A group of orders copies
    # ten times that: the file cost more than the commit.
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


class SqliteConnector(Connector):
    dialect = SQLITE
    # IMMEDIATE: a read that turns into a write fails at once, whatever the busy timeout.
    begin_writing = "BEGIN IMMEDIATE"
    begin_reading = "BEGIN"
    single_writer = True
    # A file that is damaged, or no database at all, is of the class that all the others are of.
    operational_errors = (sqlite3.DatabaseError, MemoryError)

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def __repr__(self) -> str:
        return f"<SqliteConnector {self._path.name}>"

    def open(self, *, read_only: bool = False) -> Connection:
        return connect(self._path, read_only=read_only)

    def commit(self, connection: Connection) -> None:
        connection.execute("COMMIT")

    def is_operational_error(self, error: Exception) -> bool:
        if isinstance(error, sqlite3.ProgrammingError):
            return "closed database" in str(error)
        return super().is_operational_error(error) and not isinstance(error, sqlite3.IntegrityError | sqlite3.DataError)

    def in_transaction(self, connection: Connection) -> bool:
        # It rolls everything back by itself where the disk is full or fails.
        return cast(sqlite3.Connection, connection).in_transaction

    def is_lost(self, connection: Connection) -> bool:
        del connection
        return False

    def interrupt(self, connection: Connection) -> None:
        cast(sqlite3.Connection, connection).interrupt()

    def is_lock_timeout(self, error: Exception) -> bool:
        code = getattr(error, "sqlite_errorcode", 0)
        return code & _PRIMARY_CODE in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

    def what_is_held(self, error: Exception) -> str:
        del error
        return "the database"

    def wait_for_rows(self, connection: Connection, milliseconds: int) -> None:
        """There is one lock, which a transaction has from its beginning on."""

    def is_conflict(self, error: Exception) -> bool:
        del error
        return False
