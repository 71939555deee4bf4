"""One row that cannot be read, in any table that a request looks at: the lists and figures answer without it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ordercast.commerce.services import DEMO_SERVICES
from ordercast.commerce.timestamps import timestamp
from ordercast.db import SqliteStore, read_json
from ordercast.db import sandbox as books
from ordercast.db.access import revoked
from ordercast.db.ddl import metadata
from ordercast.payments import Providers
from ordercast.payments.payment_worker import PaymentWorker
from ordercast.payments.providers.sandbox import SandboxProvider
from tests.commerce.orders import request_json
from tests.db.forced import force, force_all

from .bookings_at_work import at, book
from .client import SERVICE, STORE, Client, bearer, problem, signed_in, token
from .stores import AnyStore

ADMIN = signed_in("admin")
REFUSALS = (sqlite3.Error, psycopg.Error)

# What a program may have written into a column of each type; which of it a driver can send is the driver's.
TEXTS: tuple[Any, ...] = (b"Jos\xe9", "", "nope", "NaN", '{"a":[1e400]}', "[" * 5_000, '"half \\ud83d"', 7)
NUMBERS: tuple[Any, ...] = (2**63 - 1, -(2**63), -1, "abc", 12.99, float("inf"))


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> AnyStore:
    store: AnyStore = request.getfixturevalue(f"{request.param}_store")
    return store


def place_of(store: AnyStore) -> Path | str:
    return store.path if isinstance(store, SqliteStore) else store._url


def assignment(store: AnyStore, table: str, column: str, value: Any, where: str) -> tuple[str, list[Any]]:
    """The statement that puts a value where it does not belong."""
    slot = "CAST(? AS TEXT)" if isinstance(value, bytes) and isinstance(store, SqliteStore) else "?"
    return f"UPDATE {table} SET {column} = {slot} WHERE {where}", [value]


def damaged(store: AnyStore, table: str, column: str, value: Any, where: str) -> None:
    try:
        force(place_of(store), table, *assignment(store, table, column, value, where))
    except REFUSALS:
        pytest.skip("this database refuses it, whatever rules are switched off")


async def fill(client: Client) -> list[dict[str, Any]]:
    """At least one row in most tables; gives two orders."""
    card = {"paymentInfo": {"method": "card", "token": "tok_visa"}}
    orders = [await client.place(headers={"Idempotency-Key": "k1"}, **card), await client.place(**card)]
    await client.move(orders[0], "processing")
    promotion = {"code": "EID", "kind": "percent", "value": 1000}
    assert (await client.post("/api/promotions", promotion, STORE)).status_code == 201
    assert (await client.post("/api/emit", {"event": "x", "rooms": ["r"]}, SERVICE)).status_code == 202
    await book(client, {"id": DEMO_SERVICES[0].id}, at(10))
    return orders


LISTS = (
    "/api/orders", "/api/orders?status=pending", "/api/products", "/api/products?every=true", "/api/accounts",
    "/api/bookings", "/api/bookings?status=requested", f"/api/bookings?day={at(0)[:10]}", "/api/services",
    "/api/services?every=true", "/api/carers", "/api/drivers", "/api/promotions", "/api/notifications",
    "/api/payment-mismatches", "/api/stats", "/api/config",
)  # fmt: skip


# What the lists and figures are made of; the property test of the feed goes through every table.
LISTED = (
    "accounts", "bookings", "carers", "services", "customers", "driver_states", "notification_reads", "notifications",
    "order_history", "orders", "payment_mismatches", "products", "promotions",
)  # fmt: skip


@pytest.mark.parametrize("table", LISTED)
async def test_a_damaged_row_is_left_out_of_lists_and_figures_and_the_next_order_is_taken(
    client: Client, store: AnyStore, table: str
) -> None:
    orders = await fill(client)
    last = (await client.get("/api/products?limit=100")).json()["items"][-1]["id"]
    spared = {"orders": f"id = '{orders[0]['id']}'", "products": f"id = '{last}'", "accounts": "role = 'driver'"}
    columns = [column.name for column in metadata.tables[table].columns if not column.primary_key]
    for value in (*TEXTS, *NUMBERS):
        # All of a row's columns at once: whichever is looked at first is as bad as the others.
        where = spared.get(table, "TRUE")
        force_all(place_of(store), table, [assignment(store, table, column, value, where) for column in columns])
        for path in LISTS:
            answer = await client.get(path, ADMIN)
            assert answer.status_code == 200, (value, path, answer.text)
            read_json(answer.content)
    single = await client.get(f"/api/orders/{orders[0]['id']}", STORE)
    assert single.status_code in {200, 404, 503}, single.text
    await client.place()


async def test_an_order_that_cannot_be_read_is_refused_by_name_and_its_neighbour_is_listed(
    client: Client, store: AnyStore
) -> None:
    first, second = await fill(client)
    damaged(store, "orders", "cart_items", "{}", f"id = '{first['id']}'")

    listed = (await client.get("/api/orders", STORE)).json()["items"]
    refused = problem(await client.get(f"/api/orders/{first['id']}", STORE), 503, "row-damaged")

    assert [order["id"] for order in listed] == [second["id"]]
    assert first["id"] in refused["detail"]
    assert store.damaged.of("orders") == [first["id"]]


async def test_a_page_is_filled_up_from_behind_the_rows_that_are_left_out(client: Client, store: AnyStore) -> None:
    ids = [product["id"] for product in (await client.get("/api/products?limit=100")).json()["items"]]
    names = "', '".join(ids[:4])
    damaged(store, "products", "price", "abc", f"id IN ('{names}')")
    page = (await client.get("/api/products?limit=3")).json()
    assert [product["id"] for product in page["items"]] == ids[4:7]
    assert page["nextCursor"] == ids[6]


async def test_figures_are_counted_without_a_sum_that_is_none(client: Client, store: AnyStore) -> None:
    first, second = await fill(client)
    damaged(store, "orders", "total", 2**63 - 1, f"id = '{first['id']}'")
    damaged(store, "orders", "captured", 2**63 - 1, f"id = '{first['id']}'")
    found = (await client.get("/api/stats", STORE)).json()
    assert (found["orders"], found["ordered"]) == (1, second["total"])


async def test_figures_of_bookings_are_counted_without_one_that_is_none(client: Client, store: AnyStore) -> None:
    await fill(client)
    day = at(0)[:10]
    before = (await client.get(f"/api/stats?date={day}", STORE)).json()["bookings"]
    damaged(store, "bookings", "captured", 2**63 - 1, "number = (SELECT min(number) FROM bookings)")
    found = (await client.get(f"/api/stats?date={day}", STORE)).json()["bookings"]
    assert (found["count"], found["revenue"]) == (before["count"] - 1, before["revenue"])


async def test_figures_are_counted_without_a_moment_that_is_none(client: Client, store: AnyStore) -> None:
    first, second = await fill(client)
    damaged(store, "orders", "created_at", f"{first['createdAt'][:11]}garbage", f"id = '{first['id']}'")
    found = (await client.get("/api/stats", STORE)).json()
    assert (found["orders"], found["ordered"], found["open"]["count"]) == (1, second["total"], 1)


async def test_rules_that_cannot_be_read_refuse_orders_alone(client: Client, store: AnyStore) -> None:
    damaged(store, "shop", "tax_rates_bp", "[]", "id = 1")
    assert (await client.get("/api/config")).json()["currency"] == "BDT"
    assert (await client.get("/api/stats", STORE)).status_code == 200
    refused = problem(await client.post("/api/orders", request_json()), 503, "row-damaged")
    assert "of shop" in refused["detail"]


async def test_a_revocation_whose_moment_is_none_refuses_what_there_is(client: Client, store: AnyStore) -> None:
    await store.write(
        lambda transaction: transaction.run(
            "INSERT INTO revocations (name, since, actor) VALUES ('usr_9', '2026-01-01T00:00:00.000Z', 'a')"
        )
    )
    damaged(store, "revocations", "since", "never", "TRUE")
    assert [one.name for one in await store.read(revoked)] == ["usr_9"]
    problem(await client.get("/api/orders", bearer(token("store", "usr_9"))), 401, "token-refused")
    assert (await client.get("/api/orders", STORE)).status_code == 200


async def test_a_payment_task_whose_order_cannot_be_read_keeps_no_other_from_being_carried_out(
    client: Client, store: AnyStore, providers: Providers
) -> None:
    worker = PaymentWorker(store, providers)
    first, second = [
        await client.place(paymentInfo={"method": "card", "token": "tok_authorize_only"}) for _ in range(2)
    ]
    for order in (first, second):
        await client.move(order, "processing")
    damaged(store, "orders", "payment_info", "[]", f"id = '{first['id']}'")

    await worker.run_due()

    (attempts,) = await store.read(
        lambda t: t.all("SELECT attempts FROM payment_tasks WHERE payable_id = :id", id=first["id"])
    )
    assert attempts == (1,)
    assert (await client.get(f"/api/orders/{second['id']}", STORE)).json()["paymentStatus"] == "paid"


async def test_a_payment_task_that_cannot_be_read_keeps_no_other_from_being_carried_out(
    client: Client, store: AnyStore, providers: Providers
) -> None:
    first, second = [
        await client.place(paymentInfo={"method": "card", "token": "tok_authorize_only"}) for _ in range(2)
    ]
    for order in (first, second):
        await client.move(order, "processing")
    damaged(store, "payment_tasks", "kind", "odd", f"payable_id = '{first['id']}'")

    assert await PaymentWorker(store, providers).run_due() == 1
    assert (await client.get(f"/api/orders/{second['id']}", STORE)).json()["paymentStatus"] == "paid"
    assert store.damaged.of("payment_tasks")


async def test_what_an_unreadable_order_owes_keeps_no_other_from_being_written_down(
    client: Client, store: AnyStore, providers: Providers
) -> None:
    first, second = [await client.place(paymentInfo={"method": "card", "token": "tok_visa"}) for _ in range(2)]
    for order in (first, second):
        await store.write(
            lambda t, id_=order["id"]: t.run("UPDATE orders SET status = 'cancelled' WHERE id = :id", id=id_)  # type: ignore[misc]
        )
    damaged(store, "orders", "payment_info", '{"method": "card", "brand": 5}', f"id = '{first['id']}'")

    await PaymentWorker(store, providers).run_due()

    assert (await client.get(f"/api/orders/{second['id']}", STORE)).json()["paymentStatus"] == "refunded"


async def test_a_sandbox_event_that_cannot_be_told_keeps_no_other_from_being_told(
    store: AnyStore, providers: Providers
) -> None:
    (sandbox,) = [provider for provider in providers.all if isinstance(provider, SandboxProvider)]
    body = b'{"type": "payment.captured", "timestamp": "t", "data": {"payment": "p", "amount": 1}}'
    for name, said in (("a", b"nonsense"), ("b", body)):
        await store.write(lambda t, n=name, s=said: books.schedule_event(t, n, s, timestamp(0)))  # type: ignore[misc]
    told: list[str] = []

    await sandbox.deliver_webhooks(lambda _, notice, _body: told.append(notice.event_id))

    assert told == ["b"]
    assert await sandbox.deliver_webhooks(lambda _, notice, _body: told.append(notice.event_id)) == 0
