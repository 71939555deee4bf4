"""What guests of one address may have set aside for them, unpaid and unanswered."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from ordercast.api import create_api
from ordercast.config import Settings
from tests.commerce.orders import request_json

from .client import CUSTOMER, STORE, Client, problem
from .stores import AnyStore


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(
        settings, budgets="on", guest_orders_open_max=3, guest_pieces_open_max=20, guest_pieces_max=15
    )


def cart(quantity: int) -> dict[str, Any]:
    (line,) = request_json()["cartItems"][:1]
    return {"cartItems": [{**line, "quantity": quantity}]}


async def test_so_many_unpaid_orders_of_an_address_wait_and_what_is_answered_makes_room(
    client: Client, settings: Settings, store: AnyStore
) -> None:
    orders = [await client.place(**cart(1)) for _ in range(3)]
    spent = await client.post("/api/orders", request_json(**cart(1)))
    answer = problem(spent, 429, "too-many-waiting")
    assert (answer["budget"], spent.headers["retry-after"]) == ("guest_orders_open", "60")

    application: Any = create_api(settings, store)
    transport = httpx.ASGITransport(application, client=("203.0.113.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as elsewhere:
        await Client(elsewhere).place(**cart(1))
    await client.place(CUSTOMER, **cart(1))
    paid = await client.place(**cart(1), paymentInfo={"method": "card", "token": "tok_visa"})
    assert paid["paymentStatus"] != "unpaid"

    assert (await client.move(orders[0], "processing")).status_code == 200
    await client.place(**cart(1))
    problem(await client.post("/api/orders", request_json(**cart(1))), 429, "too-many-waiting")
    assert (await client.move(orders[1], "rejected", reason="No.")).status_code == 200
    await client.place(**cart(1))


async def test_so_many_pieces_are_set_aside_for_an_address(client: Client) -> None:
    await client.place(**cart(15))
    answer = problem(await client.post("/api/orders", request_json(**cart(6))), 429, "too-many-waiting")
    assert answer["budget"] == "guest_pieces_open"
    await client.place(**cart(5))


async def test_one_order_of_a_guest_sets_aside_so_many(client: Client) -> None:
    problem(await client.post("/api/orders", request_json(**cart(16))), 422, "invalid-field", "cartItems")
    lines = {"cartItems": cart(8)["cartItems"] * 2}
    problem(await client.post("/api/orders", request_json(**lines)), 422, "invalid-field", "cartItems")
    await client.place(CUSTOMER, **cart(16))


async def test_where_an_order_came_from_is_kept_as_a_hash_and_told_to_nobody(client: Client, store: AnyStore) -> None:
    order = await client.place(**cart(1))
    ((kept,),) = await store.read(lambda t: t.all("SELECT placed_from FROM orders"))
    assert len(kept) == 32
    for headers in (None, STORE):
        shown = await client.get(f"/api/orders/{order['id']}?token={order['trackingToken']}", headers)
        assert kept not in shown.text
    feed = await store.read(lambda t: t.all("SELECT after FROM feed"))
    assert kept not in repr(feed)
