"""A shop whose orders live in MongoDB, from its writer to the stock client, also over `kill -9`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import AsyncMongoClient

from tests.mongodb import MongoStandIn

from .listener import Listener
from .shop import Shop

STATUSES = ["accepted", "ready", "driver_assigned", "picked_up", "out_for_delivery", "completed"]
OURS = ["processing", "ready_for_delivery", "driver_assigned", "picked_up", "in_transit", "delivered"]


@pytest.fixture
async def foreign() -> AsyncIterator[MongoStandIn]:
    server = MongoStandIn()
    await server.start()
    yield server
    await server.close()


@pytest.mark.node
async def test_a_shop_is_followed_by_setting_a_url_and_no_kill_loses_or_repeats_a_change(
    tmp_path: Path, foreign: MongoStandIn, listen: Callable[..., Listener]
) -> None:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(foreign.url("theirs"))
    orders = client["theirs"]["orders"]
    await orders.insert_one({"_id": "before", "status": "new", "total": 1})
    shop = Shop(tmp_path, {"ORDERCAST_MONGODB_URL": foreign.url("theirs")})
    await asyncio.to_thread(shop.start)
    try:
        token = await asyncio.to_thread(shop.login)
        admin = listen(shop.url, auth={"token": token})
        customer = listen(shop.url, auth={"token": shop.token("customer", "cus_7")})
        for listener in (admin, customer):
            await asyncio.to_thread(listener.wait_for_connection)

        writing = asyncio.create_task(_write(orders))
        for _ in range(3):
            await asyncio.sleep(1.0)
            await asyncio.to_thread(shop.kill)
            await asyncio.to_thread(shop.start)
        await writing
        await asyncio.to_thread(_wait_for_end, admin)
        await asyncio.to_thread(_wait_for_end, customer)

        placed = [event["args"][0]["id"] for event in admin.events("newOrder")]
        assert placed == [f"order-{number}" for number in range(20)]
        for listener in (admin, customer):
            for id_ in placed:
                moves = [e["args"][0] for e in listener.events("orderStatusUpdated") if e["args"][0]["orderId"] == id_]
                assert [move["newStatus"] for move in moves] == OURS, id_
                assert [move["version"] for move in moves] == list(range(2, 8))
        assert not admin.events("resync")
        order = shop.get_order("order-3", token)
        assert (order["status"], order["total"], order["currency"]) == ("delivered", 300, "BDT")
        async with asyncio.timeout(60):
            while (await _health(shop))["parts"]["mongodb"] != "up":  # noqa: ASYNC110 - the shop is another process
                await asyncio.sleep(0.05)
    finally:
        await asyncio.to_thread(shop.kill)
        await client.close()


async def _write(orders: Any) -> None:
    for number in range(20):
        await orders.insert_one({"_id": f"order-{number}", "status": "new", "total": number, "customerId": "cus_7"})
        for status in STATUSES:
            await orders.update_one({"_id": f"order-{number}"}, {"$set": {"status": status}})
            await asyncio.sleep(0.1)


def _wait_for_end(listener: Listener) -> None:
    listener.wait_for(lambda one: len(one.events("orderStatusUpdated")) >= 20 * len(OURS), timeout_s=60)


async def _health(shop: Shop) -> dict[str, Any]:
    async with httpx.AsyncClient() as http:
        health: dict[str, Any] = (await http.get(f"{shop.url}/health/ready")).json()
        return health
