from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from ordercast.db import SqliteStore
from ordercast.feed import driver_positions
from ordercast.feed.driver_positions import DriverPositions
from tests.api.client import STORE, Client
from tests.api.drivers_at_work import given, hire, moved, on_duty, ready
from tests.waiting import until

from .conftest import Connect
from .phone import Phone


def stages(phone: Phone) -> list[str]:
    """What was told to last."""
    return [event[1]["stage"] for event in phone.events("delivery_update") if len(event) == 3]


def places(phone: Phone) -> list[dict[str, Any]]:
    """What was told for the moment: without an offset."""
    return [event[1] for event in phone.events("delivery_update") if len(event) == 2]


async def place_heard(phone: Phone, lat: float) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while not (found := [one for one in places(phone) if one["position"]["lat"] == lat]):  # noqa: ASYNC110 - as in `heard`
            await asyncio.sleep(0.002)
    return found[0]


async def test_a_driver_is_chosen_by_a_socket_and_told(client: Client, connect: Connect, store: SqliteStore) -> None:
    await hire(store, "drv_a")
    order, clerk, rider = await ready(client), await connect("store"), await connect("driver", "drv_a")
    command = {"orderId": order["id"], "driverId": "drv_a", "version": 3, "clientId": "c-1"}
    first = await clerk.ask("assign_driver", command)
    assert (first["status"], first["driverId"]) == ("driver_assigned", "drv_a")
    assert await clerk.ask("assign_driver", command) == first
    ((told, _offset),) = await rider.heard("delivery_update")
    assert (told["orderId"], told["stage"], told["driver"]) == (
        order["id"], "driver_assigned", {"id": "drv_a", "name": "A"}
    )  # fmt: skip
    assert told["eta"] is not None
    assert "customerId" not in told


async def test_the_nearest_is_chosen_by_a_socket(client: Client, connect: Connect, store: SqliteStore) -> None:
    await hire(store, "drv_a")
    await on_duty(client, "drv_a")
    order, clerk = await ready(client), await connect("store")
    command = {"orderId": order["id"], "nearest": True, "version": 3}
    assert (await clerk.ask("assign_driver", command))["driverId"] == "drv_a"
    assert (await clerk.refused("assign_driver", {**command, "driverId": "drv_a"}))["field"] == "driverId"
    other = {**command, "orderId": (await ready(client))["id"]}
    assert (await clerk.refused("assign_driver", other))["code"] == "state_conflict"
    assert (await (await connect("driver", "drv_a")).refused("assign_driver", other))["code"] == "not_permitted"


async def test_a_driver_who_loses_an_order_is_told_and_hears_no_more_of_it(
    client: Client, connect: Connect, store: SqliteStore
) -> None:
    await hire(store, "drv_a", "drv_b")
    first, second = await connect("driver", "drv_a"), await connect("driver", "drv_b")
    order = await given(client, await ready(client), "drv_a")
    order = (await client.move(order, "ready_for_delivery", STORE, reason="a flat tyre")).json()
    order = await given(client, order, "drv_b")
    await moved(client, order, "picked_up", by="drv_b")
    await second.heard("delivery_update", 2)
    assert stages(second) == ["driver_assigned", "picked_up"]
    assert stages(first) == ["driver_assigned", "ready_for_delivery"]


async def test_shop_buyer_and_driver_hear_each_stage_once(client: Client, connect: Connect, store: SqliteStore) -> None:
    await hire(store, "drv_a")
    order = await ready(client)
    hearing = [await connect("store"), await connect("customer", "cus_1"), await connect("driver", "drv_a")]
    deaf = [await connect("customer", "cus_2"), await connect("driver", "drv_b"), await connect()]
    await hearing[0].ask("watch_order", {"orderId": order["id"]})
    order = await given(client, order, "drv_a")
    await moved(client, order, "picked_up", "in_transit", "delivered", by="drv_a")
    for phone in hearing:
        await phone.heard("delivery_update", 4)
        assert stages(phone) == ["driver_assigned", "picked_up", "in_transit", "delivered"]
    assert [phone.events("delivery_update") for phone in deaf] == [[], [], []]


