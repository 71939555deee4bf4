from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
import pytest

from ordercast.commerce.deliveries import ProofKind
from ordercast.config import Settings
from ordercast.db import SqliteStore, privacy
from ordercast.db.nouns import NOUNS, PERSONAL_DATA, TABLES
from tests.commerce.orders import request_json
from tests.sockets.test_auth import Node, heard, node
from tests.waiting import until

from .client import PASSWORD, SERVICE, STORE, Client, bearer, over, problem, signed_in, token
from .endings import bring
from .watched_table import tell

__all__ = ["node"]

ADMIN = signed_in("admin", "usr_admin")
PERSON = ("Nilufar Yasmin", "nilufar@example.org", "+8801912345678", "77 Mirpur Lane", "Nilufar")
CUSTOMER_INFO = {"name": PERSON[0], "email": PERSON[1], "mobile": PERSON[2]}
ADDRESS = {"name": PERSON[0], "line1": PERSON[3], "city": "Dhaka", "postcode": "1216", "country": "BD"}
PARTS = {"customerInfo": CUSTOMER_INFO, "billingInfo": ADDRESS, "shippingInfo": ADDRESS}


async def customer(client: Client) -> tuple[str, dict[str, str]]:
    """Somebody with an account, and their headers."""
    body = {"email": PERSON[1], "name": PERSON[0], "password": "a fine password"}
    user = (await client.post("/api/auth/register", body)).json()
    login = await client.post("/api/auth/login", {"email": PERSON[1], "password": "a fine password"})
    return user["id"], bearer(login.json()["token"])


