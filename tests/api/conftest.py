from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from ordercast.api.providers import Providers, providers_of
from ordercast.api.providers.settling import Settling
from ordercast.app import build_hub
from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.db.seed import seed_demo
from ordercast.hub import Server

from .client import PASSWORD, SECRET, Client, over

Settle = Callable[[], Awaitable[int]]


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed database with the demo's people, made once: hashing their password is slow on purpose."""
    path = tmp_path_factory.mktemp("seeded") / "shop.db"
    store = SqliteStore(path)
    store.migrate()

    async def seed() -> None:
        await store.start()
        await seed_demo(store, PASSWORD, mark="m", now_ms=1_795_241_719_608, random_bytes=os.urandom(40))
        await store.close()

    asyncio.run(seed())
    return path


@pytest.fixture
async def store(seeded: Path, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(Path(shutil.copy(seeded, tmp_path)))
    await store.start()
    yield store
    await store.close()


@pytest.fixture
def settings() -> Settings:
    return Settings(secret=SECRET, cors_origins=("https://shop.example.com",), body_bytes_max=200_000)


@pytest.fixture
def providers(store: SqliteStore, settings: Settings) -> Providers:
    return providers_of(settings, store)


@pytest.fixture
async def client(store: SqliteStore, settings: Settings, providers: Providers) -> AsyncIterator[Client]:
    async with over(settings, store, providers) as http:
        yield Client(http)


@pytest.fixture
def settle(store: SqliteStore, providers: Providers) -> Settle:
    """Carry out what is owed to payment providers, as the node does after each commit."""
    return Settling(store, providers).settle


@pytest.fixture
async def server(settings: Settings, store: SqliteStore) -> AsyncIterator[Server]:
    """The socket half of a node, joined to its shop."""
    server, pump = build_hub(settings, store)
    pump.start()
    yield server
    pump.stop()
    await server.close()
