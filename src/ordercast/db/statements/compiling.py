"""What the statements are built with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Delete,
    Dialect,
    Executable,
    Insert,
    Select,
    Table,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.sql.elements import ClauseElement

Compile: TypeAlias = Callable[[Executable], str]
"""Gives the text of a statement, with ``:named`` parameters."""

# As text: a number given by value would become a parameter that nobody supplies.
ONE: Final[ColumnElement[int]] = literal_column("1")
ZERO: Final[ColumnElement[int]] = literal_column("0")


def values_of(name: str) -> Select[tuple[str]]:
    """The values of a JSON array given as ``:name``, so that one statement takes any number of them."""
    return select(func.json_each(bindparam(name)).table_valued("value").c.value)


def texts(values: Iterable[str]) -> list[ColumnElement[str]]:
    """Our own names as they stand in a statement."""
    return [literal_column(f"'{value}'") for value in values]


def insert_rows(table: Table, columns: Sequence[str]) -> Insert:
    """Insert the rows of a JSON array given as ``:rows``, each an array of values for `columns`: one step for all of
    them, where a statement run for each would let go of the interpreter's lock, and wait for it, each time.
    """
    row = func.json_each(bindparam("rows")).table_valued("value").c.value
    values = [row.op("->>")(literal_column(str(index))) for index in range(len(columns))]
    return table.insert().from_select(columns, select(*values), include_defaults=False)


def oldest(table: Table, written_at: ColumnElement[str]) -> Delete:
    """Delete up to ``:limit`` rows written before ``:before``."""
    key = tuple_(*table.primary_key.columns)
    old = select(*table.primary_key.columns).where(written_at < bindparam("before"))
    return table.delete().where(key.in_(old.limit(bindparam("limit")).offset(ZERO)))


def compiler(dialect: Dialect) -> Compile:
    """Compile for that database."""

    def text(statement: Executable) -> str:
        assert isinstance(statement, ClauseElement)
        return str(statement.compile(dialect=dialect))

    return text