async def test_a_place_is_told_while_the_order_is_carried_and_not_before_or_after(
    client: Client, connect: Connect, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_positions, "BROADCAST_EVERY_S", 0.0)
    looked_for, broadcast_once = list[float](), DriverPositions._broadcast_once

    async def broadcast(positions: DriverPositions, driver_id: str, driver: Any) -> None:
        await broadcast_once(positions, driver_id, driver)
        looked_for.append(driver.position.lat)

    monkeypatch.setattr(DriverPositions, "_broadcast_once", broadcast)
    await hire(store, "drv_a")
    order = await given(client, await ready(client, None), "drv_a")
    rider, clerk = await connect("driver", "drv_a"), await connect("store")
    guest = await connect(tracking=order["trackingToken"])
    await rider.ask("driver_location", {"lat": 23.01, "lng": 90.4})
    # Whoever is looked for after the order is picked up may be told of a place from the moment before.
    await until(lambda: 23.01 in looked_for)
    order = await moved(client, order, "picked_up", by="drv_a")
    assert await rider.ask("driver_location", {"lat": 23.02, "lng": 90.4, "accuracy": 5}) == {"taken": True}
    for phone in (clerk, guest):
        told = await place_heard(phone, 23.02)
        assert (told["orderId"], told["stage"], told["driver"]) == (order["id"], "picked_up", {"id": "drv_a"})
        assert told["position"]["accuracy"] == 5
        assert told["eta"] is not None
    await moved(client, order, "in_transit", "delivered", by="drv_a")
    await rider.ask("driver_location", {"lat": 23.03, "lng": 90.4})
    await until(lambda: 23.03 in looked_for)
    other = await given(client, await ready(client), "drv_a")
    await moved(client, other, "picked_up", by="drv_a")
    await rider.ask("driver_location", {"lat": 23.04, "lng": 90.4})
    await place_heard(clerk, 23.04)
    assert [told["position"]["lat"] for told in places(guest)] == [23.02]
    assert {told["position"]["lat"] for told in places(clerk)} == {23.02, 23.04}


async def test_of_many_places_the_newest_is_told_and_few(
    client: Client, connect: Connect, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_positions, "BROADCAST_EVERY_S", 0.2)
    await hire(store, "drv_a")
    await moved(client, await given(client, await ready(client), "drv_a"), "picked_up", by="drv_a")
    rider, clerk = await connect("driver", "drv_a"), await connect("store")
    began = time.monotonic()
    for hundredth in range(100):
        rider.send("driver_location", {"lat": 23 + hundredth / 100, "lng": 90.4})
    await place_heard(clerk, 23.99)
    assert len(places(clerk)) <= 2 + (time.monotonic() - began) / 0.2


async def test_an_older_place_does_not_replace_a_newer(connect: Connect) -> None:
    rider = await connect("driver", "drv_a")
    at = {"lat": 23, "lng": 90, "at": "2026-01-01T00:00:05Z"}
    assert (await rider.ask("driver_location", at))["taken"] is True
    assert (await rider.ask("driver_location", {**at, "at": "2026-01-01T06:00:04+06:00"}))["taken"] is False


async def test_a_place_is_kept_for_who_asks_later(client: Client, connect: Connect, store: SqliteStore) -> None:
    await hire(store, "drv_a")
    await (await connect("driver", "drv_a")).ask("driver_location", {"lat": 23.5, "lng": 90.4})
    async with asyncio.timeout(60):
        while True:
            listed = (await client.get("/api/drivers", STORE)).json()["items"]
            (mine,) = [one for one in listed if one["id"] == "drv_a"]
            if mine["position"] is not None:
                break
    assert (mine["position"]["lat"], mine["onDuty"]) == (23.5, False)


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ({}, "lat"),
        ({"lat": 91, "lng": 0}, "lat"),
        ({"lat": 0, "lng": "east"}, "lng"),
        ({"lat": 0, "lng": 0, "accuracy": -1}, "accuracy"),
        ({"lat": 0, "lng": 0, "at": "yesterday"}, "at"),
        ({"lat": 0, "lng": 0, "at": "2026-01-01T00:00:00"}, "at"),
        ({"lat": 0, "lng": 0, "at": "2999-01-01T00:00:00Z"}, "at"),
        ({"lat": 0, "lng": 0, "at": "0001-01-01T00:00:00+14:00"}, "at"),
        ({"lat": 0, "lng": 0, "alt": 3}, "alt"),
    ],
)
async def test_a_wrong_place_is_named(connect: Connect, place: dict[str, Any], field: str) -> None:
    rider = await connect("driver", "drv_a")
    error = await rider.refused("driver_location", place)
    assert (error["code"], error["field"]) == ("invalid_field", field)


async def test_only_drivers_have_places(connect: Connect) -> None:
    for role in ("store", "customer", "service"):
        error = await (await connect(role)).refused("driver_location", {"lat": 0, "lng": 0})
        assert error["code"] == "not_permitted"
