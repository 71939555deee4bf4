from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import pytest

from ordercast.commerce.timestamps import timestamp
from ordercast.db import SqliteStore, notifications
from ordercast.hub import Server
from tests.sockets.phone import Phone

from .client import CUSTOMER, SERVICE, STORE, STRANGER, Client, bearer, problem, signed_in, token
from .drivers_at_work import driver, given, hire, moved, ready

COLLEAGUE = signed_in("admin", "usr_2")
NOW = timestamp(1_795_241_719_608)


async def of(client: Client, headers: Mapping[str, str], query: str = "") -> dict[str, Any]:
    answer = await client.get(f"/api/notifications{query}", headers)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def titles(client: Client, headers: Mapping[str, str]) -> list[str]:
    return [item["title"] for item in (await of(client, headers))["items"]]


async def fail_payment(store: SqliteStore, order: dict[str, Any]) -> None:
    fail = "UPDATE orders SET payment_status = 'failed' WHERE id = :id"
    await store.write(lambda transaction: transaction.run(fail, id=order["id"]))


# --- Who is told what -------------------------------------------------------------------------------------------------


async def test_a_customer_is_told_of_each_state_in_words(client: Client) -> None:
    order = await client.place(CUSTOMER)
    await client.move(order, "processing")
    (item,) = (await of(client, CUSTOMER))["items"]
    assert item | {"id": "", "createdAt": ""} == {
        "id": "",
        "title": "Order accepted",
        "text": f"The shop is preparing order {order['number']}.",
        "titleBn": "অর্ডার গৃহীত",
        "textBn": f"দোকান অর্ডার {order['number']} প্রস্তুত করছে।",
        "link": f"/track/{order['id']}",
        "severity": "info",
        "orderId": order["id"],
        "createdAt": "",
        "readAt": None,
    }
    assert (await of(client, STRANGER))["items"] == []


async def test_nobody_is_told_what_they_did_themselves(client: Client, store: SqliteStore) -> None:
    order = await client.place(CUSTOMER)
    body = {"reason": "changed my mind", "version": 1}
    assert (await client.post(f"/api/orders/{order['id']}/cancel", body, CUSTOMER)).status_code == 200
    assert await titles(client, CUSTOMER) == []
    assert await titles(client, STORE) == ["Cancelled by the buyer"]
    await hire(store, "drv_a")
    await moved(client, await ready(client), "driver_assigned", by="drv_a")
    assert await titles(client, driver("drv_a")) == []


async def test_a_driver_is_told_what_is_given_and_taken(client: Client, store: SqliteStore) -> None:
    await hire(store, "drv_a")
    order = await given(client, await ready(client), "drv_a")
    assert await titles(client, driver("drv_a")) == ["A delivery for you"]
    await client.move(order, "ready_for_delivery", STORE, reason="a flat tyre")
    assert await titles(client, driver("drv_a")) == ["No longer yours", "A delivery for you"]


async def test_the_shop_is_told_of_deliveries_that_failed(client: Client, store: SqliteStore) -> None:
    await hire(store, "drv_a")
    order = await given(client, await ready(client), "drv_a")
    await moved(client, order, "picked_up", "in_transit", "delivery_failed", by="drv_a", reason="nobody at home")
    (item,) = (await of(client, STORE))["items"]
    assert (item["title"], item["severity"], item["orderId"]) == ("Delivery failed", "warning", order["id"])
    assert "attempt 1" in item["text"]


async def test_the_shop_is_told_of_payments_in_trouble_whoever_wrote_so(client: Client, store: SqliteStore) -> None:
    await fail_payment(store, await client.place())
    (item,) = (await of(client, STORE))["items"]
    assert (item["title"], item["severity"]) == ("Payment trouble", "error")


async def test_a_guest_has_none_to_keep(client: Client, store: SqliteStore) -> None:
    await client.move(await client.place(), "processing")
    kept = await store.read(lambda t: t.all("SELECT recipient FROM notifications"))
    assert kept == []


