from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ordercast.db import SqliteStore
from ordercast.db.postgresql.store import PostgresqlStore
from tests.quick import migrated

from .browsers import PushService, push_service


@pytest.fixture
def service() -> Iterator[PushService]:
    """A real push service on loopback."""
    with push_service() as service:
        yield service


@pytest.fixture
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteStore | PostgresqlStore]:
    """An empty shop: on SQLite, or as `BOTH` has it."""
    if getattr(request, "param", "sqlite") == "sqlite":
        store: SqliteStore | PostgresqlStore = SqliteStore(migrated(tmp_path / "shop.db"))
    else:
        store = PostgresqlStore(request.getfixturevalue("postgres_url"))
    await store.start()
    yield store
    await store.close()
