"""Conversations over sockets: written once, in one order, heard by those who take part and by nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ordercast.db import SqliteStore
from tests.api.client import CUSTOMER, DRIVER, SERVICE, STORE, Client, bearer
from tests.api.drivers_at_work import given, hire, ready

from .conftest import Connect


async def opened(client: Client, order: dict[str, Any]) -> str:
    answer = await client.post("/api/conversations", {"orderId": order["id"]}, STORE)
    assert answer.status_code == 200, answer.text
    id_: str = answer.json()["id"]
    return id_


def said(conversation: str, text: str, **more: Any) -> dict[str, Any]:
    return {"conversationId": conversation, "text": text, **more}


async def test_a_message_is_acknowledged_with_its_position_and_heard_by_both_sides_once(
    client: Client, connect: Connect
) -> None:
    conversation = await opened(client, await client.place(CUSTOMER))
    customer, clerk, other = await connect("customer", "cus_1"), await connect("store"), await connect("store", "usr_2")
    asked = await customer.ask("send_message", said(conversation, "Is it\nready?", clientId="a"))
    assert (asked["position"], asked["text"], asked["clientId"]) == (1, "Is it\nready?", "a")
    assert asked["sender"] == {"participant": "customer", "role": "customer"}
    answered = await clerk.ask("send_message", said(conversation, "In an hour"))
    assert answered["position"] == 2
    for phone in (customer, clerk, other):
        (first, offset), (second, _) = await phone.heard("message", 2)
        assert first == {**asked, "seq": first["seq"], "at": asked["createdAt"]}
        assert offset.endswith(f":{first['seq']}")
        assert (second["id"], second["position"], second["sender"]["role"]) == (answered["id"], 2, "store")


async def test_a_guest_talks_by_their_tracking_token_and_a_driver_while_they_have_the_order(
    client: Client, connect: Connect, store: SqliteStore
) -> None:
    await hire(store, "drv_1")
    guests = await client.place()
    conversation = await opened(client, guests)
    guest = await connect(tracking=guests["trackingToken"])
    await guest.ask("send_message", said(conversation, "Hello"))
    ((heard, _),) = await guest.heard("message")
    assert heard["sender"] == {"participant": "customer", "role": "customer"}

    order = await ready(client, CUSTOMER)
    talk, driver = await opened(client, order), await connect("driver", "drv_1")
    assert (await driver.refused("send_message", said(talk, "Hello")))["code"] == "not_found"
    held = await given(client, order, "drv_1")
    said_first = await driver.ask("send_message", said(talk, "On my way"))
    assert said_first["sender"] == {"participant": "driver:drv_1", "role": "driver"}
    await driver.heard("message")
    assert (await client.move(held, "ready_for_delivery", reason="A flat tyre")).status_code == 200
    assert (await driver.refused("send_message", said(talk, "Hello")))["code"] == "not_found"
    customer = await connect("customer", "cus_1")
    await customer.ask("send_message", said(talk, "Where are you?"))
    await customer.heard("message")
    assert len(driver.events("message")) == 1


async def test_nobody_hears_or_writes_where_they_take_no_part(client: Client, connect: Connect) -> None:
    conversation = await opened(client, await client.place(CUSTOMER))
    others = await client.place()
    strangers = [
        await connect("customer", "cus_2"),
        await connect("driver", "drv_1"),
        await connect(tracking=others["trackingToken"]),
    ]
    for phone in strangers:
        assert (await phone.refused("send_message", said(conversation, "Hello")))["code"] == "not_found"
    nobody = await connect()
    assert (await nobody.refused("send_message", said(conversation, "Hello")))["code"] == "sign_in_required"
    customer = await connect("customer", "cus_1")
    await customer.ask("send_message", said(conversation, "Hello"))
    await customer.heard("message")
    assert [phone.events("message") for phone in (*strangers, nobody)] == [[], [], [], []]


async def test_a_message_sent_again_under_its_client_id_is_answered_as_the_first_time_and_written_once(
    client: Client, connect: Connect
) -> None:
    conversation = await opened(client, await client.place(CUSTOMER))
    tabs = [await connect("customer", "cus_1") for _ in range(4)]
    command = said(conversation, "Hello", clientId="c-1")
    answers = await asyncio.gather(*(tab.ask("send_message", command) for tab in tabs))
    assert all(answer == answers[0] for answer in answers)
    under_its_other_name = await tabs[0].ask("send_message", said(conversation, "Hello", id="c-1"))
    assert under_its_other_name == answers[0]
    over_http = await client.post(
        f"/api/conversations/{conversation}/messages", {"text": "Hello", "clientId": "c-1"}, CUSTOMER
    )
    assert over_http.json() == answers[0]
    assert over_http.headers["idempotency-replayed"] == "true"
    assert (await tabs[0].refused("send_message", {**command, "text": "Bye"}))["code"] == "idempotency_key_reused"
    others = await opened(client, await client.place(CUSTOMER))
    error = await tabs[0].refused("send_message", {**command, "conversationId": others})
    assert error["code"] == "idempotency_key_reused"
    # A client id is its sender's own.
    assert (await (await connect("store")).ask("send_message", command))["position"] == 2


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"text": "Hello"}, "invalid_field", "conversationId"),
    ({"conversationId": "", "text": "Hello"}, "invalid_field", "conversationId"),
    ({"conversationId": 7, "text": "Hello"}, "invalid_field", "conversationId"),
    ({"conversationId": "cnv_1"}, "invalid_field", "text"),
    ({"conversationId": "cnv_1", "text": ""}, "invalid_field", "text"),
    ({"conversationId": "cnv_1", "text": " \n\t "}, "invalid_field", "text"),
    ({"conversationId": "cnv_1", "text": "\u200d"}, "invalid_field", "text"),
    ({"conversationId": "cnv_1", "text": "a\x00b"}, "invalid_field", "text"),
    ({"conversationId": "cnv_1", "text": "a\x1bb"}, "invalid_field", "text"),
    ({"conversationId": "cnv_1", "text": "a\u202eb"}, "invalid_field", "text"),
    ({"conversationId": "cnv_1", "text": "x" * 2_001}, "invalid_field", "text"),
    ({"conversationId": "cnv_1", "text": "4111 1111\n1111 1111"}, "card_number", "text"),
    ({"conversationId": "cnv_1", "text": 5}, "invalid_field", "text"),
    ({"conversationId": "cnv_1", "text": "a", "clientId": "a b"}, "invalid_field", "clientId"),
    ({"conversationId": "cnv_1", "text": "a", "id": ""}, "invalid_field", "id"),
    ({"conversationId": "cnv_1", "text": "a", "other": 1}, "invalid_field", "other"),
]


@pytest.mark.parametrize(("command", "code", "field"), WRONG, ids=[str(number) for number in range(len(WRONG))])
async def test_bad_input_is_answered_by_field_and_closes_nothing(
    connect: Connect, command: dict[str, Any], code: str, field: str
) -> None:
    clerk = await connect("store")
    error = await clerk.refused("send_message", command)
    assert (error["code"], error.get("field")) == (code, field)
    assert (await clerk.answered(clerk.send("echo", 1))) == [1]


async def test_every_script_and_the_longest_text_come_back_as_they_were_sent(client: Client, connect: Connect) -> None:
    conversation, clerk = await opened(client, await client.place()), await connect("store")
    for text in ("আশা রহমান 🛵", "👩‍👩‍👧", "🛵" * 2_000, "one\n\ttwo", "half \ud83d"):
        written = await clerk.ask("send_message", said(conversation, text))
        assert written["text"] == text.replace("\ud83d", "\ufffd")


async def test_a_client_that_comes_back_hears_what_was_written_meanwhile_once_and_in_order(
    client: Client, connect: Connect
) -> None:
    conversation, clerk = await opened(client, await client.place(CUSTOMER)), await connect("store")
    customer = await connect("customer", "cus_1")
    await clerk.ask("send_message", said(conversation, "one"))
    ((_, offset),) = await customer.heard("message")
    customer.lose()
    for text in ("two", "three", "four"):
        await clerk.ask("send_message", said(conversation, text))
    back = await connect("customer", "cus_1", offset=offset)
    heard = await back.heard("message", 3)
    await clerk.ask("send_message", said(conversation, "five"))
    heard = await back.heard("message", 4)
    assert [message["text"] for message, _ in heard] == ["two", "three", "four", "five"]
    assert [message["position"] for message, _ in heard] == [2, 3, 4, 5]


async def test_a_page_and_what_is_heard_from_its_position_on_are_the_conversation_once(
    client: Client, connect: Connect
) -> None:
    conversation, clerk = await opened(client, await client.place(CUSTOMER)), await connect("store")
    for number in range(5):
        await clerk.ask("send_message", said(conversation, f"text {number}"))
    page = (await client.get(f"/api/conversations/{conversation}/messages?limit=3", CUSTOMER)).json()
    assert [each["position"] for each in page["items"]] == [3, 4, 5]
    assert (page["nextBefore"], page["nextAfter"]) == (3, None)
    await clerk.ask("send_message", said(conversation, "meanwhile"))
    customer = await connect("customer", "cus_1", offset=page["position"])
    ((heard, _),) = await customer.heard("message")
    await clerk.ask("send_message", said(conversation, "now"))
    await customer.heard("message", 2)
    positions = [each["position"] for each in page["items"]] + [
        event[1]["position"] for event in customer.events("message")
    ]
    assert positions == [3, 4, 5, 6, 7]
    assert heard["text"] == "meanwhile"


async def test_a_trusted_back_end_writes_for_the_shop(client: Client, connect: Connect) -> None:
    order = await client.place()
    conversation = await opened(client, order)
    answer = await client.post(f"/api/conversations/{conversation}/messages", {"text": "Your code is 42"}, SERVICE)
    assert (answer.status_code, answer.json()["sender"]["participant"]) == (201, "store")
    page = await client.get(f"/api/conversations/{conversation}/messages", bearer(order["trackingToken"]))
    assert [each["text"] for each in page.json()["items"]] == ["Your code is 42"]
    assert (await client.get(f"/api/conversations/{conversation}/messages", DRIVER)).status_code == 404
