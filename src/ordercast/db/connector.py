"""What the writer and the readers ask of a database; units of work see a `Connection` through ``Transaction``."""

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
    """One connection, in which nothing begins a transaction but a statement that says so."""

    @property
    def IntegrityError(self) -> type[Exception]:  # noqa: N802 - DB-API's own name
        """What the driver raises where a rule of the database refuses a change."""

    @property
    def DataError(self) -> type[Exception]:  # noqa: N802 - DB-API's own name
        """What the driver raises for a value that the database cannot hold."""

    def execute(self, statement: str, values: Mapping[str, Any] = ..., /) -> Cursor: ...
    def executemany(self, statement: str, rows: Iterable[Mapping[str, Any]], /) -> Cursor: ...
    def close(self) -> None: ...


class Connector(ABC):
    """Opens connections to one database, and tells what its errors mean."""

    dialect: Dialect
    begin_writing: str
    begin_reading: str
    single_writer: bool
    """Whether only one connection changes anything at a time, so that nobody waits for another's rows."""
    operational_errors: tuple[type[Exception], ...]
    """The database could not do it, whatever was asked: locked, full, gone. Of some it is a part that means so:
    `is_operational_error` decides.
    """

    @property
    def locked_ms_max(self) -> int:
        """How long a change may wait for a row that others hold, beside those that go round it. Asked where nobody
        `single_writer`.
        """
        return 0

    def __init__(self) -> None:
        self.damaged = DamagedRows()
        """Rows of the database that were met and cannot be read."""

    @abstractmethod
    def open(self, *, read_only: bool = False) -> Connection:
        """Connect; raises one of `operational_errors`. The connection may go from thread to thread, used by one at a
        time.
        """

    def begin(self, connection: Connection, wait_ms: int | None = None) -> None:
        """Begin to write; each statement then waits up to `wait_ms` for what others hold (None: as it was opened)."""
        del wait_ms
        connection.execute(self.begin_writing)

    def begin_read(self, connection: Connection, wait_ms: int | None = None) -> None:
        """Begin to read one snapshot, as `begin`."""
        del wait_ms
        connection.execute(self.begin_reading)

    @abstractmethod
    def wait_for_rows(self, connection: Connection, milliseconds: int) -> None:
        """Have each further statement of the transaction wait up to so long for what others hold."""

    def using(self, connection: Connection) -> AbstractContextManager[None]:
        """Held while `connection` is used, from a transaction's beginning to its end; raises one of
        `operational_errors` where it has been closed meanwhile.
        """
        del connection
        return nullcontext()

    def is_operational_error(self, error: Exception) -> bool:
        """Whether this says that the database could not do it, and nothing of what was asked."""
        return isinstance(error, self.operational_errors)

    @abstractmethod
    def commit(self, connection: Connection) -> None:
        """Make durable what the transaction did; raises one of `operational_errors` where none of it was kept."""

    @abstractmethod
    def in_transaction(self, connection: Connection) -> bool:
        """Whether a transaction is open in which a savepoint can be gone back to."""

    @abstractmethod
    def is_lost(self, connection: Connection) -> bool:
        """Whether nothing can be asked of this connection any more, and a new one is needed."""

    @abstractmethod
    def interrupt(self, connection: Connection) -> None:
        """End what another thread is asking on it: that thread is told so by one of `operational_errors`."""

    @abstractmethod
    def is_lock_timeout(self, error: Exception) -> bool:
        """Whether somebody else has held a row for too long, such as a person who forgot to commit."""

    def is_of_a_table(self, error: Exception) -> bool:
        """Whether it may be a whole table that is held, and not a row. Asked of an error that `is_lock_timeout`."""
        del error
        return False

    @abstractmethod
    def what_is_held(self, error: Exception) -> str:
        """Of an error that `is_lock_timeout`, in words that go before "is locked by another program"."""

    @abstractmethod
    def is_conflict(self, error: Exception) -> bool:
        """Whether others' work at the same time is to blame, so that the same may well succeed when it is run again."""
