from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.db import SqliteStore, products
from ordercast.db.migrate import upgrade
from tests.postgres import Postgres

from .shop import STORE, now
from .shops import PostgresqlShop, ShopDatabase, SqliteShop


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """A running store with the demo's catalogue and no people."""
    store = SqliteStore(path)
    await asyncio.to_thread(store.migrate)
    await store.start()
    await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, STORE, now()))
    yield store
    await store.close()


@pytest.fixture(scope="session")
def empty_shop(postgres_server: Postgres) -> str:
    """A migrated PostgreSQL database, which others are copied from."""
    name = postgres_server.new_database()
    upgrade(postgres_server.url(name))
    return name


@pytest.fixture
def postgresql(postgres_server: Postgres, empty_shop: str) -> Iterator[PostgresqlShop]:
    shop = PostgresqlShop(postgres_server, empty_shop)
    yield shop
    shop.drop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, path: Path) -> ShopDatabase:
    """A migrated database of each kind."""
    if request.param == "postgresql":
        shop: ShopDatabase = request.getfixturevalue("postgresql")
        return shop
    SqliteStore(path).migrate()
    return SqliteShop(path)
