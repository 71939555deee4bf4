"""SQLite."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Select, Table, bindparam, func, literal_column, select
from sqlalchemy.dialects import sqlite

from ordercast.commerce.ids import ALPHABET

from .dialect import Dialect
from .trigger import Refusal, Trigger


class SqliteDialect(Dialect):
    name = "sqlite"
    compiled = sqlite.dialect(paramstyle="named")
    now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    external_actor = "'db:external'"
    transaction_number = "NULL"
    open_transactions = "SELECT ''"

    def new_id(self, prefix: str) -> str:
        now_ms = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
        time = [f"substr('{ALPHABET}', ({now_ms} >> {shift} & 31) + 1, 1)" for shift in range(45, -1, -5)]
        chance = [f"substr('{ALPHABET}', (random() & 31) + 1, 1)"] * 16
        return f"'{prefix}_' || {' || '.join([*time, *chance])}"

    def seconds_between(self, begin: str, end: str) -> str:
        return f"(julianday({end}) - julianday({begin})) * 86400.0"

    def contains(self, haystack: str, needle: str) -> str:
        return f"instr({haystack}, {needle}) > 0"

    def text_of(self, column: str) -> str:
        return f"CAST({column} AS TEXT)"

    def held(self, query: str) -> str:
        return query  # there is one writer at a time

    def json_object(self, pairs: Iterable[str]) -> str:
        return f"json_object({', '.join(pairs)})"

    def json_text(self, value: str) -> str:
        return value

    def json_of(self, column: str) -> str:
        # json() of what is no JSON is an error, of every statement that meets the row: the one that mends it too.
        return f"CASE WHEN json_valid({column}) THEN json({column}) END"

    def json_member(self, column: str, member: str) -> str:
        return f"CASE WHEN json_valid({column}) THEN {column} -> '{member}' END"

    def json_truth(self, column: str) -> str:
        return f"json(CASE {column} WHEN 0 THEN 'false' ELSE 'true' END)"

    def is_array(self, column: str) -> str:
        # A CASE, for json_type of what is no JSON is an error rather than a refusal.
        return f"CASE WHEN json_valid({column}) THEN json_type({column}) = 'array' ELSE 0 END"

    def bytes_of(self, column: str) -> str:
        return f"length(CAST({column} AS BLOB))"

    def is_hex(self, column: str) -> str:
        return f"length(CAST({column} AS BLOB)) = 16 AND {column} NOT GLOB '*[^0-9a-f]*'"

    triggers_at_work = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    columns_there = """
        SELECT t.name || '.' || c.name FROM sqlite_master AS t, pragma_table_xinfo(t.name) AS c WHERE t.type = 'table'
    """
    indexes_there = "SELECT name FROM sqlite_master WHERE type = 'index'"

    def create_trigger(self, trigger: Trigger) -> list[str]:
        when = "" if trigger.when is None else f" WHEN {trigger.when}"
        steps = "".join(f"  {_step(item)};\n" for item in trigger.body)
        return [f"CREATE TRIGGER {trigger.name} {trigger.event} ON {trigger.table}{when}\nBEGIN\n{steps}END"]

    def insert(self, table: Table) -> sqlite.Insert:
        return sqlite.insert(table)

    def values_of(self, name: str) -> Select[tuple[str]]:
        return select(func.json_each(bindparam(name)).table_valued("value").c.value)

    def rows_of(self, name: str, table: Table, columns: Iterable[str]) -> list[ColumnElement[object]]:
        del table  # each value has a type of its own here
        row = func.json_each(bindparam(name)).table_valued("value").c.value
        return [row.op("->>")(literal_column(str(index))) for index, _ in enumerate(columns)]


def _step(item: str | Refusal) -> str:
    if not isinstance(item, Refusal):
        return item.replace("\n", "\n  ")
    where = "" if item.when is None else f" WHERE {item.when}"
    return f"SELECT RAISE(ABORT, '{item.sentence}'){where}"
