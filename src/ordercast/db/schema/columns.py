"""What the tables' columns are made of. Every default serves a plain INSERT by another program as well as ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Final

import sqlalchemy
from sqlalchemy import BigInteger, CheckConstraint, Column, ColumnElement, Index, LargeBinary, MetaData
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from ordercast.db.dialects import DIALECTS, Dialect

metadata: Final = MetaData()

# --- Types ------------------------------------------------------------------------------------------------------------

# Compared by its bytes in both databases: moments and ids are in order, whatever language the server speaks.
Text: Final = sqlalchemy.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
# SQLite numbers rows only by a key of exactly this name; it has 64 bits there too.
Integer: Final = BigInteger().with_variant(sqlalchemy.Integer(), "sqlite")
Bytes: Final = LargeBinary()
Json: Final = sqlalchemy.Text().with_variant(postgresql.JSONB(), "postgresql")
# To the letter: JSONB writes 1e308 with all its digits, has its own order of names, and cannot hold a NUL.
JsonAsSent: Final = sqlalchemy.Text().with_variant(postgresql.JSON(), "postgresql")

# --- What the databases say differently -------------------------------------------------------------------------------


class Said(ColumnElement[Any]):
    """An expression that each database has its own words for."""

    inherit_cache = False

    def __init__(self, say: Callable[[Dialect], str]) -> None:
        self.say = say


@compiles(Said)
def _say(said: Said, compiler: SQLCompiler, **_: Any) -> str:
    return said.say(DIALECTS[compiler.dialect.name])


class _JsonCheck(CheckConstraint):
    """PostgreSQL has a type for it."""


@compiles(_JsonCheck, "postgresql")
def _no_check(*_: Any, **__: Any) -> str:
    return ""


NOW: Final = Said(lambda dialect: f"({dialect.now})")
EXTERNAL_ACTOR: Final = Said(lambda dialect: dialect.external_actor)


def new_id(prefix: str) -> Said:
    return Said(lambda dialect: f"({dialect.new_id(prefix)})")


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of only those rows."""
    return Index(name, *columns, unique=unique, sqlite_where=sql(where), postgresql_where=sql(where))


# --- Columns and their rules ------------------------------------------------------------------------------------------


def names(values: Iterable[str]) -> str:
    """The values as SQL lists them, in the order of their alphabet."""
    return ", ".join(f"'{value}'" for value in sorted(values))


def one_of(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    # Not IN: SQLite would build the list as a table at every statement. The most usual name comes first.
    return CheckConstraint(" OR ".join(f"{column} = '{value}'" for value in values), name=f"{column}_known")


def amount(name: str, default: int = 0) -> Column[int]:
    check = CheckConstraint(f"{name} >= 0", name=f"{name}_not_negative")
    return Column(name, Integer, check, nullable=False, server_default=sql(str(default)))


def flag(name: str, default: bool) -> Column[int]:
    check = CheckConstraint(f"{name} = 0 OR {name} = 1", name=f"{name}_is_flag")
    return Column(name, Integer, check, nullable=False, server_default=sql(str(int(default))))


def json_text(name: str, default: str | None = None) -> Column[str]:
    # Older SQLite calls NULL invalid.
    check = _JsonCheck(f"{name} IS NULL OR json_valid({name})", name=f"{name}_is_json")
    return Column(name, Json, check, nullable=default is None, server_default=default)


def json_array(name: str, *, as_sent: bool = False) -> Column[str]:
    is_array = Said(lambda dialect: dialect.is_array(name, as_sent=as_sent))
    check = CheckConstraint(is_array, name=f"{name}_is_array")
    return Column(name, JsonAsSent if as_sent else Json, check, nullable=False, server_default="[]")


def moment(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=NOW)
