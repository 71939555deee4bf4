"""Readiness as a balancer and an operator see it, and the database's known faults at each door."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ordercast.db import SqliteStore
from ordercast.db.sqlite.space import Space
from tests.commerce.orders import request_json
from tests.sockets.conftest import Connect, connect

from .client import STORE, Client, problem

__all__ = ["connect"]


@pytest.fixture
def store(sqlite_store: SqliteStore) -> SqliteStore:
    return sqlite_store


def change(store: SqliteStore, statement: str) -> None:
    with closing(sqlite3.connect(store.path)) as connection:
        connection.executescript(statement)


async def faults(client: Client, store: SqliteStore) -> list[str]:
    store._readiness._found = None  # as if the last answer were a second old
    answer = await client.get("/health/ready")
    assert answer.status_code == (503 if "faults" in answer.json() else 200)
    found: list[str] = answer.json().get("faults", [])
    return found


@pytest.mark.parametrize("trigger", ["orders_placed", "orders_changed", "notifications_told"])
async def test_a_dropped_trigger_is_503_with_the_reason_at_every_door(
    client: Client, store: SqliteStore, connect: Connect, trigger: str
) -> None:
    order, clerk = await client.place(), await connect("store")
    ((sql,),) = await store.read(lambda t: t.all("SELECT sql FROM sqlite_master WHERE name = :name", name=trigger))
    change(store, f"DROP TRIGGER {trigger}")
    placed = await client.post("/api/orders", request_json())
    problem(placed, 503, "store-unavailable")
    assert placed.headers["retry-after"] == "1"
    assert "trigger" in placed.json()["detail"]
    problem(await client.move(order, "processing"), 503, "store-unavailable")
    refused = await clerk.refused("update_order_status", {"orderId": order["id"], "status": "processing", "version": 1})
    assert refused["code"] == "store_unavailable"
    assert "trigger" in refused["message"]
    assert any(trigger in fault for fault in await faults(client, store))
    change(store, sql)
    await client.place()
    assert await faults(client, store) == []


@pytest.mark.parametrize("table", ["orders", "products", "order_history", "idempotency", "shop", "meta"])
async def test_a_table_that_is_gone_is_503_with_the_reason(client: Client, store: SqliteStore, table: str) -> None:
    change(store, f"PRAGMA legacy_alter_table = ON; ALTER TABLE {table} RENAME TO gone")
    answer = await client.post("/api/orders", request_json(), {"Idempotency-Key": "k1"})
    problem(answer, 503, "store-unavailable")
    assert any(table in fault for fault in await faults(client, store))
    change(store, f"PRAGMA legacy_alter_table = ON; ALTER TABLE gone RENAME TO {table}")
    await client.place()


async def test_a_rule_that_an_operator_added_is_told_and_is_no_fault_of_ours(
    client: Client, store: SqliteStore
) -> None:
    change(store, "CREATE TRIGGER closed BEFORE INSERT ON orders BEGIN SELECT RAISE(ABORT, 'closed on Sundays'); END")
    answer = await client.post("/api/orders", request_json())
    problem(answer, 503, "store-unavailable")
    assert "closed on Sundays" in answer.json()["detail"]


async def test_a_damaged_file_is_503_with_the_reason(client: Client, store: SqliteStore) -> None:
    await client.place()
    change(store, "PRAGMA wal_checkpoint(TRUNCATE)")
    with store.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 40)
    answer = await client.post("/api/orders", request_json())
    problem(answer, 503, "store-unavailable")
    assert any("damaged" in fault or "malformed" in fault for fault in await faults(client, store))


async def test_a_deleted_file_is_503_and_a_node_without_it_goes_on_asking(client: Client, store: SqliteStore) -> None:
    away = store.path.with_name("away")
    rename(store.path, away)
    problem(await client.post("/api/orders", request_json()), 503, "store-unavailable")
    problem(await client.get("/api/products"), 503, "store-unavailable")
    assert "is gone" in (await faults(client, store))[0]
    rename(away, store.path)
    async with asyncio.timeout(60):
        while (await client.get("/health/ready")).status_code != 200:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
    await client.place()


def rename(path: Path, to: Path) -> None:
    path.rename(to)


async def test_what_will_be_a_fault_is_a_warning_before(client: Client, store: SqliteStore) -> None:
    store._space = Space(store.path, free_mb_min=1 << 40)
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert "MB left" in answer.json()["warnings"][0]
    assert "ordercast_database_free_bytes" in (await client.get("/metrics")).text


@contextmanager
def descriptors(bound: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (bound, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def lowest_free() -> int:
    found = os.dup(2)
    os.close(found)
    return found


async def test_no_file_descriptors_left_is_a_fault_and_few_are_a_warning(client: Client, store: SqliteStore) -> None:
    assert await faults(client, store) == []  # every reader is open
    with descriptors(lowest_free()):
        assert "file descriptors" in (await faults(client, store))[0]
    with descriptors(lowest_free() + 1):
        # The one that is free may be the database's at that moment.
        assert "file descriptors" in (await client.get("/health/ready")).text
    answer = await client.get("/health/ready")
    assert answer.json() == {"status": "ready"}
    assert (await client.get("/api/orders", STORE)).status_code == 200
