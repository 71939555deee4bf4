"""What the statements are built with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Delete,
    Executable,
    Select,
    Table,
    bindparam,
    literal_column,
    select,
    text,
    tuple_,
)
from sqlalchemy.sql.elements import ClauseElement

from ordercast.db.dialect import Insert
from ordercast.db.dialects import SQLITE, Dialect
from ordercast.db.statement import OfRows

# As text: a number given by value would become a parameter that nobody supplies.
ONE: Final[ColumnElement[int]] = literal_column("1")
ZERO: Final[ColumnElement[int]] = literal_column("0")

_ENCODE: Final = msgspec.json.Encoder().encode


class Compiler:
    """Gives the text of a statement as one database takes it, with named parameters."""

    __slots__ = ("dialect",)

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def __call__(self, statement: Executable) -> str:
        assert isinstance(statement, ClauseElement)
        return str(statement.compile(dialect=self.dialect.compiled))

    def written(self, statement: str) -> str:
        """The text of a statement that is written out, with ``:named`` parameters."""
        return self(text(statement))


def texts(values: Iterable[str]) -> list[ColumnElement[str]]:
    """Our own names as they stand in a statement."""
    return [literal_column(f"'{value}'") for value in values]


def to_change(found: Select[Any], of: Table | None = None) -> Select[Any]:
    """The rows as they stand, and so that no other transaction changes them before this one has ended. SQLite has one
    writer at a time and needs no word for it; in a reader PostgreSQL refuses it.
    """
    return found.with_for_update(of=of, key_share=True)


def free(found: Select[Any]) -> Select[Any]:
    """Those of the rows that nobody holds just now, as `to_change` has them; waits for none."""
    return found.with_for_update(key_share=True, skip_locked=True)


def insert_rows(dialect: Dialect, table: Table, columns: Sequence[str]) -> Insert:
    """Insert the rows of a JSON array given as the parameter ``rows``, each an array of values for `columns`: one step
    for all of them, where a statement run for each would let go of the interpreter's lock, and wait for it, each time.
    """
    # SQLite would take an ON CONFLICT right behind a table for the condition of a join.
    values = select(*dialect.rows_of("rows", table, columns)).where(literal_column("TRUE"))
    return dialect.insert(table).from_select(columns, values, include_defaults=False)


def insert_many(text: Compiler, table: Table, columns: Sequence[str], *, once: bool = False) -> str:
    """What ``Transaction.many`` inserts rows with; `once` leaves out those whose key is there.

    SQLite runs a statement for each, at no cost. A database server reads all rules of a table anew for each statement:
    an order alone took it three times as long as one among many.
    """
    if text.dialect is SQLITE:
        row = text.dialect.insert(table).values({name: bindparam(name) for name in columns})
        return text(row.on_conflict_do_nothing() if once else row)
    rows = insert_rows(text.dialect, table, columns)
    statement = OfRows(text(rows.on_conflict_do_nothing() if once else rows))
    statement.columns = tuple(columns)
    return statement


def oldest(table: Table, written_at: ColumnElement[str]) -> Delete:
    """Delete up to ``limit`` rows written before ``before``; one that somebody holds is left for the next time."""
    key = tuple_(*table.primary_key.columns)
    old = select(*table.primary_key.columns).where(written_at < bindparam("before"))
    few = old.limit(bindparam("limit")).offset(ZERO).with_for_update(skip_locked=True)
    return table.delete().where(key.in_(few))
