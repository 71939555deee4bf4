"""Messages that are changed, receipts that go on, and watches that miss nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.client import CUSTOMER, STORE, Client

from .conftest import Connect
from .phone import Phone
from .test_chat import opened, said


async def talk(client: Client, connect: Connect, *texts: str) -> tuple[str, Phone, Phone]:
    """A conversation in which the shop has written these; its customer, and the clerk."""
    conversation = await opened(client, await client.place(CUSTOMER))
    customer, clerk = await connect("customer", "cus_1"), await connect("store")
    for text in texts:
        await clerk.ask("send_message", said(conversation, text))
    return conversation, customer, clerk


# --- Receipts ---------------------------------------------------------------------------------------------------------


async def test_a_receipt_goes_forward_alone_and_is_told_to_both_sides(client: Client, connect: Connect) -> None:
    conversation, customer, clerk = await talk(client, connect, "one", "two", "three")
    at = {"conversationId": conversation}
    assert await customer.ask("mark_delivered", {**at, "position": 3}) == {
        **at, "participant": "customer", "delivered": 3, "seen": 0, "unread": 3,
    }  # fmt: skip
    for position, seen, unread in ((2, 2, 1), (1, 2, 1), (2, 2, 1), (0, 2, 1), (3, 3, 0)):
        receipt = await customer.ask("mark_seen", {**at, "position": position})
        assert receipt == {**at, "participant": "customer", "delivered": 3, "seen": seen, "unread": unread}
    for phone in (customer, clerk):
        told = [event for event, _offset in await phone.heard("seen", 3)]
        assert [(each["delivered"], each["seen"], each["unread"]) for each in told] == [(3, 0, 3), (3, 2, 1), (3, 3, 0)]
        assert {each["participant"] for each in told} == {"customer"}
    await clerk.ask("mark_seen", {**at, "position": 3})
    await clerk.heard("seen", 4)
    assert len(customer.events("seen")) == 4


async def test_who_of_the_shop_has_read_a_message_has_read_it_for_the_shop(client: Client, connect: Connect) -> None:
    conversation, customer, clerk = await talk(client, connect)
    await customer.ask("send_message", said(conversation, "Hello"))
    other = await connect("store", "usr_2")
    await other.ask("mark_seen", {"conversationId": conversation, "position": 1})
    receipt = await clerk.ask("mark_seen", {"conversationId": conversation, "position": 1})
    assert (receipt["participant"], receipt["seen"], receipt["unread"]) == ("store", 1, 0)
    await clerk.heard("seen")
    assert len(clerk.events("seen")) == 1


BAD_RECEIPTS: list[tuple[dict[str, Any], str]] = [
    ({"position": 3}, "position"),
    ({"position": -1}, "position"),
    ({"position": 1.5}, "position"),
    ({"position": 2**63}, "position"),
    ({}, "position"),
    ({"position": 1, "all": True}, "notificationIds"),
    ({"position": 1, "notificationIds": ["ntf_1"]}, "notificationIds"),
]


@pytest.mark.parametrize(("more", "field"), BAD_RECEIPTS, ids=[str(number) for number in range(len(BAD_RECEIPTS))])
async def test_a_receipt_for_what_is_not_there_is_refused_by_field(
    client: Client, connect: Connect, more: dict[str, Any], field: str
) -> None:
    conversation, customer, _ = await talk(client, connect, "one", "two")
    error = await customer.refused("mark_seen", {"conversationId": conversation, **more})
    assert (error["code"], error["field"]) == ("invalid_field", field)
    assert (await customer.refused("mark_seen", {"position": 1}))["field"] == "conversationId"


async def test_receipts_from_many_tabs_at_once_end_at_the_furthest(client: Client, connect: Connect) -> None:
    conversation, customer, _ = await talk(client, connect, *map(str, range(8)))
    tabs = [customer, *[await connect("customer", "cus_1") for _ in range(3)]]
    await asyncio.gather(
        *(
            tabs[number % 4].ask("mark_seen", {"conversationId": conversation, "position": position})
            for number, position in enumerate((5, 3, 8, 1, 2, 7, 4, 6))
        )
    )
    people = (await client.get(f"/api/conversations/{conversation}", CUSTOMER)).json()["participants"]
    assert {each["participant"]: (each["seen"], each["unread"]) for each in people} == {
        "customer": (8, 0), "store": (0, 0),
    }  # fmt: skip
    furthest = [event[1]["seen"] for event in customer.events("seen")]
    assert furthest == sorted({*furthest})


# --- Edits ------------------------------------------------------------------------------------------------------------


async def test_an_edit_and_a_deletion_are_told_and_leave_what_was_to_the_shop(client: Client, connect: Connect) -> None:
    conversation, customer, clerk = await talk(client, connect)
    message = await customer.ask("send_message", said(conversation, "I'd like too"))
    named = {"conversationId": conversation, "messageId": message["id"]}
    edited = await customer.ask("edit_message", {**named, "text": "I'd like two", "version": 1})
    assert (edited["text"], edited["version"], edited["position"]) == ("I'd like two", 2, 1)
    assert (await customer.refused("edit_message", {**named, "text": "x", "version": 1}))["code"] == "stale_version"
    assert await customer.ask("edit_message", {**named, "text": "I'd like two"}) == edited
    deleted = await customer.ask("delete_message", named)
    assert (deleted["text"], deleted["version"]) == ("", 3)
    assert await customer.ask("delete_message", named) == deleted
    assert (await customer.refused("edit_message", {**named, "text": "x"}))["code"] == "message_gone"
    for phone in (customer, clerk):
        told = [event for event, _ in await phone.heard("message_update", 2)]
        assert [(each["id"], each["version"], each["text"]) for each in told] == [
            (message["id"], 2, "I'd like two"), (message["id"], 3, ""),
        ]  # fmt: skip
    path = f"/api/conversations/{conversation}/messages"
    history = (await client.get(f"{path}/{message['id']}/history", STORE)).json()["items"]
    assert [(each["version"], each["formerText"], each["actor"]) for each in history] == [
        (1, "I'd like too", "customer:cus_1"), (2, "I'd like two", "customer:cus_1"),
    ]  # fmt: skip
    (shown,) = (await client.get(path, CUSTOMER)).json()["items"]
    assert shown == deleted


async def test_an_edit_that_is_sent_again_under_its_client_id_is_done_once(client: Client, connect: Connect) -> None:
    conversation, customer, _ = await talk(client, connect)
    message = await customer.ask("send_message", said(conversation, "Two"))
    named = {"conversationId": conversation, "messageId": message["id"]}
    edit = {**named, "text": "Three", "version": 1, "clientId": "edit-1"}
    edited = await customer.ask("edit_message", edit)
    assert await customer.ask("edit_message", edit) == edited
    later = await customer.ask("edit_message", {**named, "text": "Four", "clientId": "edit-2"})
    assert await customer.ask("edit_message", edit) == later
    assert later["version"] == 3
    reused = await customer.refused("edit_message", {**edit, "text": "Five"})
    assert reused["code"] == "idempotency_key_reused"
    deleted = await customer.ask("delete_message", {**named, "clientId": "gone"})
    assert await customer.ask("edit_message", edit) == deleted == await customer.ask("delete_message", named)


async def test_every_command_takes_a_client_id(client: Client, connect: Connect) -> None:
    conversation, customer, clerk = await talk(client, connect, "from the shop")
    order = await client.place(CUSTOMER)
    in_conversation = {"conversationId": conversation, "clientId": "a-1"}
    of_order = {"orderId": order["id"], "clientId": "a-1"}
    for phone, name, command in (
        (customer, "watch_conversation", in_conversation),
        (customer, "typing", in_conversation),
        (customer, "mark_delivered", {**in_conversation, "position": 1}),
        (customer, "mark_seen", {**in_conversation, "position": 1}),
        (clerk, "mark_seen", {"all": True, "clientId": "a-1"}),
        (customer, "unwatch_conversation", in_conversation),
        (customer, "watch_order", of_order),
        (customer, "unwatch_order", of_order),
        (clerk, "notice_received", {"orderIds": [order["id"]], "clientId": "a-1"}),
        (clerk, "notice_opened", of_order),
        (await connect("driver", "drv_1"), "driver_location", {"lat": 1.0, "lng": 1.0, "clientId": "a-1"}),
    ):
        first = await phone.ask(name, command)
        second = await phone.ask(name, command)
        if name not in {"watch_conversation", "watch_order", "driver_location"}:
            assert first == second, name
        assert (await phone.refused(name, {**command, "clientId": "a b"}))["field"] == "clientId"


async def test_one_changes_ones_own_and_the_shop_deletes_anybodys(client: Client, connect: Connect) -> None:
    conversation, customer, clerk = await talk(client, connect, "from the shop")
    mine = await customer.ask("send_message", said(conversation, "mine"))
    (theirs, _) = (await client.get(f"/api/conversations/{conversation}/messages", STORE)).json()["items"]
    of_shop, of_customer = ({"conversationId": conversation, "messageId": each["id"]} for each in (theirs, mine))
    other = await connect("store", "usr_2")
    for phone, named in ((customer, of_shop), (clerk, of_customer), (other, of_shop)):
        assert (await phone.refused("edit_message", {**named, "text": "x"}))["code"] == "not_permitted"
    assert (await customer.refused("delete_message", of_shop))["code"] == "not_permitted"
    assert (await other.ask("delete_message", of_customer))["deletedAt"]
    elsewhere = await opened(client, await client.place(CUSTOMER))
    error = await clerk.refused("delete_message", {**of_shop, "conversationId": elsewhere})
    assert error["code"] == "not_found"


# --- Watches ----------------------------------------------------------------------------------------------------------


async def test_a_watch_answers_the_newest_messages_and_the_next_follow_once(client: Client, connect: Connect) -> None:
    conversation, customer, clerk = await talk(client, connect, *map(str, range(60)))
    backend = await connect("service", "backend")
    for phone in (backend, customer, clerk):
        answer = await phone.ask("watch_conversation", {"conversationId": conversation})
        assert [each["position"] for each in answer["messages"]] == list(range(11, 61))
        assert (answer["nextBefore"], answer["conversation"]["lastPosition"]) == (11, 60)
    assert answer["conversation"]["you"] == "store"
    await customer.ask("send_message", said(conversation, "next"))
    for phone in (backend, customer, clerk):
        await phone.heard("message")
        assert [event[1]["position"] for event in phone.events("message")][-1] == 61
    assert len(backend.events("message")) == 1
    await backend.ask("unwatch_conversation", {"conversationId": conversation})
    await customer.ask("send_message", said(conversation, "unheard"))
    await clerk.heard("message", 62)
    assert len(backend.events("message")) == 1


async def test_a_watch_while_others_write_misses_nothing_and_doubles_nothing(client: Client, connect: Connect) -> None:
    conversation, _, clerk = await talk(client, connect)
    backends = [await connect("service", f"backend_{number}") for number in range(5)]

    async def watched(phone: Phone, after: int) -> list[int]:
        await clerk.heard("message", after)
        answer = await phone.ask("watch_conversation", {"conversationId": conversation})
        in_snapshot = [each["position"] for each in answer["messages"]]
        await phone.heard("message", 40 - len(in_snapshot))
        return in_snapshot + [event[1]["position"] for event in phone.events("message")]

    async def write() -> None:
        for number in range(40):
            await clerk.ask("send_message", said(conversation, str(number)))

    *seen, _ = await asyncio.gather(*(watched(phone, 7 * n) for n, phone in enumerate(backends)), write())
    assert seen == [list(range(1, 41))] * 5


async def test_a_trusted_back_end_is_in_the_room_again_when_it_comes_back(client: Client, connect: Connect) -> None:
    conversation, customer, _ = await talk(client, connect)
    backend = await connect("service", "backend")
    await backend.ask("watch_conversation", {"conversationId": conversation})
    await customer.ask("send_message", said(conversation, "one"))
    ((_, offset),) = await backend.heard("message")
    backend.lose()
    await customer.ask("send_message", said(conversation, "two"))
    back = await connect("service", "backend", pid=backend.answer["pid"], offset=offset)
    ((told, _),) = await back.heard("message")
    assert told["text"] == "two"
    assert back.answer["sid"] == backend.answer["sid"]
    await customer.ask("send_message", said(conversation, "three"))
    await back.heard("message", 2)
