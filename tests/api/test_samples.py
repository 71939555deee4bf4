"""What the systems that we serve send, as they send it; see ``tests/samples``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ordercast.db import SqliteStore
from ordercast.feed.audience import RoutedEvent, route

from .client import DRIVER, SERVICE, STORE, Client, problem

SAMPLES = Path(__file__).parents[1] / "samples"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def told(store: SqliteStore) -> dict[str, RoutedEvent]:
    """What the newest change is told as."""
    (change,) = store.changes(store.last_seq - 1, 1)
    return {each.name: each for each in route(change, lambda index: f"e.{index}")}


async def test_a_web_shops_checkout_is_taken_and_rings_as_its_admin_reads_it(
    client: Client, store: SqliteStore
) -> None:
    parts = sample("autosq_order.json")
    answer = await client.post("/api/orders", parts)
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert order["shippingInfo"] == parts["shippingInfo"] != order["billingInfo"] == parts["billingInfo"]
    event = told(store)["new_order"]
    expected = sample("autosq_new_order.json")
    expected["order"] |= {"id": order["id"], "createdAt": order["createdAt"]}
    assert event.args == [expected]
    assert event.rooms == ("store-owners",)


@pytest.mark.parametrize("part", ["customerInfo", "billingInfo", "shippingInfo", "paymentInfo"])
async def test_what_a_front_end_keeps_besides_is_refused_by_name(client: Client, part: str) -> None:
    parts = sample("autosq_order.json")
    parts[part]["isValid"] = True
    problem(await client.post("/api/orders", parts), 422, "invalid-field", f"{part}.isValid")


async def test_a_price_of_the_front_end_is_refused_by_name(client: Client) -> None:
    parts = sample("autosq_order.json")
    parts["cartItems"][1]["price"] = 1
    problem(await client.post("/api/orders", parts), 422, "invalid-field", "cartItems[1].price")


@pytest.mark.parametrize("fulfilment", ["delivery", "pickup"])
async def test_former_status_names_lead_an_order_its_whole_way(client: Client, fulfilment: str) -> None:
    order = await client.place(fulfilment=fulfilment)
    for name, meaning in sample("store_sync_statuses.json")[fulfilment]:
        by_driver = meaning in {"driver_assigned", "picked_up", "in_transit", "delivered"} and fulfilment == "delivery"
        moved = await client.move(order, name, DRIVER if by_driver else STORE)
        assert moved.status_code == 200, moved.text
        order = moved.json()
        assert order["status"] == meaning
    history = (await client.get(f"/api/orders/{order['id']}/history", STORE)).json()["items"]
    assert not {entry["toStatus"] for entry in history} & {"new", "accepted", "packing", "ready", "completed"}


async def test_a_booking_is_passed_on_whole_to_the_shop_and_its_user(client: Client, store: SqliteStore) -> None:
    booking = sample("carevia_emit_booking.json")
    problem(await client.post("/emit-booking", booking), 401, "sign-in-required")
    assert (await client.post("/emit-booking", booking, SERVICE)).status_code == 202
    event = told(store)["new_booking"]
    assert event.rooms == ("store-owners", f"user_{booking['userId']}")
    assert event.args == [booking]
