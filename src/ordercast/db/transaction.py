"""The transaction of a unit of work, in which it runs statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec

from ordercast.commerce.errors import ShopError
from ordercast.db.connector import Connection

from .damage import DamagedRow, DamagedRows, problem_of
from .dialects import Dialect
from .errors import Unstorable
from .statement import BulkStatement, Statement

T = TypeVar("T")

SQLITE_ERROR: Final = 1
"""SQLite's errors for an expression that cannot be evaluated, such as an overflow."""

UNREADABLE: Final = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, msgspec.MsgspecError
)  # fmt: skip
"""Errors of decoding a damaged row."""

# Raised by both drivers before sending: lone surrogates, more than 64 bits.
_NOT_WRITABLE: Final = (UnicodeEncodeError, OverflowError)


class Transaction:
    """An open transaction, begun and ended by the writer or a reader. Statements raise Unstorable for a value that the
    database cannot store.
    """

    __slots__ = ("_connection", "damaged", "dialect")

    def __init__(self, connection: Connection, dialect: Dialect, damaged: DamagedRows | None = None) -> None:
        self._connection = connection
        self.dialect = dialect
        self.damaged = DamagedRows() if damaged is None else damaged
        """Records damaged rows."""

    @property
    def refusals(self) -> type[Exception]:
        """The error of a violated rule: UNIQUE, CHECK, a trigger's. PostgreSQL then accepts no further statement of the
        unit, so who catches it must raise.
        """
        return self._connection.IntegrityError

    def one(self, statement: Statement | str, **values: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        text = statement.texts[self.dialect] if isinstance(statement, Statement) else statement
        try:
            row: tuple[Any, ...] | None = self._connection.execute(text, values).fetchone()
        except (self._connection.DataError, *_NOT_WRITABLE) as error:
            raise Unstorable from error
        return row

    def all(self, statement: Statement | str, **values: Any) -> list[tuple[Any, ...]]:
        text = statement.texts[self.dialect] if isinstance(statement, Statement) else statement
        try:
            return self._connection.execute(text, values).fetchall()
        except (self._connection.DataError, *_NOT_WRITABLE) as error:
            raise Unstorable from error

    def read(
        self, statement: Statement | str, decode: Callable[[tuple[Any, ...]], T], table: str, /, **values: Any
    ) -> list[T]:
        """The decoded rows. Damaged ones are skipped and recorded by their first column as rows of `table`."""
        return self.readable(self.all(statement, **values), decode, table)

    def read_one(
        self, statement: Statement | str, decode: Callable[[tuple[Any, ...]], T], table: str, /, **values: Any
    ) -> T | None:
        """The first row, decoded, or None. Raises DamagedRow."""
        row = self.one(statement, **values)
        return None if row is None else self.decoded(row, decode, table)

    def page(
        self,
        statement: Statement | str,
        decode: Callable[[tuple[Any, ...]], T],
        table: str,
        /,
        *,
        limit: int,
        by: str = "after",
        **values: Any,
    ) -> list[T]:
        """As `read`, for a page by the parameter `by`, which continues after the last row's first column. Damaged rows
        are made up for, so only the last page is short.
        """
        found: list[T] = []
        while True:
            wanted = limit - len(found)
            rows = self.all(statement, limit=wanted, **values)
            found += self.readable(rows, decode, table)
            # A damaged key sorts elsewhere; the page would not advance.
            if len(rows) < wanted or len(found) == limit or rows[-1][0] == values[by]:
                return found
            values[by] = rows[-1][0]

    def readable(self, rows: Iterable[tuple[Any, ...]], decode: Callable[[tuple[Any, ...]], T], table: str) -> list[T]:
        """As `read`, for rows already fetched."""
        found = []
        for row in rows:
            try:
                found.append(decode(row))
            except UNREADABLE as error:
                self.damaged.note(table, row[0], problem_of(error))
        return found

    def decoded(
        self, row: tuple[Any, ...], decode: Callable[[tuple[Any, ...]], T], table: str, key: object = None
    ) -> T:
        """As `read_one`, for a fetched row; `key` names it if its first column does not."""
        try:
            return decode(row)
        except UNREADABLE as error:
            problem, key = problem_of(error), row[0] if key is None else key
            self.damaged.note(table, key, problem)
            raise DamagedRow(table, key, problem) from error

    @contextmanager
    def as_stored(self, text: Callable[[bytes], Any]) -> Iterator[None]:
        """Temporarily decode texts by `text` from their bytes, in SQLite, which stores any bytes."""
        if not isinstance(self._connection, sqlite3.Connection):
            yield
            return
        usual, self._connection.text_factory = self._connection.text_factory, text
        try:
            yield
        finally:
            self._connection.text_factory = usual

    def attempt(self, work: Callable[[Transaction], T]) -> T:
        """Run a part in a savepoint; an error rolls back this part only. Who catches it asks `is_of_row` whether to
        continue.
        """
        execute = self._connection.execute
        execute("SAVEPOINT part")
        try:
            result = work(self)
        except Exception as error:
            if self.is_of_row(error):
                execute("ROLLBACK TO part")
                execute("RELEASE part")
            raise
        execute("RELEASE part")
        return result

    def is_of_row(self, error: Exception) -> bool:
        """Whether the error is caused by rows: a violated rule, or damage. Other errors are the database's or
        conflicts, and end the unit.
        """
        if isinstance(error, (*UNREADABLE, Unstorable, ShopError, self.refusals)):
            return True
        return getattr(error, "sqlite_errorcode", None) == SQLITE_ERROR

    def run(self, statement: Statement | str, **values: Any) -> int:
        """Execute a change; return the number of affected rows."""
        text = statement.texts[self.dialect] if isinstance(statement, Statement) else statement
        try:
            return self._connection.execute(text, values).rowcount
        except (self._connection.DataError, *_NOT_WRITABLE) as error:
            raise Unstorable from error

    def many(self, statement: Statement | str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Execute a change for each of `rows`; return the number of affected rows."""
        if isinstance(statement, BulkStatement) and self.dialect.inserts_in_bulk:
            return self.run(statement, rows=statement.encoded(rows))
        text = statement.texts[self.dialect] if isinstance(statement, Statement) else statement
        try:
            return self._connection.executemany(text, rows).rowcount
        except (self._connection.DataError, *_NOT_WRITABLE) as error:
            raise Unstorable from error
