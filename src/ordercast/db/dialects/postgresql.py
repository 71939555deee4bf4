"""PostgreSQL. The functions whose names begin with ``ordercast_`` are made by the first migration."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import JSON, ColumnElement, Select, Table, Text, bindparam, cast, func, literal_column, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import psycopg

from .dialect import Dialect


class PostgresqlDialect(Dialect):
    name = "postgresql"
    compiled = psycopg.dialect()  # type: ignore[no-untyped-call]
    now = "ordercast_now()"
    external_actor = "ordercast_actor()"

    def new_id(self, prefix: str) -> str:
        return f"ordercast_new_id('{prefix}')"

    def seconds_between(self, begin: str, end: str) -> str:
        return f"CAST(extract(epoch FROM CAST({end} AS timestamptz) - CAST({begin} AS timestamptz)) AS float8)"

    def contains(self, haystack: str, needle: str) -> str:
        return f"strpos(CAST({haystack} AS text), CAST({needle} AS text)) > 0"

    def text_of(self, column: str) -> str:
        return f"convert_from({column}, 'UTF8')"

    def hidden(self, column: str) -> str:
        return column  # the planner knows how many rows there are of each value

    def json_object(self, pairs: Iterable[str]) -> str:
        return f"json_build_object({', '.join(pairs)})"

    def json_text(self, value: str) -> str:
        return f"CAST({value} AS text)"

    def json_of(self, column: str) -> str:
        return column

    def json_truth(self, column: str) -> str:
        return f"({column} <> 0)"

    def insert(self, table: Table) -> postgresql.Insert:
        return postgresql.insert(table)

    def values_of(self, name: str) -> Select[tuple[str]]:
        array = cast(bindparam(name, type_=Text), JSON)
        return select(func.json_array_elements_text(array).table_valued("value").c.value)

    def rows_of(self, name: str, table: Table, columns: Iterable[str]) -> list[ColumnElement[object]]:
        array = cast(bindparam(name, type_=Text), JSON)
        row = func.json_array_elements(array).table_valued("value").c.value
        return [
            cast(row.op("->>")(literal_column(str(index))), table.c[column].type)
            for index, column in enumerate(columns)
        ]
