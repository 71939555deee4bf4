from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ordercast.db import SqliteStore
from tests.api.stores import AnyStore, PromptStore
from tests.quick import migrated

from .receiver import Receiver, receiving
from .shop import WebhookShop


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AnyStore]:
    """An empty shop of either kind."""
    if request.param == "sqlite":
        store: AnyStore = SqliteStore(await asyncio.to_thread(migrated, tmp_path / "shop.db"))
    else:
        store = PromptStore(request.getfixturevalue("postgres_url"))
    await store.start()
    yield store
    await store.close()


@pytest.fixture
def shop(store: AnyStore) -> WebhookShop:
    return WebhookShop(store)
