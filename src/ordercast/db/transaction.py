"""What a unit of work is handed: the open transaction, and the statements that may be run in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from .connections import Connection
from .damage import DamagedRow, DamagedRows, problem_of
from .statements import OfRows, Statements
from .types import Unstorable

T = TypeVar("T")

UNREADABLE: Final = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, msgspec.MsgspecError
)  # fmt: skip
"""What decoding a row raises where another program has written what does not belong there."""

# What both drivers raise before they send anything: half a surrogate pair, or more than 64 bits.
_NOT_WRITABLE: Final = (UnicodeEncodeError, OverflowError)


class Transaction:
    """One connection inside a transaction; only the writer and the readers make it, and end it. Each statement raises
    Unstorable for a value that the database cannot hold.
    """

    __slots__ = ("_connection", "damaged", "sql")

    def __init__(self, connection: Connection, sql: Statements, damaged: DamagedRows | None = None) -> None:
        self._connection = connection
        self.sql = sql
        self.damaged = DamagedRows() if damaged is None else damaged
        """Where rows are noted that cannot be read."""

    @property
    def refusals(self) -> type[Exception]:
        """What is raised where a rule of the database refuses a change: UNIQUE, CHECK, a trigger's. PostgreSQL then
        takes no further statement of the unit: whoever catches it, raises.
        """
        return self._connection.IntegrityError

    def one(self, statement: str, **values: Any) -> tuple[Any, ...] | None:
        """The first row, or None; later rows are not looked at."""
        try:
            row: tuple[Any, ...] | None = self._connection.execute(statement, values).fetchone()
        except (self._connection.DataError, *_NOT_WRITABLE) as error:
            raise Unstorable from error
        return row

    def all(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except (self._connection.DataError, *_NOT_WRITABLE) as error:
            raise Unstorable from error

    def read(self, statement: str, decode: Callable[[tuple[Any, ...]], T], table: str, /, **values: Any) -> list[T]:
        """The rows as `decode` has them. One that it cannot read is left out, and noted by its first column as a row of
        `table`: it must not keep the others from who asks for them.
        """
        return self.readable(self.all(statement, **values), decode, table)

    def read_one(
        self, statement: str, decode: Callable[[tuple[Any, ...]], T], table: str, /, **values: Any
    ) -> T | None:
        """The first row as `decode` has it, or None. Raises DamagedRow where it cannot be read."""
        row = self.one(statement, **values)
        return None if row is None else self.decoded(row, decode, table)

    def readable(self, rows: Iterable[tuple[Any, ...]], decode: Callable[[tuple[Any, ...]], T], table: str) -> list[T]:
        """As `read`, of rows that were asked for already."""
        found = []
        for row in rows:
            try:
                found.append(decode(row))
            except UNREADABLE as error:
                self.damaged.note(table, row[0], problem_of(error))
        return found

    def decoded(self, row: tuple[Any, ...], decode: Callable[[tuple[Any, ...]], T], table: str) -> T:
        """As `read_one`, of a row that was asked for already."""
        try:
            return decode(row)
        except UNREADABLE as error:
            problem = problem_of(error)
            self.damaged.note(table, row[0], problem)
            raise DamagedRow(table, row[0], problem) from error

    def run(self, statement: str, **values: Any) -> int:
        """Execute a change; answers how many rows it touched."""
        try:
            return self._connection.execute(statement, values).rowcount
        except (self._connection.DataError, *_NOT_WRITABLE) as error:
            raise Unstorable from error

    def many(self, statement: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Execute a change for each of `rows`; answers how many rows all of them touched."""
        if isinstance(statement, OfRows):
            return self.run(statement, rows=statement.encoded(rows))
        try:
            return self._connection.executemany(statement, rows).rowcount
        except (self._connection.DataError, *_NOT_WRITABLE) as error:
            raise Unstorable from error
