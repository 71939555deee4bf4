"""What a unit of work is handed: the open transaction, in which it runs its statements."""

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
"""What SQLite says of an expression that it cannot work out, such as the sum of what is too large."""

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

    __slots__ = ("_connection", "damaged", "dialect")

    def __init__(self, connection: Connection, dialect: Dialect, damaged: DamagedRows | None = None) -> None:
        self._connection = connection
        self.dialect = dialect
        self.damaged = DamagedRows() if damaged is None else damaged
        """Where rows are noted that cannot be read."""

    @property
    def refusals(self) -> type[Exception]:
        """What is raised where a rule of the database refuses a change: UNIQUE, CHECK, a trigger's. PostgreSQL then
        takes no further statement of the unit: whoever catches it, raises.
        """
        return self._connection.IntegrityError

    def one(self, statement: Statement | str, **values: Any) -> tuple[Any, ...] | None:
        """The first row, or None; later rows are not looked at."""
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
        """The rows as `decode` has them. One that it cannot read is left out, and noted by its first column as a row of
        `table`: it must not keep the others from who asks for them.
        """
        return self.readable(self.all(statement, **values), decode, table)

    def read_one(
        self, statement: Statement | str, decode: Callable[[tuple[Any, ...]], T], table: str, /, **values: Any
    ) -> T | None:
        """The first row as `decode` has it, or None. Raises DamagedRow where it cannot be read."""
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
        """As `read`, of a statement that goes on behind its parameter `by`, the first column of its last row: rows that
        cannot be read are made up for by those behind them, so that a page is short only where it is the last.
        """
        found: list[T] = []
        while True:
            wanted = limit - len(found)
            rows = self.all(statement, limit=wanted, **values)
            found += self.readable(rows, decode, table)
            # A key that is no text is read as another one, behind which it stands again.
            if len(rows) < wanted or len(found) == limit or rows[-1][0] == values[by]:
                return found
            values[by] = rows[-1][0]

    def readable(self, rows: Iterable[tuple[Any, ...]], decode: Callable[[tuple[Any, ...]], T], table: str) -> list[T]:
        """As `read`, of rows that were asked for already."""
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
        """As `read_one`, of a row that was asked for already; where its first column does not name it, `key` does."""
        try:
            return decode(row)
        except UNREADABLE as error:
            problem, key = problem_of(error), row[0] if key is None else key
            self.damaged.note(table, key, problem)
            raise DamagedRow(table, key, problem) from error

    @contextmanager
    def as_stored(self, text: Callable[[bytes], Any]) -> Iterator[None]:
        """Meanwhile, have texts as `text` makes them of their bytes, in SQLite, which may keep any bytes as one."""
        if not isinstance(self._connection, sqlite3.Connection):
            yield
            return
        usual, self._connection.text_factory = self._connection.text_factory, text
        try:
            yield
        finally:
            self._connection.text_factory = usual

    def attempt(self, work: Callable[[Transaction], T]) -> T:
        """Do a part of this unit; what it raises takes back its own changes alone. Whoever catches it asks `is_of_row`
        whether the rest may go on.
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
        """Whether the rows are to blame that were asked for: a rule that refuses them, or what stands in them. Any
        other error is the database's, or others' work, and ends the unit.
        """
        if isinstance(error, (*UNREADABLE, Unstorable, ShopError, self.refusals)):
            return True
        return getattr(error, "sqlite_errorcode", None) == SQLITE_ERROR

    def run(self, statement: Statement | str, **values: Any) -> int:
        """Execute a change; answers how many rows it touched."""
        text = statement.texts[self.dialect] if isinstance(statement, Statement) else statement
        try:
            return self._connection.execute(text, values).rowcount
        except (self._connection.DataError, *_NOT_WRITABLE) as error:
            raise Unstorable from error

    def many(self, statement: Statement | str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Execute a change for each of `rows`; answers how many rows all of them touched."""
        if isinstance(statement, BulkStatement) and self.dialect.inserts_in_bulk:
            return self.run(statement, rows=statement.encoded(rows))
        text = statement.texts[self.dialect] if isinstance(statement, Statement) else statement
        try:
            return self._connection.executemany(text, rows).rowcount
        except (self._connection.DataError, *_NOT_WRITABLE) as error:
            raise Unstorable from error
