"""Every statement is one that its database takes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ordercast.db import dialects, nouns, privacy
from ordercast.db.dialects import Dialect
from ordercast.db.migrate import upgrade
from ordercast.db.sqlite.connection import connect
from ordercast.db.statements import SQLITE, statements
from tests.postgres import Postgres


class Anything(dict[str, None]):
    """A value for whatever parameter a statement has."""

    def __missing__(self, name: str) -> None:
        return None


def texts(dialect: Dialect) -> dict[str, str]:
    """The statements by their names."""
    found: dict[str, str] = {}
    for group_name, group in vars(statements(dialect)).items():
        if group is dialect:
            continue
        for name, text in vars(group).items():
            several = text.items() if isinstance(text, dict) else enumerate(text) if isinstance(text, list) else None
            found |= (
                {f"{group_name}.{name}": text}
                if several is None
                else {f"{group_name}.{name}.{part}": each for part, each in several}
            )
    every = nouns.statements() | {f"privacy.{name}": statement for name, statement in privacy.STATEMENTS.items()}
    return found | {name: statement.texts[dialect] for name, statement in every.items()}


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


def test_both_have_the_same_statements_and_they_are_compiled_once() -> None:
    assert texts(dialects.SQLITE).keys() == texts(dialects.POSTGRESQL).keys()
    assert statements(dialects.SQLITE) is SQLITE


def test_sqlite_is_told_of_no_lock_and_postgresql_of_each() -> None:
    held = [name for name, text in texts(dialects.POSTGRESQL).items() if " FOR NO KEY UPDATE" in text]
    assert {"orders.STATE", "products.BY_IDS_FOR_UPDATE", "access.by_family_to_refresh"} <= {*held}
    assert not [name for name, text in texts(dialects.SQLITE).items() if " FOR " in text]
