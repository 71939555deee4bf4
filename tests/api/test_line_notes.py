from __future__ import annotations

from typing import Any

import pytest

from ordercast.commerce.orders import LINE_NOTE_MAX
from tests.commerce.orders import PRODUCTS, request_json

from .client import CUSTOMER, DRIVER, STORE, Client, problem, signed_in
from .drivers_at_work import on_duty

SAMOSA, CHAI = PRODUCTS["samosa"].id, PRODUCTS["masala-chai"].id
ADMIN = signed_in("admin", "usr_admin")


def cart(*notes: str | None) -> list[dict[str, Any]]:
    return [{"productId": SAMOSA, "quantity": 2} | ({} if note is None else {"note": note}) for note in notes]


async def test_what_a_buyer_wishes_of_a_line_is_in_the_order(client: Client) -> None:
    order = await client.place(CUSTOMER, cartItems=cart("No chilli, please", None, ""))
    with_note, without, empty = order["cartItems"]
    assert with_note["note"] == "No chilli, please"
    assert "note" not in without
    assert "note" not in empty
    assert (await client.get(f"/api/orders/{order['id']}", STORE)).json()["cartItems"] == order["cartItems"]


@pytest.mark.parametrize(
    ("note", "kind"),
    [
        ("x" * (LINE_NOTE_MAX + 1), "invalid-field"),
        (7, "invalid-field"),
        ("4242 4242 4242 4242", "card-number"),
        ("no\nchilli", "invalid-field"),
        ("no \u202echilli", "invalid-field"),
    ],
    ids=["long", "number", "card", "lines", "hidden"],
)
async def test_a_note_is_refused_as_every_text_is(client: Client, note: Any, kind: str) -> None:
    refused = await client.post("/api/orders", request_json(cartItems=cart(note)))
    body = problem(refused, 422, kind, "cartItems[0].note")
    assert "4242 4242" not in str(body)


async def test_an_order_is_found_by_a_note_in_it(client: Client) -> None:
    order = await client.place(CUSTOMER, cartItems=cart("Peanutless, allergic"))
    await client.place(CUSTOMER)
    found = (await client.get("/api/orders?q=peanutless", STORE)).json()["items"]
    assert [each["id"] for each in found] == [order["id"]]
    assert [each["id"] for each in (await client.get("/api/orders?q=samosa", STORE)).json()["items"]][-1] == order["id"]


async def test_a_driver_reads_the_notes_of_what_they_bring_alone(client: Client) -> None:
    await on_duty(client, "drv_1")
    order = await client.place(CUSTOMER, cartItems=cart("For Nilufar, at the blue gate"))
    for status in ("processing", "ready_for_delivery"):
        order = (await client.move(order, status, STORE)).json()
    offered = (await client.get(f"/api/orders/{order['id']}", DRIVER)).json()
    assert "note" not in offered["cartItems"][0]
    theirs = (await client.move(order, "driver_assigned", DRIVER)).json()
    assert theirs["cartItems"][0]["note"] == "For Nilufar, at the blue gate"


async def test_notes_are_forgotten_with_their_buyer(client: Client, store: Any) -> None:
    order = await client.place(CUSTOMER, cartItems=cart("For Nilufar, at the blue gate", None))
    await client.move(order, "cancelled", STORE, reason="closed")
    told = (await client.get("/api/customers/cus_1/export", ADMIN)).text
    assert "blue gate" in told
    erased = await client.post("/api/customers/cus_1/erase", None, ADMIN)
    assert erased.status_code == 200, erased.text
    left = (await client.get(f"/api/orders/{order['id']}", STORE)).json()
    assert [line["quantity"] for line in left["cartItems"]] == [2, 2]
    assert not any("note" in line for line in left["cartItems"])
    rows = await store.read(
        lambda transaction: [
            transaction.all(f"SELECT * FROM {table}")
            for table in ("orders", "feed", "idempotency", "webhook_deliveries")
        ]
    )
    assert "blue gate" not in repr(rows)
