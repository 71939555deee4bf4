"""Conversations that are open: who is present, who is typing, and who is let out when they take part no more."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.db import SqliteStore
from ordercast.feed import presence
from ordercast.sockets import conversation_commands
from tests.api.client import CUSTOMER, STORE, Client, bearer
from tests.api.drivers_at_work import given, hire, ready
from tests.waiting import until

from .conftest import Connect
from .phone import Phone


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "NOTIFY_EVERY_S", 0.0)


async def opened(client: Client, order: dict[str, Any]) -> str:
    answer = await client.post("/api/conversations", {"orderId": order["id"]}, STORE)
    id_: str = answer.json()["id"]
    return id_


async def watching(phone: Phone, conversation: str) -> dict[str, Any]:
    found: dict[str, Any] = await phone.ask("watch_conversation", {"conversationId": conversation})
    return found


def present(phone: Phone) -> set[str]:
    events = phone.events("participants")
    return {each["participant"] for each in events[-1][1]["participants"]} if events else set()


def typing(phone: Phone) -> list[tuple[str, bool]]:
    return [(event[1]["participant"], event[1]["typing"]) for event in phone.events("typing")]


async def test_a_buyer_who_is_kept_from_writing_amid_it_types_no_more_and_may_stop(
    client: Client, connect: Connect
) -> None:
    conversation = await opened(client, await client.place(CUSTOMER))
    clerk, customer = await connect("store"), await connect("customer", "cus_1")
    await customer.ask("typing", {"conversationId": conversation})
    await clerk.heard("typing")
    path = f"/api/conversations/{conversation}/block"
    assert (await client.http.put(path, json={"reason": "Threats"}, headers=STORE)).status_code == 200
    refused = await customer.refused("typing", {"conversationId": conversation})
    assert (refused["code"], "Threats" in refused["message"]) == ("blocked", True)
    await customer.ask("typing", {"conversationId": conversation, "typing": False})
    await until(lambda: typing(clerk) == [("customer", True), ("customer", False)])
    assert (await client.http.delete(path, headers=STORE)).status_code == 200
    await customer.ask("typing", {"conversationId": conversation})
    await until(lambda: typing(clerk)[-1] == ("customer", True))


async def test_who_opens_a_conversation_is_told_who_is_there_and_the_others_that_they_came(
    client: Client, connect: Connect
) -> None:
    conversation = await opened(client, await client.place(CUSTOMER))
    clerk, customer = await connect("store"), await connect("customer", "cus_1")
    first = await watching(clerk, conversation)
    assert [each["present"] for each in first["conversation"]["participants"]] == [False, False]
    await until(lambda: present(clerk) == {"store"})

    answer = await watching(customer, conversation)
    shown = {each["participant"]: each["present"] for each in answer["conversation"]["participants"]}
    assert (shown["store"], answer["conversation"]["you"]) == (True, "customer")
    ((told, offset),) = await customer.heard("watching")
    assert told == {"conversationId": conversation, "position": offset} == {**told, "position": answer["position"]}

    await until(lambda: present(clerk) == {"store", "customer"} == present(customer))
    assert clerk.events("participants")[-1][1] == {
        "conversationId": conversation, "joined": ["customer"], "left": [], "count": 2,
        "participants": [
            {"participant": "store", "role": "store", "people": 1},
            {"participant": "customer", "role": "customer", "people": 1},
        ],
    }  # fmt: skip
    await customer.ask("unwatch_conversation", {"conversationId": conversation})
    await until(lambda: present(clerk) == {"store"})


async def test_who_takes_no_part_cannot_open_it_nor_type_in_it(client: Client, connect: Connect) -> None:
    conversation = await opened(client, await client.place(CUSTOMER))
    for phone in (await connect("customer", "cus_2"), await connect("driver", "drv_1")):
        for command in ("watch_conversation", "typing"):
            error = await phone.refused(command, {"conversationId": conversation})
            assert error["code"] == "not_found"
    assert (await (await connect()).refused("typing", {"conversationId": conversation}))["code"] == "sign_in_required"


async def test_who_may_take_part_no_more_is_let_out(client: Client, connect: Connect, store: SqliteStore) -> None:
    await hire(store, "drv_1")
    order = await given(client, await ready(client, CUSTOMER), "drv_1")
    conversation = await opened(client, order)
    clerk, driver = await connect("store"), await connect("driver", "drv_1")
    await watching(clerk, conversation)
    await watching(driver, conversation)
    await until(lambda: present(clerk) == {"store", "driver:drv_1"})
    assert (await client.move(order, "ready_for_delivery", STORE, reason="A flat tyre")).status_code == 200
    await until(lambda: present(clerk) == {"store"})
    assert (await driver.refused("typing", {"conversationId": conversation}))["code"] == "not_found"


async def test_typing_is_heard_by_all_who_take_part_but_the_sender(client: Client, connect: Connect) -> None:
    order = await client.place(CUSTOMER)
    conversation = await opened(client, order)
    clerk, customer = await connect("store"), await connect("customer", "cus_1")
    tablet, stranger = await connect("customer", "cus_1"), await connect("customer", "cus_2")

    # Nobody of the shop has it open: all of them are told.
    assert await customer.ask("typing", {"conversationId": conversation}) == {"typing": True}
    await clerk.heard("typing")
    await tablet.heard("typing")
    await customer.ask("typing", {"conversationId": conversation, "typing": False})
    await clerk.heard("typing", 2)
    assert typing(clerk) == [("customer", True), ("customer", False)] == typing(tablet)

    # One has: those who have not are told no more.
    await clerk.ask("typing", {"conversationId": conversation, "typing": True})
    elsewhere = await connect("store", "usr_2")
    await customer.heard("typing")
    await customer.ask("typing", {"conversationId": conversation})
    await clerk.heard("typing", 3)
    assert typing(customer) == [("store", True)]
    assert [typing(phone) for phone in (stranger, elsewhere)] == [[], []]
    customer.lose()
    await clerk.heard("typing", 4)
    assert typing(clerk)[2:] == [("customer", True), ("customer", False)]


async def test_a_guest_takes_part_by_the_order_s_link(client: Client, connect: Connect) -> None:
    order = await client.place()
    conversation = await opened(client, order)
    clerk, guest = await connect("store"), await connect(tracking=order["trackingToken"])
    await watching(clerk, conversation)
    await watching(guest, conversation)
    await until(lambda: present(clerk) == {"store", "customer"})
    found = await client.get(f"/api/conversations/{conversation}", bearer(order["trackingToken"]))
    assert {each["participant"] for each in found.json()["participants"]} >= {"store"}


async def test_what_is_open_is_bounded(client: Client, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation_commands, "OPEN_MAX", 1)
    first, second = [await opened(client, await client.place(CUSTOMER)) for _ in range(2)]
    clerk = await connect("store")
    for _ in range(2):
        await watching(clerk, first)
    for command in ("watch_conversation", "typing"):
        assert (await clerk.refused(command, {"conversationId": second}))["code"] == "too_many_watches"
    await clerk.ask("unwatch_conversation", {"conversationId": first})
    await watching(clerk, second)


@pytest.mark.parametrize(
    ("command", "field"),
    [
        ({}, "conversationId"),
        ({"conversationId": 1}, "conversationId"),
        ({"conversationId": "cnv_1", "typing": "yes"}, "typing"),
        ({"conversationId": "cnv_1", "typing": None}, "typing"),
        ({"conversationId": "cnv_1", "text": "x"}, "text"),
    ],
)
async def test_a_wrong_command_is_named(connect: Connect, command: dict[str, Any], field: str) -> None:
    error = await (await connect("store")).refused("typing", command)
    assert (error["code"], error["field"]) == ("invalid_field", field)