async def test_many_new_orders_are_told_once_and_none_twice(client: Client, store: SqliteStore) -> None:
    async def tell() -> bool:
        if not await store.read(notifications.has_new_orders):
            return False
        return await store.write(lambda t: notifications.notify_of_new_orders(t, NOW))

    await client.place()
    assert await tell() is False  # it was there before we began to tell
    orders = [await client.place() for _ in range(3)]
    assert await tell() is True
    assert await tell() is False
    answered = await client.place()
    await client.move(answered, "processing")
    assert await tell() is False
    (item,) = (await of(client, STORE))["items"]
    assert item["text"] == (f"3 new orders wait for an answer, {orders[0]['number']} to {orders[2]['number']}.")
    last = await client.place()
    assert await tell() is True
    assert (await of(client, STORE))["items"][0]["text"] == f"Order {last['number']} waits for an answer."


# --- Reading them -----------------------------------------------------------------------------------------------------


async def two_failures(client: Client, store: SqliteStore) -> list[str]:
    for _ in range(2):
        await fail_payment(store, await client.place())
    return [item["id"] for item in (await of(client, STORE))["items"]]


async def test_of_what_is_shared_each_reads_their_own(client: Client, store: SqliteStore) -> None:
    newer, older = await two_failures(client, store)
    seen = await client.post(f"/api/notifications/{older}/read", None, STORE)
    assert seen.json() == {"unread": 1}
    mine, theirs = await of(client, STORE), await of(client, COLLEAGUE)
    assert [(item["id"], item["readAt"] is None) for item in mine["items"]] == [(newer, True), (older, False)]
    assert (mine["unread"], theirs["unread"]) == (1, 2)
    unread = await of(client, STORE, "?unread=true")
    assert [item["id"] for item in unread["items"]] == [newer]


async def test_reading_again_changes_nothing(client: Client, store: SqliteStore) -> None:
    newer, _older = await two_failures(client, store)
    await client.post(f"/api/notifications/{newer}/read", None, STORE)
    first = (await of(client, STORE))["items"][0]["readAt"]
    assert (await client.post(f"/api/notifications/{newer}/read", None, STORE)).json() == {"unread": 1}
    assert (await of(client, STORE))["items"][0]["readAt"] == first


async def test_all_are_read_at_once(client: Client, store: SqliteStore) -> None:
    await two_failures(client, store)
    assert (await client.post("/api/notifications/read", None, STORE)).json() == {"unread": 0}
    assert ((await of(client, STORE))["unread"], (await of(client, COLLEAGUE))["unread"]) == (0, 2)


async def test_pages_go_on_where_the_last_ended(client: Client, store: SqliteStore) -> None:
    ids = await two_failures(client, store)
    first = await of(client, STORE, "?limit=1")
    assert ([item["id"] for item in first["items"]], first["unread"]) == (ids[:1], 2)
    second = await of(client, STORE, f"?limit=1&cursor={first['nextCursor']}")
    assert ([item["id"] for item in second["items"]], second["nextCursor"]) == (ids[1:], None)


async def keep(store: SqliteStore, count: int, recipient: str = "store") -> None:
    """As another program writes them."""
    many = """
        INSERT INTO notifications (recipient, kind, data)
          WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < :count)
          SELECT :recipient, 'assigned', json_object('number', i) FROM numbers
    """
    await store.write(lambda t: t.run(many, count=count, recipient=recipient))


async def pages(client: Client, query: str) -> list[list[str]]:
    """All of them, by their ids."""
    found, cursor = [], ""
    while True:
        page = await of(client, STORE, f"?{query}{cursor}")
        found.append([item["id"] for item in page["items"]])
        if page["nextCursor"] is None:
            return found
        cursor = f"&cursor={page['nextCursor']}"


