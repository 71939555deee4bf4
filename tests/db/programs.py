"""Another program at the shop's database, with SQL alone: the same in either database."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ordercast.db.dialects import POSTGRESQL, SQLITE, Dialect


class Program(ABC):
    """One connection, as any program opens it."""

    dialect: Dialect
    refusal: type[Exception]
    """What the driver raises for a rule that was broken."""
    actor: str
    """Who is said to have made its changes."""
    feed_order: str

    @abstractmethod
    def do(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run `statement`, which has a ``?`` for each of `values`; gives its rows."""

    @abstractmethod
    def close(self) -> None: ...

    def script(self, *statements: str) -> None:
        for statement in statements:
            self.do(statement)

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        self.do("BEGIN")
        yield
        self.do("ROLLBACK")

    @contextmanager
    def refused(self, sentence: str, error: type[Exception] | None = None) -> Iterator[None]:
        """What is done within is refused with that sentence, and nothing of it stays."""
        self.do("SAVEPOINT refused")
        with pytest.raises(error or self.refusal, match=sentence):
            yield
        self.do("ROLLBACK TO refused")

    def feed(self) -> list[tuple[Any, ...]]:
        """All that was told: kind, entity, version, actor, reason, before and after."""
        columns = "kind, entity_id, version, actor, reason, before, after"
        return self.do(f"SELECT {columns} FROM feed ORDER BY {self.feed_order}")


class SqliteProgram(Program):
    dialect = SQLITE
    refusal = sqlite3.IntegrityError
    actor = "db:external"
    feed_order = "seq"

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)

    def do(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement, values).fetchall()

    def close(self) -> None:
        self.connection.close()


class PostgresqlProgram(Program):
    dialect = POSTGRESQL
    refusal = psycopg.IntegrityError
    actor = "db:postgres@night-job"
    feed_order = "id"

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True, application_name="night-job")

    def do(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(statement.replace("?", "%s").encode(), values or None)
        return [] if cursor.description is None else cursor.fetchall()

    def close(self) -> None:
        self.connection.close()
