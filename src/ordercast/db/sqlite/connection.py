"""SQLite connections, by the standard library's driver."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final, cast

from ordercast.db.connector import Connection, Connector
from ordercast.db.dialects import SQLITE

# Lock wait of a statement.
BUSY_TIMEOUT_MS: Final = 5_000
CACHED_STATEMENTS: Final = 256
# A log that grew under a long reader is truncated to this.
JOURNAL_BYTES_MAX: Final = 64 * 1024 * 1024

# The primary part of an extended result code (https://sqlite.org/rescode.html).
_PRIMARY_CODE: Final = 0xFF


def read_text(stored: bytes) -> str:
    """Decode a text column; invalid UTF-8 becomes U+FFFD.

    Costs 0.1 microseconds a column more than the driver, which would fail all rows of a query.
    """
    return stored.decode("utf-8", "replace")


def create_private(path: Path) -> None:
    """Create an empty file readable by its owner only, as it will have personal data; an existing one keeps its mode.
    SQLite's log gets the same.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def connect(
    path: Path,
    *,
    read_only: bool = False,
    busy_timeout_ms: int = BUSY_TIMEOUT_MS,
    factory: type[sqlite3.Connection] = sqlite3.Connection,
) -> sqlite3.Connection:
    """Open an existing database. Transactions begin explicitly; the connection may move between threads, used by one at
    a time.
    """
    # mode=rw: else SQLite would create a deleted file as an empty shop.
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
        # Not mode=ro: WAL readers write the shared-memory file.
        connection.execute("PRAGMA query_only = ON")
        return connection
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES_MAX}")
    # NORMAL could lose a confirmed order at a power failure.
    connection.execute("PRAGMA synchronous = FULL")
    # Rollback journals of statements spill to a file beyond 64 KiB; a group of orders needs ten times that, and the
    # file cost more than the commit.
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


class SqliteConnector(Connector):
    dialect = SQLITE
    # IMMEDIATE: upgrading a read fails at once, whatever the busy timeout.
    begin_writing = "BEGIN IMMEDIATE"
    begin_reading = "BEGIN"
    single_writer = True
    # DatabaseError is the class of damaged files and non-databases.
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
        # SQLite rolls back by itself on a full or failing disk.
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
        """Nothing to do: the transaction holds the only lock."""

    def is_conflict(self, error: Exception) -> bool:
        del error
        return False