async def test_more_than_a_thousand_are_told_as_more(client: Client, store: SqliteStore) -> None:
    await keep(store, 999)
    first = await of(client, STORE, "?limit=1")
    assert (first["unread"], "unreadMore" in first) == (999, False)
    await keep(store, 500)
    assert {"unread": 1000, "unreadMore": True}.items() <= (await of(client, STORE, "?limit=1")).items()
    seen = await client.post(f"/api/notifications/{first['items'][0]['id']}/read", None, STORE)
    assert seen.json() == {"unread": 999, "unreadMore": True}
    assert (await client.post("/api/notifications/read", None, STORE)).json() == {"unread": 0}
    await keep(store, 2)
    assert (await of(client, STORE))["unread"] == 2


async def test_what_is_told_after_all_was_read_is_unread_and_the_rest_stays_read_since_then(
    client: Client, store: SqliteStore
) -> None:
    newer, older = await two_failures(client, store)
    await client.post(f"/api/notifications/{older}/read", None, STORE)
    alone = (await of(client, STORE))["items"][1]["readAt"]
    await client.post("/api/notifications/read", None, STORE)
    together = (await of(client, STORE))["items"][0]["readAt"]
    await fail_payment(store, await client.place())
    items = (await of(client, STORE))["items"]
    assert [item["readAt"] for item in items] == [None, together, alone]
    assert [item["id"] for item in items[1:]] == [newer, older]
    await client.post("/api/notifications/read", None, STORE)
    assert [item["readAt"] for item in (await of(client, STORE))["items"]][1:] == [together, alone]


async def test_one_who_reads_all_again_leaves_no_second_mark(client: Client, store: SqliteStore) -> None:
    await two_failures(client, store)
    for _ in range(3):
        await client.post("/api/notifications/read", None, STORE)
    marks = await store.read(lambda t: t.all("SELECT recipient FROM notification_marks"))
    assert marks == [("store",)]


async def test_what_was_read_one_by_one_is_passed_by_in_pages_that_may_be_short(
    client: Client, store: SqliteStore
) -> None:
    await keep(store, 2_100)
    every = [*chain(*await pages(client, "limit=100"))]
    read = """
        INSERT INTO notification_reads (notification_id, user_id, recipient, entry)
          SELECT id, 'usr_1', recipient, entry FROM notifications WHERE entry % 700 <> 1
    """
    await store.write(lambda t: t.run(read))
    found = await pages(client, "unread=true&limit=100")
    assert [len(page) for page in found] == [1, 1, 1]
    assert [*chain(*found)] == [every[699], every[1399], every[2099]]


async def test_of_two_addressed_lists_one_page_is_made(client: Client, store: SqliteStore) -> None:
    for recipient in ["store", "usr_1", "usr_1", "store", "usr_2"]:
        await keep(store, 1, recipient)
    found = await pages(client, "limit=3")
    assert [len(page) for page in found] == [3, 1]
    assert await pages(client, "unread=true&limit=3") == found
    kept = await store.read(lambda t: t.all("SELECT id FROM notifications WHERE recipient <> 'usr_2' ORDER BY entry"))
    assert [*chain(*found)] == [id_ for (id_,) in reversed(kept)]


async def test_a_cursor_of_another_list_is_refused(client: Client) -> None:
    for cursor in ("ntf_01m8nxnfp3fyaza4xc27xkg0sa", "-1", "9" * 19, "1;2"):
        problem(await client.get(f"/api/notifications?cursor={cursor}", STORE), 422, "invalid-field", "cursor")


async def test_another_ones_notification_cannot_be_read(client: Client, store: SqliteStore) -> None:
    newer, _older = await two_failures(client, store)
    problem(await client.post(f"/api/notifications/{newer}/read", None, CUSTOMER), 404, "not-found")
    problem(await client.post("/api/notifications/ntf_nothing/read", None, STORE), 404, "not-found")
    problem(await client.get("/api/notifications", SERVICE), 403, "not-permitted")
    problem(await client.get("/api/notifications"), 401, "sign-in-required")


