"""What a unit of work is handed: the open transaction, and the statements that may be run in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .connections import Connection
from .statements import OfRows, Statements


class Transaction:
    """One connection inside a transaction; only the writer and the readers make it, and end it."""

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
        row: tuple[Any, ...] | None = self._connection.execute(statement, values).fetchone()
        return row

    def all(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values).fetchall()

    def run(self, statement: str, **values: Any) -> int:
        """Execute a change; answers how many rows it touched."""
        return self._connection.execute(statement, values).rowcount

    def many(self, statement: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Execute a change for each of `rows`; answers how many rows all of them touched."""
        if isinstance(statement, OfRows):
            return self.run(statement, rows=statement.encoded(rows))
        return self._connection.executemany(statement, rows).rowcount
