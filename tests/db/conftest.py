from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.db import SqliteStore, products

from .shop import STORE, now


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