async def past(client: Client, store: SqliteStore, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An order that was cancelled by its customer, or by the shop."""
    order = await client.post("/api/orders", order_json(), {**(headers or {}), "Idempotency-Key": "once"})
    assert order.status_code == 201, order.text
    placed: dict[str, Any] = order.json()
    if headers is None:
        await bring(store, placed["id"], "cancelled")
    else:
        reason = {"reason": f"I, {PERSON[0]}, have moved"}
        cancelled = await client.post(f"/api/orders/{placed['id']}/cancel", reason, headers)
        assert cancelled.status_code == 200
    return placed


def order_json() -> dict[str, Any]:
    return request_json(**PARTS)


async def erase(client: Client, customer_id: str) -> httpx.Response:
    return await client.post(f"/api/customers/{customer_id}/erase", None, ADMIN)


async def everything(store: SqliteStore) -> str:
    """Each value of each table, as one text."""

    def dump(transaction: Any) -> str:
        return repr([transaction.all(f"SELECT * FROM {table.name}") for table in TABLES])

    return await store.read(dump)


# --- The table --------------------------------------------------------------------------------------------------------


def test_of_each_table_it_is_said_what_of_a_person_is_in_it() -> None:
    decided = [table for noun in NOUNS for table in noun.personal]
    assert sorted(decided) == sorted(table.name for table in TABLES), "name each new table in its noun's `personal`"


def test_what_is_shown_and_left_are_columns() -> None:
    columns = {table.name: table.columns.keys() for table in TABLES}
    for table, holding in PERSONAL_DATA.items():
        assert {*holding.shown, *(holding.left or {})} <= columns[table]


# --- Telling ----------------------------------------------------------------------------------------------------------


async def test_a_customer_is_told_all_that_is_known_of_them(client: Client, store: SqliteStore) -> None:
    customer_id, headers = await customer(client)
    order = await past(client, store, headers)
    answer = await client.get("/api/me/export", headers)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["customerId"] == customer_id
    data = body["data"]
    assert data["customers"][0]["email"] == PERSON[1]
    assert data["accounts"][0]["name"] == PERSON[0]
    assert len(data["signIns"]) == 1
    (kept,) = data["orders"]
    assert (kept["id"], kept["shippingInfo"]["line1"], kept["total"]) == (order["id"], PERSON[3], order["total"])
    assert [entry["toStatus"] for entry in data["orderHistory"]] == ["pending", "cancelled"]
    assert "argon2" not in answer.text
    assert answer.json()["data"] == (await client.get(f"/api/customers/{customer_id}/export", ADMIN)).json()["data"]


async def next_millisecond() -> None:
    """Ids that are made in one do not tell which of them came first, and what goes with orders comes by their ids."""
    began = time.time_ns() // 1_000_000
    await until(lambda: time.time_ns() // 1_000_000 > began)


async def test_all_are_told_of_who_has_more_than_a_part_of_them(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer_id, headers = await customer(client)
    orders = []
    for _ in range(5):
        orders.append((await client.post("/api/orders", order_json(), headers)).json())
        await next_millisecond()
    whole = (await client.get("/api/me/export", headers)).json()["data"]
    monkeypatch.setattr(privacy, "EXPORTED_AT_ONCE_MAX", 2)
    data = (await client.get(f"/api/customers/{customer_id}/export", ADMIN)).json()["data"]
    assert data == whole
    assert [order["id"] for order in data["orders"]] == [order["id"] for order in orders]
    assert [entry["orderId"] for entry in data["orderHistory"]] == [order["id"] for order in orders]


async def test_a_guest_is_told_by_the_shop(client: Client, store: SqliteStore) -> None:
    order = await past(client, store)
    data = (await client.get(f"/api/customers/{order['customerId']}/export", ADMIN)).json()["data"]
    assert [one["customerMobile"] for one in data["orders"]] == [PERSON[2]]
    assert data["accounts"] == []


async def test_nobody_is_told_of_others(client: Client, store: SqliteStore) -> None:
    order = await past(client, store)
    for headers in (STORE, SERVICE, bearer(token("customer", order["customerId"]))):
        problem(await client.get(f"/api/customers/{order['customerId']}/export", headers), 403, "not-permitted")
        problem(await client.post(f"/api/customers/{order['customerId']}/erase", None, headers), 403, "not-permitted")
    for headers in (STORE, bearer(order["trackingToken"])):
        problem(await client.get("/api/me/export", headers), 403, "not-permitted")
    problem(await client.get("/api/customers/cus_nobody/export", ADMIN), 404, "not-found")
    problem(await erase(client, "cus_nobody"), 404, "not-found")


# --- Forgetting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("registered", [True, False], ids=["registered", "guest"])
async def test_nothing_of_a_person_is_left_and_their_orders_stay(
    client: Client, store: SqliteStore, registered: bool
) -> None:
    headers = (await customer(client))[1] if registered else None
    order = await past(client, store, headers)
    other = await client.place()
    before = await everything(store)
    assert all(text in before for text in PERSON)

    answer = await erase(client, order["customerId"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["orders"] == 1
    after = await everything(store)
    assert [text for text in (*PERSON, f"customer:{order['customerId']}") if text in after] == []
    shown = (await client.get(f"/api/orders/{order['id']}", STORE)).json()
    assert (shown["total"], shown["cartItems"], shown["status"]) == (order["total"], order["cartItems"], "cancelled")
    assert (shown["customerInfo"], shown["shippingInfo"]) == ({"name": None, "email": None, "mobile": None}, None)
    # Nobody else is touched.
    assert (await client.get(f"/api/orders/{other['id']}", STORE)).json()["customerInfo"]["name"] == "Asha Rahman"


async def test_the_history_says_that_it_was_done_and_keeps_its_moves(client: Client, store: SqliteStore) -> None:
    _, headers = await customer(client)
    order = await past(client, store, headers)
    await erase(client, order["customerId"])
    history = (await client.get(f"/api/orders/{order['id']}/history", STORE)).json()["items"]
    assert [(entry["toStatus"], entry["actor"], entry["reason"]) for entry in history] == [
        ("pending", "customer:erased", None),
        ("cancelled", "customer:erased", None),
        ("cancelled", "admin:usr_admin", "The personal data was erased."),
    ]


async def test_who_is_forgotten_is_signed_out_for_good(client: Client, store: SqliteStore, settings: Settings) -> None:
    customer_id, headers = await customer(client)
    assert (await erase(client, customer_id)).status_code == 200
    async with over(settings, store) as http:
        problem(await Client(http).get("/api/me", headers), 401, "token-refused")
        login = {"email": PERSON[1], "password": "a fine password"}
        problem(await Client(http).post("/api/auth/login", login), 401, "sign-in-refused")
        # The address is free again, for somebody new.
        fresh = {"email": PERSON[1], "name": "Another", "password": "a fine password"}
        assert (await Client(http).post("/api/auth/register", fresh)).json()["id"] != customer_id


async def test_an_order_under_way_is_brought_to_its_end_first(client: Client, store: SqliteStore) -> None:
    order = (await client.post("/api/orders", order_json())).json()
    refused = problem(await erase(client, order["customerId"]), 409, "orders-open")
    assert refused["left"] == 1
    assert PERSON[1] in await everything(store)
    await bring(store, order["id"], "delivered")
    assert (await erase(client, order["customerId"])).status_code == 200


async def test_where_somebody_lives_is_forgotten_of_their_deliveries(client: Client, store: SqliteStore) -> None:
    order = (await client.post("/api/orders", order_json())).json()
    await store.write(
        lambda t: t.run("INSERT INTO driver_states (driver_id, lat, lng) VALUES ('drv_1', 23.810332, 90.412518)")
    )
    await bring(store, order["id"], "delivered")
    await store.write(
        lambda t: t.run(
            "INSERT INTO delivery_proofs (order_id, kind, value, actor) VALUES (:id, :kind, 'signed N. Yasmin', 'x')",
            id=order["id"],
            kind=next(iter(ProofKind)),
        )
    )
    marks = ("23.810332", "90.412518", "N. Yasmin")
    before = await everything(store)
    assert all(mark in before for mark in marks)
    assert (await erase(client, order["customerId"])).status_code == 200
    await store.write(lambda t: t.run("DELETE FROM driver_states"))
    after = await everything(store)
    assert [mark for mark in marks if mark in after] == []
    assert len(await store.read(lambda t: t.all("SELECT * FROM deliveries"))) > 2


async def test_erasing_twice_changes_nothing_more(client: Client, store: SqliteStore) -> None:
    order = await past(client, store)
    await erase(client, order["customerId"])
    first = (await client.get(f"/api/orders/{order['id']}", STORE)).json()
    assert (await erase(client, order["customerId"])).status_code == 200
    assert (await client.get(f"/api/orders/{order['id']}", STORE)).json() == first


async def test_a_request_sent_again_is_not_done_again_though_its_answer_has_nobody_in_it(
    client: Client, store: SqliteStore, settings: Settings
) -> None:
    order = await past(client, store)
    await erase(client, order["customerId"])
    again = await client.post("/api/orders", order_json(), {"Idempotency-Key": "once"})
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["id"] == order["id"]
    assert not any(text in again.text for text in PERSON)


async def test_what_a_back_end_told_of_them_is_told_no_more(client: Client, store: SqliteStore) -> None:
    customer_id, _ = await customer(client)
    args = [{"note": f"{PERSON[0]} telephoned"}]
    for rooms in ([f"user_{customer_id}", "store-owners"], ["store-owners"]):
        body = {"event": "call", "rooms": rooms, "args": args if len(rooms) == 2 else [{"for": customer_id}]}
        assert (await client.post("/api/emit", body, SERVICE)).status_code == 202
    kept = {"event": "call", "rooms": ["store-owners"], "args": ["another call"]}
    await client.post("/api/emit", kept, SERVICE)
    await erase(client, customer_id)
    told = [msgspec.json.decode(row.after or b"null") for row in store.changes(0, 100) if row.kind == "event.published"]
    nothing: dict[str, Any] = {"event": "call", "rooms": [], "args": []}
    assert told == [nothing, nothing, kept]
    after = await everything(store)
    assert not any(text in after for text in PERSON)


async def test_what_was_told_of_their_rows_in_another_programs_table_is_told_no_more(
    client: Client, store: SqliteStore
) -> None:
    customer_id, _ = await customer(client)
    await tell(store, 1, None, PERSON[0], f"customer_{customer_id}")
    await tell(store, 2, None, "kept")
    await erase(client, customer_id)
    told = [msgspec.json.decode(row.after or b"null") for row in store.changes(0, 100) if row.kind == "row.changed"]
    assert [row["now"] is None for row in told] == [True, False]
    assert PERSON[0] not in await everything(store)


async def test_one_erases_oneself_with_the_password(client: Client, store: SqliteStore) -> None:
    customer_id, headers = await customer(client)
    await past(client, store, headers)
    wrong = await client.post("/api/me/erase", {"password": PASSWORD}, headers)
    problem(wrong, 422, "invalid-field", "password")
    done = await client.post("/api/me/erase", {"password": "a fine password"}, headers)
    assert (done.status_code, done.json()["customerId"]) == (200, customer_id)
    after = await everything(store)
    assert not any(text in after for text in (*PERSON, f"customer:{customer_id}"))


async def test_who_has_no_account_here_asks_the_shop(client: Client) -> None:
    body = {"password": PASSWORD}
    problem(await client.post("/api/me/erase", body, bearer(token("customer", "cus_9"))), 403, "not-permitted")
    problem(await client.post("/api/me/erase", body, STORE), 403, "not-permitted")


# --- What is remembered in memory -------------------------------------------------------------------------------------


async def test_no_replay_tells_what_was_erased(node: Node, client: Client) -> None:
    mine = token("store")
    link = await node.connect(mine)
    session, offset = json.loads(str(link.sent[0])[2:]), heard(link, "ready")[0][-1]
    link.lose()
    order = await past(client, node.store)
    guest = await node.connect(order["trackingToken"])
    await erase(client, order["customerId"])
    await until(lambda: guest.closed_for is not None)
    back = await node.connect(mine, pid=session["pid"], offset=offset)
    (told,) = heard(back, "new_order")
    assert told[1]["order"]["customerName"] is None
    assert told[1]["order"]["total"] == order["total"]
    assert heard(back, "order_update")
    assert not any(text in str(back.sent) for text in PERSON)


# --- What the database lets through -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'customer:erased'",
        "actor = 'customer:erased', reason = 'another'",
        "actor = 'customer:other', reason = NULL",
        "actor = 'customer:erased', reason = NULL, at = '2026-01-01'",
        "actor = 'customer:erased', reason = NULL, to_status = 'delivered'",
        "reason = NULL",
    ],
)
async def test_history_takes_no_other_change(client: Client, store: SqliteStore, change: str) -> None:
    _, headers = await customer(client)
    order = await past(client, store, headers)
    with pytest.raises(sqlite3.IntegrityError, match="history is only ever added to"):
        await store.write(
            lambda t: t.run(
                f"UPDATE order_history SET {change} WHERE order_id = :id AND to_status = 'cancelled'", id=order["id"]
            )
        )


async def test_who_of_the_shop_acted_cannot_be_taken_out(client: Client, store: SqliteStore) -> None:
    await past(client, store)
    with pytest.raises(sqlite3.IntegrityError, match="history is only ever added to"):
        await store.write(
            lambda t: t.run(
                "UPDATE order_history SET actor = 'customer:erased', reason = NULL WHERE actor GLOB 'store:*'"
            )
        )
