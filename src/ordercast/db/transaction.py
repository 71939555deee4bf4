"""What a unit of work is handed: the open transaction, and the statements that may be run in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from .statements import Statements


class Transaction:
    """One connection inside a transaction; only the writer and the readers make it, and end it."""

    __slots__ = ("_connection", "sql")

    def __init__(self, connection: sqlite3.Connection, sql: Statements) -> None:
        self._connection = connection
        self.sql = sql

    def one(self, statement: str, **values: Any) -> tuple[Any, ...] | None:
        """The first row, or None; later rows are not looked at."""
        row: tuple[Any, ...] | None = self._connection.execute(statement, values).fetchone()
        return row

    def all(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values).fetchall()

    def run(self, statement: str, **values: Any) -> int:
        """Execute a change; answers how many rows it touched."""
        return self._connection.execute(statement, values).rowcount

    def insert(self, statement: str, **values: Any) -> int:
        """Execute an INSERT; answers the new row's integer key."""
        key = self._connection.execute(statement, values).lastrowid
        if key is None:
            raise sqlite3.DatabaseError("an INSERT made no row")
        return key

    def many(self, statement: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self._connection.executemany(statement, rows)
