"""The store on PostgreSQL, for tests that look at the feed at once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import Any, TypeVar

import psycopg

from ordercast.db import SqliteStore, Transaction
from ordercast.db.postgresql.store import PostgresqlStore
from ordercast.db.statement import Statement
from ordercast.db.store import change_of
from ordercast.db.types import Change

T = TypeVar("T")
NUMBERED_S_MAX = 60.0


class _Translating(Transaction):
    """Takes the tests' own questions, which name their values as SQLite does."""

    def one(self, statement: Statement | str, **values: Any) -> tuple[Any, ...] | None:
        return super().one(_translated(statement), **values)

    def all(self, statement: Statement | str, **values: Any) -> list[tuple[Any, ...]]:
        return super().all(_translated(statement), **values)

    def run(self, statement: Statement | str, **values: Any) -> int:
        return super().run(_translated(statement), **values)

    def many(self, statement: Statement | str, rows: Iterable[Mapping[str, Any]]) -> int:
        return super().many(_translated(statement), rows)


def _translated(statement: Statement | str) -> Statement | str:
    if isinstance(statement, Statement):
        return statement
    return statement if "%(" in statement else re.sub(r"(?<![:\w']):([a-z_]+)", r"%(\1)s", statement)


class PromptStore(PostgresqlStore):
    """One whose unit of work returns when what it wrote is numbered: on SQLite it always is."""

    async def write(self, unit: Callable[[Transaction], T]) -> T:
        result = await super().write(
            lambda transaction: unit(_Translating(transaction._connection, transaction.dialect, transaction.damaged))
        )
        self._settle()
        return result

    async def read(self, query: Callable[[Transaction], T]) -> T:
        return await super().read(
            lambda transaction: query(_Translating(transaction._connection, transaction.dialect, transaction.damaged))
        )

    def changes(self, after: int, limit: int) -> list[Change]:
        columns = "seq, kind, entity_id, version, actor, reason, at, before, after"
        rows = self._ask(f"SELECT {columns} FROM feed WHERE seq > {after} ORDER BY seq LIMIT {limit}")
        return [change_of(row) for row in rows]

    @property
    def last_seq(self) -> int:
        self._settle()
        return int(self._ask("SELECT coalesce(max(seq), 0) FROM feed")[0][0])

    def _settle(self) -> None:
        deadline = time.monotonic() + NUMBERED_S_MAX
        while self._ask("SELECT 1 FROM feed WHERE seq IS NULL LIMIT 1"):
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def _ask(self, question: str) -> list[tuple[Any, ...]]:
        with closing(psycopg.connect(self._url, autocommit=True)) as connection:
            return connection.execute(question.encode()).fetchall()


AnyStore = SqliteStore | PromptStore
