"""A shop whose orders live in MongoDB: the stand-in always, and a real replica set where MONGODB_URI names one."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from tests.mongodb import MongoStandIn
from tests.quick import migrated
from tests.waiting import until

from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.contrib.mongodb import MongoSource, order_source
from ordercast.db import Change, SqliteStore, Store
from ordercast.db.postgresql.store import PostgresqlStore

URI = os.environ.get("MONGODB_URI", "")
SERVERS = ["stand-in", *(["MONGODB_URI"] if URI else [])]


def now() -> Timestamp:
    return timestamp(time.time_ns() // 1_000_000)


class Foreign:
    """The other shop's database: `orders` is its collection, written to by its own driver."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], url: str, stand_in: MongoStandIn | None) -> None:
        self.client = client
        self.url = url
        self._stand_in = stand_in
        self.orders: AsyncCollection[dict[str, Any]] = client.get_default_database()["orders"]

    @property
    def stand_in(self) -> MongoStandIn:
        """For what goes wrong on demand; a real server cannot be asked to."""
        if self._stand_in is None:
            pytest.skip("this goes wrong on demand, which a real server does not")
        return self._stand_in

    async def settle(self, mirror: MirroredRow) -> None:
        """Wait until everything written so far has been read: an order is placed, and comes last."""
        mark = uuid.uuid4().hex
        await self.orders.insert_one({"_id": mark, "status": "new"})
        await until(lambda: any(change.entity_id == mark for change in mirror.changes()))


@pytest.fixture(params=SERVERS)
async def foreign(request: pytest.FixtureRequest) -> AsyncIterator[Foreign]:
    database = f"ordercast_{uuid.uuid4().hex[:12]}"
    stand_in = MongoStandIn() if request.param == "stand-in" else None
    if stand_in is not None:
        await stand_in.start()
    url = stand_in.url(database) if stand_in is not None else _named(URI, database)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url, serverSelectionTimeoutMS=5_000)
    try:
        yield Foreign(client, url, stand_in)
    finally:
        if stand_in is None:
            await client.drop_database(database)
        await client.close()
        if stand_in is not None:
            await stand_in.close()


def _named(uri: str, database: str) -> str:
    """The URI with another database in it."""
    base, _, query = uri.partition("?")
    scheme, _, rest = base.partition("://")
    url = f"{scheme}://{rest.partition('/')[0]}/{database}"
    return f"{url}?{query}" if query else url


class MirroredRow:
    """Our own database behind a source, and the source as often as it is started."""

    def __init__(self, store: Store, url: str) -> None:
        self.store = store
        self._url = url

    def source(self, store: Store | None = None) -> MongoSource:
        return order_source(store or self.store, self._url, collection="orders", currency="BDT", now=now)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[MongoSource]:
        """Follow until the block ends; begun when the collection has been read."""
        source = self.source()
        task = asyncio.create_task(source.run())
        try:
            await until(lambda: source.state == "up")
            yield source
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def changes(self) -> list[Change]:
        return self.store.changes(0, 1_000_000)

    def of(self, order_id: Any) -> list[Change]:
        return [change for change in self.changes() if change.entity_id == str(order_id)]

    def told(self, order_id: Any, field: str = "status") -> list[Any]:
        """What one field of an order was told to be, time after time."""
        return [msgspec.json.decode(change.after)[field] for change in self.of(order_id) if change.after]

    def kinds(self, order_id: Any) -> list[str]:
        return [change.kind for change in self.of(order_id)]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> SqliteStore | PostgresqlStore:
    """Our own database, of each kind; not started."""
    if request.param == "postgresql":
        return PostgresqlStore(request.getfixturevalue("postgres_url"))
    store = SqliteStore(tmp_path / "shop.db")
    migrated(store.path)
    return store


@pytest.fixture
async def mirror(database: SqliteStore | PostgresqlStore, foreign: Foreign) -> AsyncIterator[MirroredRow]:
    await database.start()
    yield MirroredRow(database, foreign.url)
    await database.close()
