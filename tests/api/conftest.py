from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from ordercast.app import build_hub
from ordercast.config import Settings
from ordercast.db import SqliteStore, Store
from ordercast.db.postgresql.store import PostgresqlStore
from ordercast.db.seed import CHANCE_BYTES, seed_demo
from ordercast.hub import Server
from ordercast.payments import Providers, providers_of
from ordercast.payments.payment_worker import PaymentWorker
from tests.postgres import Postgres
from tests.quick import migrated
from tests.sockets.toggled_rules import ToggledRules

from .client import PASSWORD, SECRET, Client, over
from .stores import AnyStore, PromptStore
from .watched_table import OneTable

Settle = Callable[[], Awaitable[int]]


async def _seed(store: Store) -> None:
    await store.start()
    await seed_demo(store, PASSWORD, mark="m", now_ms=1_795_241_719_608, random_bytes=os.urandom(CHANCE_BYTES))
    await store.close()


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed database with the demo's people, made once."""
    store = SqliteStore(migrated(tmp_path_factory.mktemp("seeded") / "shop.db"))
    asyncio.run(_seed(store))
    return store.path


@pytest.fixture(scope="session")
def seeded_postgres(postgres_server: Postgres, postgres_template: str) -> str:
    """The same on PostgreSQL: the name of a database to be copied."""
    name = postgres_server.new_database(postgres_template)
    asyncio.run(_seed(PostgresqlStore(postgres_server.url(name))))
    return name


@pytest.fixture
async def sqlite_store(seeded: Path, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(Path(shutil.copy(seeded, tmp_path)))
    await store.start()
    yield store
    await store.close()


@pytest.fixture
async def postgresql_store(postgres_server: Postgres, seeded_postgres: str) -> AsyncIterator[PromptStore]:
    name = postgres_server.new_database(seeded_postgres)
    store = PromptStore(postgres_server.url(name))
    await store.start()
    yield store
    await store.close()
    postgres_server.drop(name)


@pytest.fixture
def store(request: pytest.FixtureRequest) -> AnyStore:
    """The shop's store: SQLite, or whatever `ORDERCAST_TEST_STORE` names."""
    kind = os.environ.get("ORDERCAST_TEST_STORE", "sqlite")
    store: AnyStore = request.getfixturevalue(f"{kind}_store")
    return store


@pytest.fixture
def settings() -> Settings:
    return Settings(
        secret=SECRET,
        cors_origins=("https://shop.example.com",),
        body_bytes_max=200_000,
        vapid_private_key="AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
        budgets="off",  # tests are load; those of budgets turn them on
    )


@pytest.fixture
def providers(store: Store, settings: Settings) -> Providers:
    return providers_of(settings, store)


@pytest.fixture
async def client(store: Store, settings: Settings, providers: Providers) -> AsyncIterator[Client]:
    async with over(settings, store, providers) as http:
        yield Client(http)


@pytest.fixture
def settle(store: Store, providers: Providers) -> Settle:
    """Carry out what is owed to payment providers, as the node does after each commit."""
    return PaymentWorker(store, providers).run_due


@pytest.fixture
def rules() -> ToggledRules:
    """Of rooms that are asked for."""
    return ToggledRules()


@pytest.fixture
async def server(settings: Settings, store: Store, rules: ToggledRules) -> AsyncIterator[Server]:
    """The socket half of a node, joined to its shop."""
    server, relay, _ = build_hub(settings, store, rules=rules, tables=OneTable(store))
    relay.start()
    yield server
    relay.stop()
    await server.close()
