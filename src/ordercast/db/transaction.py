"""What a unit of work is handed: the open transaction, and the statements that may be run in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from .connections import Connection
from .statements import OfRows, Statements
from .types import Unstorable

# What both drivers raise before they send anything: half a surrogate pair, or more than 64 bits.
_NOT_WRITABLE: Final = (UnicodeEncodeError, OverflowError)


class Transaction:
    """One connection inside a transaction; only the writer and the readers make it, and end it. Each statement raises
    Unstorable for a value that the database cannot hold.
    """

    __slots__ = ("_connection", "sql")

    def __init__(self, connection: Connection, sql: Statements) -> None:
        self._connection = connection
        self.sql = sql

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