# --- Live, and later --------------------------------------------------------------------------------------------------


async def test_it_is_heard_by_the_one_it_is_for_and_marked_seen_by_a_socket(
    client: Client, store: SqliteStore, server: Server
) -> None:
    mine = await Phone.connected(server, token("customer", "cus_1"))
    others = [
        await Phone.connected(server, token("customer", "cus_2")),
        await Phone.connected(server, token("store")),
        await Phone.connected(server, token("driver", "drv_1")),
    ]
    order = await client.place(CUSTOMER)
    await client.move(order, "processing")
    ((told, offset),) = await mine.heard("notification")
    assert isinstance(offset, str)
    (kept,) = (await of(client, CUSTOMER))["items"]
    same = ("title", "text", "titleBn", "textBn", "link", "severity", "orderId")
    assert {name: told[name] for name in same} == {name: kept[name] for name in same}
    assert told["notificationId"] == kept["id"]
    await others[1].heard("orderStatusUpdated")
    assert [phone.events("notification") for phone in others] == [[], [], []]

    assert await mine.ask("mark_seen", {"notificationIds": [kept["id"]]}) == {"unread": 0}
    assert (await of(client, CUSTOMER))["items"][0]["readAt"] is not None
    assert (await mine.refused("mark_seen", {}))["field"] == "notificationIds"
    assert (await mine.refused("mark_seen", {"notificationIds": []}))["field"] == "notificationIds"
    assert (await others[1].refused("mark_seen", {"notificationIds": [kept["id"]]}))["code"] == "not_found"
    assert await others[1].ask("mark_seen", {"all": True}) == {"unread": 0}


@pytest.mark.parametrize("how", ["one", "all"])
@pytest.mark.parametrize(
    ("age_days", "is_read", "stays"), [(40, True, False), (20, True, True), (40, False, True), (400, False, False)]
)
async def test_what_was_read_is_forgotten_after_a_while_and_the_rest_after_a_year(  # noqa: PLR0917
    client: Client, store: SqliteStore, age_days: int, is_read: bool, stays: bool, how: str
) -> None:
    add = "INSERT INTO notifications (recipient, kind, data, created_at) VALUES ('cus_1', 'assigned', :data, :at)"
    at = timestamp(1_795_241_719_608 - age_days * 86_400_000)
    await store.write(lambda t: t.run(add, data='{"number":7}', at=at))
    (item,) = (await of(client, CUSTOMER))["items"]
    if is_read:
        which = f"{item['id']}/read" if how == "one" else "read"
        assert (await client.post(f"/api/notifications/{which}", None, CUSTOMER)).status_code == 200
    await store.write(lambda t: notifications.forget_old(t, 30, NOW))
    assert len((await of(client, CUSTOMER))["items"]) == stays
    reads = await store.read(lambda t: t.all("SELECT * FROM notification_reads"))
    assert len(reads) == (is_read and stays and how == "one")


async def test_what_is_old_and_unread_is_passed_by_once_in_a_round(client: Client, store: SqliteStore) -> None:
    old = "UPDATE notifications SET created_at = '2026-01-01T00:00:00.000Z'"
    await keep(store, 1_500, "cus_1")
    await store.write(lambda t: t.run(old))
    await keep(store, 1, "store")
    await store.write(lambda t: t.run(old))
    rounds = [await store.write(lambda t: notifications.forget_old(t, 30, NOW)) for _ in range(4)]
    assert rounds == [True, False, True, False]
    assert (await of(client, STORE))["items"] == []
    assert (await of(client, CUSTOMER))["unread"] == 1000


@pytest.mark.parametrize("role", ["customer", "driver"])
async def test_nobody_becomes_the_shop_by_being_called_so(client: Client, role: str) -> None:
    problem(await client.get("/api/notifications", bearer(token(role, "store"))), 403, "not-permitted")
