"""What the tables' columns are made of. Every default serves a plain INSERT by another program as well as ours."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Text
from sqlalchemy import text as sql

from ordercast.commerce.ids import ALPHABET

metadata: Final = MetaData()

NOW_SQL: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
EXTERNAL_ACTOR: Final = "db:external"


def id_default(prefix: str) -> str:
    """The SQL twin of ``commerce.ids.new_id``: ten characters of time, sixteen of chance."""
    now_ms = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
    time = [f"substr('{ALPHABET}', ({now_ms} >> {shift} & 31) + 1, 1)" for shift in range(45, -1, -5)]
    chance = [f"substr('{ALPHABET}', (random() & 31) + 1, 1)"] * 16
    return f"'{prefix}_' || {' || '.join([*time, *chance])}"


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
    check = CheckConstraint(f"{name} IS NULL OR json_valid({name})", name=f"{name}_is_json")
    return Column(name, Text, check, nullable=default is None, server_default=default)


def json_array(name: str) -> Column[str]:
    # A CASE, for json_type of what is no JSON is an error rather than a refusal.
    check = f"CASE WHEN json_valid({name}) THEN json_type({name}) = 'array' ELSE 0 END"
    return Column(name, Text, CheckConstraint(check, name=f"{name}_is_array"), nullable=False, server_default="[]")


def moment(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=sql(f"({NOW_SQL})"))
