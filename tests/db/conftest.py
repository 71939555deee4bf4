from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.db import SqliteStore, products
from tests.quick import migrated

from .programs import PostgresqlProgram, Program, SqliteProgram
from .shop import STORE, now
from .shops import PostgresqlShop, ShopDatabase, SqliteShop

if TYPE_CHECKING:
    from tests.postgres import Postgres


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """A running store with the demo's catalogue and no people."""
    store = SqliteStore(migrated(path))
    await store.start()
    await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, STORE, now()))
    yield store
    await store.close()


@pytest.fixture(scope="module")
def sqlite_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteProgram]:
    path = tmp_path_factory.mktemp("program") / "shop.db"
    migrated(path)
    program = SqliteProgram(path)
    yield program
    program.close()


@pytest.fixture(scope="module")
def postgresql_program(postgres_server: Postgres, postgres_template: str) -> Iterator[PostgresqlProgram]:
    name = postgres_server.new_database(postgres_template)
    program = PostgresqlProgram(postgres_server.url(name))
    yield program
    program.close()
    postgres_server.drop(name)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def program(request: pytest.FixtureRequest) -> Program:
    """Another program at a migrated database, which the tests of a module share: each takes back what it does."""
    program: Program = request.getfixturevalue(f"{request.param}_program")
    return program


@pytest.fixture
def postgresql(postgres_server: Postgres, postgres_template: str) -> Iterator[PostgresqlShop]:
    shop = PostgresqlShop(postgres_server, postgres_template)
    yield shop
    shop.drop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, path: Path) -> ShopDatabase:
    """A migrated database of each kind, on which stores are opened."""
    if request.param == "postgresql":
        shop: ShopDatabase = request.getfixturevalue("postgresql")
        return shop
    migrated(path)
    return SqliteShop(path)
