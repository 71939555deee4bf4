"""Drivers in tests: more of them, at work, with orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ordercast.db import SqliteStore
from tests.commerce.orders import ADDRESS

from .client import CUSTOMER, STORE, Client, bearer, token

# A kilometre north of the demo shop.
DOOR = {"lat": 23.7896, "lng": 90.4074}


def driver(driver_id: str) -> dict[str, str]:
    return bearer(token("driver", driver_id))


async def hire(store: SqliteStore, *driver_ids: str) -> None:
    add = "INSERT INTO accounts (id, email, name, password_hash, role) VALUES (:id, :email, :name, '', 'driver')"
    rows = [
        {"id": driver_id, "email": driver_id, "name": driver_id.removeprefix("drv_").title()}
        for driver_id in driver_ids
    ]
    await store.write(lambda transaction: transaction.many(add, rows))


async def on_duty(client: Client, driver_id: str, *, working: bool = True) -> dict[str, Any]:
    answer = await client.post("/api/drivers/me/duty", {"onDuty": working}, driver(driver_id))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def ready(client: Client, headers: Mapping[str, str] | None = CUSTOMER) -> dict[str, Any]:
    """An order that waits for a driver, to a door whose place is known."""
    order = await client.place(headers, shippingInfo={**ADDRESS, "location": DOOR})
    for status in ("processing", "ready_for_delivery"):
        order = {**order, **(await client.move(order, status)).json()}
    return order


async def moved(client: Client, order: dict[str, Any], *statuses: str, by: str, **more: Any) -> dict[str, Any]:
    for status in statuses:
        answer = await client.move(order, status, driver(by), **more)
        assert answer.status_code == 200, answer.text
        order = {**order, **answer.json()}
    return order


async def given(client: Client, order: dict[str, Any], driver_id: str) -> dict[str, Any]:
    body = {"driverId": driver_id, "version": order["version"]}
    answer = await client.post(f"/api/orders/{order['id']}/driver", body, STORE)
    assert answer.status_code == 200, answer.text
    return {**order, **answer.json()}
