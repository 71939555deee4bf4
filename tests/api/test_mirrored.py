"""Orders that live in another program's database, as the shop's people and their buyers see them here."""

from __future__ import annotations

from typing import Any

from ordercast.commerce.timestamps import Timestamp
from ordercast.contrib.mongodb.mapping import map_order
from ordercast.db import SqliteStore, Transaction, mirrored
from ordercast.db.mirrored import MirroredState

from .client import CUSTOMER, DRIVER, STORE, STRANGER, Client, bearer, problem, token

NOW = Timestamp("2026-11-28T12:00:00.000Z")
SOURCE = "mongodb:shop.orders"
PERSON = {"name": "Asha Rahman", "email": "asha@example.com", "phone": "+8801700000000"}


async def mirror(store: SqliteStore, id_: str, **document: Any) -> None:
    """Show an order as a source would."""
    whole = {"_id": id_, "status": "new", "total": 12.5, "customer": PERSON, "customerId": "cus_1", **document}

    def unit(transaction: Transaction) -> None:
        row = mirrored.find(transaction, SOURCE, id_)
        if row is None:
            row = mirrored.begin(transaction, SOURCE, id_, MirroredState("{}", "", 1, None), now=NOW)
        order = map_order(whole, number=row.entry, currency="BDT", now=NOW).order
        mirrored.save_state(transaction, SOURCE, row, MirroredState("{}", "", 1, order), now=NOW)

    await store.write(unit)


async def test_it_is_read_like_one_of_ours_by_those_whom_it_concerns(client: Client, store: SqliteStore) -> None:
    await mirror(store, "65f0aa", status="accepted")

    order = (await client.get("/api/orders/65f0aa", STORE)).json()
    assert (order["id"], order["status"], order["total"], order["version"]) == ("65f0aa", "processing", 1250, 1)
    assert (await client.get("/api/orders/65f0aa", CUSTOMER)).json() == order
    assert (await client.get("/api/orders/65f0aa/history", STORE)).json()["items"] == []
    for other in (STRANGER, DRIVER):
        problem(await client.get("/api/orders/65f0aa", other), 404, "not-found")


async def test_it_stands_in_the_list_before_our_own_and_one_cursor_leads_through_both(
    client: Client, store: SqliteStore
) -> None:
    ours = [(await client.place(CUSTOMER))["id"] for _ in range(2)]
    for name in ("one", "two", "three"):
        await mirror(store, name, status="ready" if name == "two" else "new")

    seen: list[str] = []
    query = "limit=2"
    while len(seen) < 5:
        page = (await client.get(f"/api/orders?{query}", CUSTOMER)).json()
        seen += [order["id"] for order in page["items"]]
        query = f"limit=2&cursor={page['nextCursor']}"
    assert page["nextCursor"] is None
    assert seen == ["three", "two", "one", *reversed(ours)]
    ready = (await client.get("/api/orders?status=ready", STORE)).json()["items"]
    assert [order["id"] for order in ready] == ["two"]


async def test_a_command_is_refused_with_where_to_give_it(client: Client, store: SqliteStore) -> None:
    await mirror(store, "one")
    order = {"id": "one", "version": 1}

    answers = [
        await client.move(order, "processing"),
        await client.post("/api/orders/one/cancel", {"reason": "sold out"}, STORE),
        await client.post("/api/orders/one/refund", {"reason": "sold out", "version": 1}, STORE),
    ]
    for answer in answers:
        assert problem(answer, 409, "lives-elsewhere")["detail"] == "This order lives in MongoDB; change it there."
    problem(await client.move(order, "processing", STRANGER), 404, "not-found")


async def test_its_customer_is_told_what_is_kept_and_is_forgotten(client: Client, store: SqliteStore) -> None:
    await mirror(store, "one", customerId="65f0000001", status="completed", deliveryAddress="12 Lake Road")
    await mirror(store, "other", customerId="65f0000002", status="completed")

    told = (await client.get("/api/customers/65f0000001/export", bearer(token("admin")))).json()
    (kept,) = told["data"]["mirroredOrders"]
    assert kept["document"]["customerInfo"]["email"] == "asha@example.com"
    erased = await client.post("/api/customers/65f0000001/erase", {}, bearer(token("admin")))
    assert erased.status_code < 300, erased.text

    problem(await client.get("/api/orders/one", STORE), 404, "not-found")
    rows = [change for change in store.changes(0, 100) if change.entity_id == "one"]
    assert rows
    assert not any(word in bytes(change.after or b"") for change in rows for word in (b"Asha", b"12 Lake Road"))
    assert (await client.get("/api/orders/other", STORE)).status_code == 200
