"""What became of an order, in one line of time: with people's names, for the shop alone; and notes."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.db import Transaction

from .client import CUSTOMER, PASSWORD, STORE, Client, bearer, problem, signed_in
from .stores import AnyStore

ADMIN = signed_in("admin")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> AnyStore:
    store: AnyStore = request.getfixturevalue(f"{request.param}_store")
    return store


async def as_demo(client: Client, who: str) -> dict[str, str]:
    answer = await client.post("/api/auth/login", {"email": f"{who}@example.com", "password": PASSWORD})
    return bearer(answer.json()["token"])


async def timeline(client: Client, order_id: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/api/orders/{order_id}/timeline", STORE)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_everything_that_became_of_an_order_stands_in_one_line_with_names(
    client: Client, store: AnyStore
) -> None:
    clerk = await as_demo(client, "store")
    order = await client.place(
        customerInfo={"name": "Asha Rahman", "email": "a@example.com", "mobile": "+8801700000000"}
    )
    path = f"/api/orders/{order['id']}"
    order = (await client.move(order, "processing", clerk)).json()
    conversation = (await client.post("/api/conversations", {"orderId": order["id"]}, clerk)).json()
    await client.post(f"/api/conversations/{conversation['id']}/messages", {"text": "It will be late"}, clerk)
    assert (await client.post(f"{path}/notes", {"text": " Ring  twice "}, clerk)).status_code == 201
    order = (await client.move(order, "ready_for_delivery", clerk)).json()
    drivers = (await client.get("/api/drivers", STORE)).json()["items"]
    wanted = {"driverId": drivers[0]["id"], "version": order["version"]}
    assert (await client.post(f"{path}/driver", wanted, clerk)).status_code == 200

    items = await timeline(client, order["id"])
    assert [each["at"] for each in items] == sorted(each["at"] for each in items)
    moves = [each for each in items if each["kind"] == "moved"]
    assert [each["toStatus"] for each in moves] == ["pending", "processing", "ready_for_delivery", "driver_assigned"]
    assert [each["actorName"] for each in moves] == ["Asha Rahman", "Demo Store", "Demo Store", "Demo Store"]
    assert moves[-1]["driverName"] == "Demo Driver"
    written = {each["kind"]: each for each in items if each["kind"] in {"message", "note"}}
    assert {kind: (each["text"], each["actorName"]) for kind, each in written.items()} == {
        "message": ("It will be late", "Demo Store"),
        "note": ("Ring twice", "Demo Store"),
    }
    (opened,) = (each for each in items if each["kind"] == "notice")
    assert (opened["step"], opened["actorName"]) == ("opened", "Demo Store")


async def test_money_and_another_programs_change_are_told_with_their_sums(client: Client, store: AnyStore) -> None:
    order = await client.place(paymentInfo={"method": "card", "token": "tok_visa"})
    wanted = {"amount": 100, "reason": "cold", "version": order["version"]}
    refunded = await client.post(f"/api/orders/{order['id']}/refund", wanted, ADMIN)
    assert refunded.status_code == 200, refunded.text

    def another(transaction: Transaction) -> None:
        transaction.run("UPDATE orders SET customer_name = 'Nusrat'")

    await store.write(another)
    items = await timeline(client, order["id"])
    paid = next(each for each in items if each["kind"] == "payment" and each["step"] == "captured")
    assert (paid["amount"], paid["currency"]) == (order["total"], "BDT")
    changed = [each for each in items if each["kind"] == "changed"]
    assert changed[-1]["actor"].startswith("db:")


async def test_notes_are_for_the_shop_once_and_go_with_the_person(client: Client, store: AnyStore) -> None:
    order = await client.place(CUSTOMER)
    path = f"/api/orders/{order['id']}"
    key = {**STORE, "Idempotency-Key": "note-1"}
    first = await client.post(f"{path}/notes", {"text": "Owes us a crate"}, key)
    again = await client.post(f"{path}/notes", {"text": "Owes us a crate"}, key)
    assert first.status_code == 201
    assert again.json() == first.json()
    for who in (CUSTOMER, signed_in("driver", "drv_1"), signed_in("service", "backend")):
        problem(await client.get(f"{path}/timeline", who), 403, "not-permitted")
        problem(await client.post(f"{path}/notes", {"text": "x"}, who), 403, "not-permitted")
    problem(await client.get("/api/orders/ord_nothing/timeline", STORE), 404, "not-found")
    problem(await client.post("/api/orders/ord_nothing/notes", {"text": "x"}, STORE), 404, "not-found")
    for text in ("", "x" * 501):
        problem(await client.post(f"{path}/notes", {"text": text}, STORE), 422, "invalid-field", "text")
    problem(await client.post(f"{path}/notes", {"text": "  "}, STORE), 422, "invalid-field", "text")
    assert [each["text"] for each in await timeline(client, order["id"]) if each["kind"] == "note"] == [
        "Owes us a crate"
    ]
    assert (await client.move(order, "cancelled", reason="x")).status_code == 200
    erased = await client.post(f"/api/customers/{order['customerId']}/erase", None, ADMIN)
    assert erased.status_code < 300, erased.text
    items = await timeline(client, order["id"])
    assert [each for each in items if each["kind"] == "note"] == []
    assert {each.get("actorName") for each in items} == {None}
