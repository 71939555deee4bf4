"""Every statement is one that its database takes."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ordercast.db import dialects, nouns, privacy
from ordercast.db.dialects import Dialect
from ordercast.db.migrate import upgrade
from ordercast.db.sqlite.connection import connect
from ordercast.db.statement import BulkStatement, Statement
from tests.postgres import Postgres


class Anything(dict[str, None]):
    """A value for whatever parameter a statement has."""

    def __missing__(self, name: str) -> None:
        return None


def texts(dialect: Dialect) -> dict[str, str]:
    """The statements by their names."""
    every = nouns.statements() | {f"privacy.{name}": statement for name, statement in privacy.STATEMENTS.items()}
    return {name: statement.texts[dialect] for name, statement in every.items()}


@pytest.fixture(scope="module")
def sqlite_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path: Path = tmp_path_factory.mktemp("statements") / "shop.db"
    upgrade(path)
    connection = connect(path)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def postgresql_shop(postgres_server: Postgres, postgres_template: str) -> Iterator[psycopg.Connection]:
    name = postgres_server.new_database(postgres_template)
    with psycopg.connect(postgres_server.url(name), autocommit=True) as connection:
        yield connection
    postgres_server.drop(name)


@pytest.mark.parametrize("name", texts(dialects.SQLITE))
def test_sqlite_takes_it(sqlite_shop: sqlite3.Connection, name: str) -> None:
    sqlite_shop.execute(f"EXPLAIN {texts(dialects.SQLITE)[name]}", Anything())


@pytest.mark.parametrize("name", texts(dialects.POSTGRESQL))
def test_postgresql_takes_it(postgresql_shop: psycopg.Connection, name: str) -> None:
    postgresql_shop.execute(f"EXPLAIN {texts(dialects.POSTGRESQL)[name]}".encode(), Anything())


def test_a_statement_is_written_once_for_each_database() -> None:
    statement = Statement("SELECT 'a:b @now 5%' FROM orders WHERE id = :id @for_update")
    assert statement.texts[dialects.SQLITE] == "SELECT 'a:b @now 5%' FROM orders WHERE id = :id"
    text = statement.texts[dialects.POSTGRESQL]
    assert text == "SELECT 'a:b @now 5%%' FROM orders WHERE id = %(id)s FOR NO KEY UPDATE"
    assert statement.texts[dialects.POSTGRESQL] is text


def test_a_macro_takes_what_stands_in_its_parentheses() -> None:
    statement = Statement("SELECT @contains(a, coalesce(b, ',')) FROM t WHERE @contains(@text_of(c), :d)")
    text = "SELECT instr(a, coalesce(b, ',')) > 0 FROM t WHERE instr(CAST(c AS TEXT), :d) > 0"
    assert statement.texts[dialects.SQLITE] == text
    with pytest.raises(ValueError, match="not closed"):
        Statement("SELECT @text_of(a").texts[dialects.SQLITE]


def test_many_rows_are_one_statement_for_postgresql_and_one_each_for_sqlite() -> None:
    statement = BulkStatement("INSERT INTO t @bulk_values(a bigint, b text) ON CONFLICT DO NOTHING")
    assert statement.texts[dialects.SQLITE] == "INSERT INTO t (a, b) VALUES (:a, :b) ON CONFLICT DO NOTHING"
    assert statement.texts[dialects.POSTGRESQL].startswith("INSERT INTO t (a, b) SELECT CAST(value ->> 0 AS bigint)")
    assert statement.encoded([{"b": "x", "a": 1}]) == '[[1,"x"]]'


def test_sqlite_is_told_of_no_lock_and_postgresql_of_each() -> None:
    held = [name for name, text in texts(dialects.POSTGRESQL).items() if "FOR NO KEY UPDATE" in text]
    assert {"orders.STATE", "products.BY_IDS_FOR_UPDATE", "sign_ins.BY_FAMILY_FOR_UPDATE"} <= {*held}
    assert not [name for name, text in texts(dialects.SQLITE).items() if re.search(r"\bFOR\b", text)]
