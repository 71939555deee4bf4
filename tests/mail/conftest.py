from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ordercast.db import SqliteStore
from ordercast.db.postgresql.store import PostgresqlStore
from tests.quick import migrated

from .smtp_server import SmtpServerAt, running


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServerAt]:
    """A real mail server in the loop of the test."""
    async with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteStore | PostgresqlStore]:
    """An empty shop of either kind."""
    if request.param == "sqlite":
        store: SqliteStore | PostgresqlStore = SqliteStore(await asyncio.to_thread(migrated, tmp_path / "shop.db"))
    else:
        store = PostgresqlStore(request.getfixturevalue("postgres_url"))
    await store.start()
    yield store
    await store.close()
