"""The port to database drivers, for the writer and readers; units of work see a `Connection` through
``Transaction``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from ordercast.db.damage import DamagedRows
from ordercast.db.dialects import Dialect


class Cursor(Protocol):
    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """A connection in which only an explicit statement begins a transaction."""

    @property
    def IntegrityError(self) -> type[Exception]:  # noqa: N802 - DB-API's own name
        """The driver's error when a rule of the database refuses a change."""

    @property
    def DataError(self) -> type[Exception]:  # noqa: N802 - DB-API's own name
        """The driver's error for a value that the database cannot store."""

    def execute(self, statement: str, values: Mapping[str, Any] = ..., /) -> Cursor: ...
    def executemany(self, statement: str, rows: Iterable[Mapping[str, Any]], /) -> Cursor: ...
    def close(self) -> None: ...


class Connector(ABC):
    """Opens connections to a database, and classifies its errors."""

    dialect: Dialect
    begin_writing: str
    begin_reading: str
    single_writer: bool
    """Whether only one connection writes at a time, so nobody waits for rows."""
    operational_errors: tuple[type[Exception], ...]
    """Errors of the database itself, whatever the statement: locked, full, gone. `is_operational_error` decides in
    detail.
    """

    @property
    def locked_ms_max(self) -> int:
        """How long a change may wait for a locked row, apart from others. Only if not `single_writer`."""
        return 0

    def __init__(self) -> None:
        self.damaged = DamagedRows()
        """Damaged rows met so far."""

    @abstractmethod
    def open(self, *, read_only: bool = False) -> Connection:
        """Connect; raises one of `operational_errors`. The connection may move between threads, used by one at a
        time.
        """

    def begin(self, connection: Connection, wait_ms: int | None = None) -> None:
        """Begin a writing transaction; each statement waits at most `wait_ms` for locks (None: the connection's
        default).
        """
        del wait_ms
        connection.execute(self.begin_writing)

    def begin_read(self, connection: Connection, wait_ms: int | None = None) -> None:
        """Begin a reading transaction on one snapshot, as `begin`."""
        del wait_ms
        connection.execute(self.begin_reading)

    @abstractmethod
    def wait_for_rows(self, connection: Connection, milliseconds: int) -> None:
        """Set the lock timeout of further statements of the transaction."""

    def using(self, connection: Connection) -> AbstractContextManager[None]:
        """Hold this while `connection` is in a transaction; raises one of `operational_errors` if it was closed
        meanwhile.
        """
        del connection
        return nullcontext()

    def is_operational_error(self, error: Exception) -> bool:
        """Whether the error is the database's, not the statement's."""
        return isinstance(error, self.operational_errors)

    @abstractmethod
    def commit(self, connection: Connection) -> None:
        """Commit; raises one of `operational_errors` if nothing was kept."""

    @abstractmethod
    def in_transaction(self, connection: Connection) -> bool:
        """Whether a transaction is open in which a rollback to a savepoint works."""

    @abstractmethod
    def is_lost(self, connection: Connection) -> bool:
        """Whether the connection is broken and a new one is needed."""

    @abstractmethod
    def interrupt(self, connection: Connection) -> None:
        """Cancel another thread's statement, which raises one of `operational_errors`."""

    @abstractmethod
    def is_lock_timeout(self, error: Exception) -> bool:
        """Whether a lock was held for too long by somebody else."""

    def is_of_a_table(self, error: Exception) -> bool:
        """Whether a whole table may be locked. For an error that `is_lock_timeout`."""
        del error
        return False

    @abstractmethod
    def what_is_held(self, error: Exception) -> str:
        """What is locked, as text before "is locked by another program"."""

    @abstractmethod
    def is_conflict(self, error: Exception) -> bool:
        """Whether a concurrent transaction is to blame, so that a retry may succeed."""
