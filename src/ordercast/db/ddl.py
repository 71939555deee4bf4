"""The tables as SQLAlchemy has them, which writes their DDL, and from which Alembic tells what has changed.

Slow to load: for who makes a schema, or looks at one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final, Literal

import sqlalchemy
from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Identity, MetaData, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateTable, SchemaItem
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine, UserDefinedType
from sqlalchemy.util import OrderedSet

from .columns import Check, Column, Index, Numbering, Table, Unique
from .dialects import DIALECTS, POSTGRESQL, Dialect
from .domains import Kind
from .nouns import TABLES
from .sql import expand


@cache
def compiled(dialect: Dialect) -> sqlalchemy.Dialect:
    """What SQLAlchemy writes SQL for. Each loads all that it knows of a database, which takes a while."""
    if dialect is POSTGRESQL:
        from sqlalchemy.dialects.postgresql import psycopg  # noqa: PLC0415

        return psycopg.dialect()  # type: ignore[no-untyped-call]
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415

    return sqlite.dialect(paramstyle="named")


# --- What the databases say differently -------------------------------------------------------------------------------


class _Sql(ColumnElement[Any]):
    """SQL whose macros each database has its own words for."""

    inherit_cache = False

    def __init__(self, text: str) -> None:
        self.text = text


@compiles(_Sql)
def _expanded(text: _Sql, compiler: SQLCompiler, **_: Any) -> str:
    return expand(text.text, DIALECTS[compiler.dialect.name])


class _SqliteCheck(CheckConstraint):
    """PostgreSQL has a type or a domain for it."""


@compiles(_SqliteCheck, "postgresql")
def _no_check(*_: Any, **__: Any) -> str:
    return ""


class _Named(UserDefinedType[Any]):
    """A type by its name alone: SQLAlchemy's own would load all that it knows of a database."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return self.name


ROWS: Final = "rows"
"""Where an index's `info` has the condition of its rows; None for all."""
COLUMN: Final = "column"
"""Where a column's `info` has ours, of which it was made."""

# --- Columns ----------------------------------------------------------------------------------------------------------

_TYPES: Final[dict[Kind, TypeEngine[Any]]] = {
    Kind.TEXT: sqlalchemy.Text(),
    Kind.BYTES: sqlalchemy.LargeBinary(),
    # SQLite numbers rows only by a key of exactly this name; it has 64 bits there too.
    Kind.INTEGER: sqlalchemy.BigInteger().with_variant(sqlalchemy.Integer(), "sqlite"),
    # STRICT tables know six types by these names.
    Kind.REAL: sqlalchemy.Double().with_variant(_Named("REAL"), "sqlite"),
    Kind.JSON: sqlalchemy.Text().with_variant(_Named("JSONB"), "postgresql"),
    # To the letter: JSONB writes 1e308 with all its digits, has its own order of names, and cannot hold a NUL.
    Kind.JSON_AS_SENT: sqlalchemy.Text().with_variant(_Named("JSON"), "postgresql"),
}
_OF_DOMAINS: Final[dict[Kind, TypeEngine[Any]]] = {**_TYPES, Kind.INTEGER: sqlalchemy.Integer()}
_IDENTITIES: Final = {Numbering.ALWAYS: True, Numbering.BY_DEFAULT: False}


def _type(column: Column) -> TypeEngine[Any]:
    if column.domain is None:
        return _TYPES[column.kind]
    named = column.domain.base if column.has_bare_type else f"ordercast_{column.domain.name}"
    return _OF_DOMAINS[column.kind].with_variant(_Named(named), "postgresql")


def _column(column: Column) -> sqlalchemy.Column[Any]:
    reference, numbering = column.references, column.numbering
    items: list[SchemaItem] = [] if reference is None else [ForeignKey(reference.column, ondelete=reference.ondelete)]
    if numbering in _IDENTITIES:
        items.append(Identity(always=_IDENTITIES[numbering]))
    made = sqlalchemy.Column(
        column.name,
        _type(column),
        *items,
        *map(_check, column.checks),
        primary_key=column.is_key,
        nullable=column.is_optional,
        unique=column.is_unique or None,
        server_default=column.default if column.default_sql is None else _Sql(column.default_sql),
        autoincrement=_autoincrement(column),
        info={COLUMN: column},
    )
    # A set is written in any order.
    made.constraints = OrderedSet(sorted(made.constraints, key=lambda constraint: str(constraint.name)))
    return made


def _autoincrement(column: Column) -> bool | Literal["auto"]:
    if column.numbering is Numbering.IN_SQLITE:
        return True
    return False if column.is_key and column.numbering is None else "auto"


def _check(rule: Check) -> CheckConstraint:
    made = CheckConstraint if rule.only is None else _SqliteCheck
    return made(_Sql(rule.condition), name=rule.name)


# --- Tables -----------------------------------------------------------------------------------------------------------


def _parts(table: Table) -> Iterator[SchemaItem]:
    for part in table.parts:
        match part:
            case Column():
                yield _column(part)
            case Check():
                yield _check(part)
            case Unique():
                yield UniqueConstraint(*part.columns, name=part.name)
            case Index():
                yield _index(part)


def _index(index: Index) -> sqlalchemy.Index:
    parts = [sql(column) if "(" in column else column for column in index.columns]
    # Not `sqlite_where` and `postgresql_where`, for which SQLAlchemy would load what it knows of both.
    return sqlalchemy.Index(index.name, *parts, unique=index.unique, info={ROWS: index.where})


def sqlalchemy_table(table: Table, metadata: MetaData) -> sqlalchemy.Table:
    # STRICT: without it SQLite keeps a text where a number belongs. Known since its version 3.37.
    made = sqlalchemy.Table(
        table.name,
        metadata,
        *_parts(table),
        sqlite_with_rowid=table.has_rowid,
        sqlite_autoincrement=table.autoincrement,
        sqlite_strict=True,
    )
    if table.amounts is not None:
        made.append_constraint(_check(table.amounts))
    return made


metadata: Final = MetaData()
for _table in TABLES:
    sqlalchemy_table(_table, metadata)


def table_statements(table: Table, dialect: Dialect) -> list[str]:
    """What makes a table and its indexes."""
    made = metadata.tables[table.name] if table in TABLES else sqlalchemy_table(table, MetaData())
    indexes = (_create_index(index, dialect) for index in sorted(made.indexes, key=str))
    return [str(CreateTable(made).compile(dialect=compiled(dialect))), *indexes]


def _create_index(index: sqlalchemy.Index, dialect: Dialect) -> str:
    made, where = str(CreateIndex(index).compile(dialect=compiled(dialect))), index.info.get(ROWS)
    return made if where is None else f"{made} WHERE {where}"
