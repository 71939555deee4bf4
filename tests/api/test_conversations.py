"""Conversations over HTTP: opened once, listed by their last message, paged both ways, forgotten with who wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ordercast.db import SqliteStore

from .client import CUSTOMER, DRIVER, SERVICE, STORE, STRANGER, Client, bearer, problem, signed_in
from .drivers_at_work import given, hire, ready

ADMIN = signed_in("admin", "usr_admin")


async def opened(client: Client, body: dict[str, Any], headers: Mapping[str, str] = STORE) -> dict[str, Any]:
    answer = await client.post("/api/conversations", body, headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def write(client: Client, conversation: str, text: str, headers: Mapping[str, str] = STORE) -> dict[str, Any]:
    answer = await client.post(f"/api/conversations/{conversation}/messages", {"text": text}, headers)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_conversation_is_opened_once_and_shows_who_takes_part(client: Client) -> None:
    order = await client.place(CUSTOMER)
    one = await opened(client, {"orderId": order["id"]}, CUSTOMER)
    two = await opened(client, {"orderId": order["id"]})
    assert (one["id"], one["you"], two["you"]) == (two["id"], "customer", "store")
    assert (one["about"], one["orderId"], one["bookingId"], one["customerId"]) == ("order", order["id"], None, "cus_1")
    assert one["participants"] == [
        {"participant": "customer", "role": "customer", "id": "cus_1", "name": "Asha Rahman", "delivered": 0, "seen": 0,
         "unread": 0, "present": False},
        {"participant": "store", "role": "store", "id": None, "name": None, "delivered": 0, "seen": 0, "unread": 0,
         "present": False},
    ]  # fmt: skip


async def test_who_holds_a_link_or_drives_is_not_told_more_of_the_customer_than_they_need(
    client: Client, store: SqliteStore
) -> None:
    guests = await client.place()
    by_link = await opened(client, {"orderId": guests["id"]}, bearer(guests["trackingToken"]))
    assert by_link["customerId"] is None
    assert (by_link["participants"][0]["id"], by_link["participants"][0]["name"]) == (None, None)
    await hire(store, "drv_1")
    order = await given(client, await ready(client), "drv_1")
    for_driver = await opened(client, {"orderId": order["id"]}, DRIVER)
    people = {each["participant"]: (each["id"], each["name"]) for each in for_driver["participants"]}
    assert people == {"customer": (None, "Asha Rahman"), "driver:drv_1": ("drv_1", "1"), "store": (None, None)}


async def test_a_conversation_names_one_thing_that_the_asker_may_know_of(client: Client) -> None:
    order, guests = await client.place(CUSTOMER), await client.place()
    for body in ({}, {"orderId": order["id"], "customerId": "cus_1"}):
        problem(await client.post("/api/conversations", body, STORE), 422, "invalid-field", "orderId")
    for headers in (STRANGER, DRIVER, bearer(guests["trackingToken"])):
        problem(await client.post("/api/conversations", {"orderId": order["id"]}, headers), 404, "not-found")
    problem(await client.post("/api/conversations", {"orderId": order["id"]}), 401, "sign-in-required")
    problem(await client.post("/api/conversations", {"orderId": "ord_none"}, STORE), 404, "not-found")
    problem(await client.post("/api/conversations", {"customerId": "cus_1"}, CUSTOMER), 403, "not-permitted")
    problem(await client.post("/api/conversations", {"customerId": "cus_none"}, STORE), 404, "not-found")
    assert (await opened(client, {"customerId": "cus_1"}))["about"] == "customer"


async def test_conversations_are_listed_by_their_last_message_with_what_is_unread(client: Client) -> None:
    orders = [await client.place(CUSTOMER) for _ in range(3)]
    ids = [(await opened(client, {"orderId": order["id"]}))["id"] for order in orders]
    for number in (2, 0, 1, 0):
        await write(client, ids[number], f"to {number}")
    await write(client, ids[1], "an answer", CUSTOMER)
    listed = (await client.get("/api/conversations", CUSTOMER)).json()
    assert [each["id"] for each in listed["items"]] == [ids[1], ids[0], ids[2]]
    assert [each["unread"] for each in listed["items"]] == [1, 2, 1]
    assert [each["lastMessage"]["text"] for each in listed["items"]] == ["an answer", "to 0", "to 2"]
    assert (listed["unread"], listed["nextCursor"]) == (4, None)
    shops = (await client.get("/api/conversations?unread=true", STORE)).json()
    assert [(each["id"], each["unread"], each["customerName"]) for each in shops["items"]] == [
        (ids[1], 1, "Asha Rahman")
    ]
    assert shops["unread"] == 1
    assert (await client.get("/api/conversations", STRANGER)).json()["items"] == []
    assert len((await client.get("/api/conversations", SERVICE)).json()["items"]) == 3


async def test_a_list_is_paged_to_its_end_each_once(client: Client) -> None:
    ids = [(await opened(client, {"orderId": (await client.place())["id"]}))["id"] for _ in range(7)]
    seen: list[str] = []
    cursor = ""
    for _ in range(4):
        page = (await client.get(f"/api/conversations?limit=2{cursor}", STORE)).json()
        seen += [each["id"] for each in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert sorted(seen) == sorted(ids)
    assert page["nextCursor"] is None
    for bad in ("x", "~", "a~", "%00~b", "x" * 400):
        problem(await client.get(f"/api/conversations?cursor={bad}", STORE), 422, "invalid-field", "cursor")


async def test_messages_are_paged_both_ways_without_a_gap(client: Client) -> None:
    conversation = (await opened(client, {"orderId": (await client.place(CUSTOMER))["id"]}))["id"]
    for number in range(7):
        await write(client, conversation, str(number))
    path = f"/api/conversations/{conversation}/messages?limit=3"

    async def page(more: str = "") -> tuple[list[int], int | None, int | None]:
        found = (await client.get(path + more, CUSTOMER)).json()
        return [each["position"] for each in found["items"]], found["nextBefore"], found["nextAfter"]

    assert await page() == ([5, 6, 7], 5, None)
    assert await page("&before=5") == ([2, 3, 4], 2, 4)
    assert await page("&before=2") == ([1], None, 1)
    assert await page("&before=1") == ([], None, 0)
    assert await page("&after=0") == ([1, 2, 3], None, 3)
    assert await page("&after=3") == ([4, 5, 6], 4, 6)
    assert await page("&after=6") == ([7], 7, None)
    assert await page("&after=7") == ([], None, None)
    assert await page("&after=900") == ([], None, None)
    assert await page("&before=900") == ([5, 6, 7], 5, None)
    for bad in ("before=-1", "after=x", "before=1.5", f"after={10**30}", "limit=0", "limit=101"):
        field = bad.partition("=")[0]
        answer = await client.get(f"/api/conversations/{conversation}/messages?{bad}", CUSTOMER)
        problem(answer, 422, "invalid-field", field)


async def test_a_message_is_written_once_under_an_idempotency_key(client: Client) -> None:
    conversation = (await opened(client, {"orderId": (await client.place(CUSTOMER))["id"]}))["id"]
    path, headers = f"/api/conversations/{conversation}/messages", {**CUSTOMER, "Idempotency-Key": "k-1"}
    first, again = [await client.post(path, {"text": "Hello"}, headers) for _ in range(2)]
    assert (first.json(), again.headers.get("idempotency-replayed")) == (again.json(), "true")
    problem(await client.post(path, {"text": "Bye"}, headers), 422, "idempotency-key-reused")
    assert len((await client.get(path, CUSTOMER)).json()["items"]) == 1


async def test_what_a_customer_wrote_and_was_written_is_exported_and_erased_with_them(
    client: Client, store: SqliteStore
) -> None:
    order = await client.place(CUSTOMER)
    conversation = (await opened(client, {"orderId": order["id"]}))["id"]
    sent = await client.post(
        f"/api/conversations/{conversation}/messages", {"text": "I live by the lake", "clientId": "c"}, CUSTOMER
    )
    message = sent.json()
    await client.http.patch(
        f"/api/conversations/{conversation}/messages/{message['id']}",
        json={"text": "I live by the sea"},
        headers=CUSTOMER,
    )
    await write(client, conversation, "By the sea, Mrs Rahman?")
    await client.post(f"/api/conversations/{conversation}/seen", {"position": 2}, CUSTOMER)
    await write(client, (await opened(client, {"orderId": (await client.place(STRANGER))["id"]}))["id"], "Not theirs")

    data = (await client.get("/api/customers/cus_1/export", ADMIN)).json()["data"]
    assert [each["text"] for each in data["messages"]] == ["I live by the sea", "By the sea, Mrs Rahman?"]
    assert [each["formerText"] for each in data["messageHistory"]] == ["I live by the lake"]
    assert [each["seen"] for each in data["conversationParticipants"]] == [2]
    assert [each["subjectId"] for each in data["conversations"]] == [order["id"]]

    await client.post(f"/api/orders/{order['id']}/cancel", {"reason": "Not today"}, CUSTOMER)
    erased = await client.post("/api/customers/cus_1/erase", {}, ADMIN)
    assert erased.status_code == 200, erased.text
    dump = await store.read(
        lambda transaction: [
            transaction.all(f"SELECT * FROM {table}")
            for table in ("messages", "message_history", "conversation_participants", "feed", "idempotency")
        ]
    )
    for trace in ("by the lake", "by the sea", "By the sea"):
        assert trace not in str(dump)
    assert "Not theirs" in str(dump)
    page = (await client.get(f"/api/conversations/{conversation}/messages", STORE)).json()
    assert [(each["position"], each["text"]) for each in page["items"]] == [(1, "[erased]"), (2, "[erased]")]
    assert (await client.post("/api/customers/cus_1/erase", {}, ADMIN)).status_code == 200
