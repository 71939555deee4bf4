from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ordercast.db import SqliteStore
from tests.api.client import CUSTOMER, Client

from .conftest import Connect


async def test_a_status_changes_as_over_http_and_is_heard_from_the_feed(client: Client, connect: Connect) -> None:
    order, clerk, other = await client.place(), await connect("store"), await connect("store", "usr_2")
    moved = await clerk.ask("update_order_status", {"orderId": order["id"], "status": "accepted", "version": 1})
    assert (moved["status"], moved["version"]) == ("processing", 2)
    for phone in (clerk, other):
        ((told, _offset),) = await phone.heard("orderStatusUpdated")
        assert (told["newStatus"], told["actor"]) == ("processing", "store:usr_1")


async def test_a_stale_version_is_answered_with_the_state_and_the_next_ones(client: Client, connect: Connect) -> None:
    order, clerk = await client.place(), await connect("store")
    await client.move(order, "processing")
    error = await clerk.refused("update_order_status", {"orderId": order["id"], "status": "rejected", "version": 1})
    assert (error["code"], error["current"], error["version"]) == ("stale_version", "processing", 2)
    assert "ready_for_delivery" in error["allowed"]


WRONG: list[tuple[list[Any], str, str | None]] = [
    ([], "invalid_field", "orderId"),
    (["ord_1"], "invalid_field", None),
    ([{"orderId": "ord_1"}, 2], "invalid_field", None),
    ([{"orderId": 7, "status": "processing", "version": 1}], "invalid_field", "orderId"),
    ([{"orderId": "ord_\x00", "status": "processing", "version": 1}], "invalid_field", "orderId"),
    ([{"orderId": "ord_1", "status": "processing"}], "invalid_field", "version"),
    ([{"orderId": "ord_1", "status": "processing", "version": 0}], "invalid_field", "version"),
    ([{"orderId": "ord_1", "status": "processing", "version": 1.5}], "invalid_field", "version"),
    ([{"orderId": "ord_1", "status": "processing", "version": 1, "x": 1}], "invalid_field", "x"),
    ([{"orderId": "ord_1", "status": "processing", "version": 1, "clientId": ""}], "invalid_field", "clientId"),
    ([{"orderId": "ord_1", "status": "processing", "version": 1, "clientId": "a b"}], "invalid_field", "clientId"),
    (
        [{"orderId": "ord_1", "status": "rejected", "version": 1, "reason": "4111 1111 1111 1111"}],
        "card_number",
        "reason",
    ),
    ([{"orderId": "ord_1", "status": "processing", "version": 1}], "not_found", None),
]


@pytest.mark.parametrize(("args", "code", "field"), WRONG, ids=[str(number) for number in range(len(WRONG))])
async def test_bad_input_is_answered_by_field_and_closes_nothing(
    connect: Connect, args: list[Any], code: str, field: str | None
) -> None:
    clerk = await connect("store")
    error = await clerk.refused("update_order_status", *args)
    assert (error["code"], error.get("field")) == (code, field)
    assert (await clerk.answered(clerk.send("echo", 1))) == [1]


async def test_an_unknown_status_is_named(client: Client, connect: Connect) -> None:
    order, clerk = await client.place(), await connect("store")
    error = await clerk.refused("update_order_status", {"orderId": order["id"], "status": "eaten", "version": 1})
    assert (error["code"], error["field"]) == ("unknown_status", "status")


async def test_rights_are_those_of_http(client: Client, connect: Connect) -> None:
    order = await client.place(CUSTOMER)
    command = {"orderId": order["id"], "status": "processing", "version": 1}
    assert (await (await connect()).refused("update_order_status", command))["code"] == "sign_in_required"
    owner, stranger = await connect("customer", "cus_1"), await connect("customer", "cus_2")
    assert (await owner.refused("update_order_status", command))["code"] == "not_permitted"
    assert (await stranger.refused("update_order_status", command))["code"] == "not_found"
    guests = await client.place()
    guest = await connect(tracking=guests["trackingToken"])
    assert (await guest.refused("update_order_status", {**command, "orderId": guests["id"]}))["code"] == (
        "not_permitted"
    )


async def test_a_command_sent_again_under_its_client_id_is_done_once(
    client: Client, connect: Connect, store: SqliteStore
) -> None:
    order, clerk = await client.place(), await connect("store")
    command = {"orderId": order["id"], "status": "processing", "version": 1, "clientId": "c-1"}
    first = await clerk.ask("update_order_status", command)
    await clerk.ask("update_order_status", {"orderId": order["id"], "status": "ready_for_delivery", "version": 2})
    again = await (await connect("store")).ask("update_order_status", command)
    assert again == first
    assert store.last_seq == 3
    error = await clerk.refused("update_order_status", {**command, "status": "rejected"})
    assert error["code"] == "idempotency_key_reused"


async def test_a_client_id_is_its_senders_own(client: Client, connect: Connect) -> None:
    order, clerk, other = await client.place(), await connect("store"), await connect("store", "usr_2")
    command = {"orderId": order["id"], "status": "processing", "version": 1, "clientId": "c-1"}
    await clerk.ask("update_order_status", command)
    rejected = {**command, "status": "ready_for_delivery", "version": 2}
    assert (await other.ask("update_order_status", rejected))["status"] == "ready_for_delivery"


async def test_a_refused_command_may_be_tried_again_under_its_client_id(client: Client, connect: Connect) -> None:
    order, clerk = await client.place(), await connect("store")
    command = {"orderId": order["id"], "status": "processing", "clientId": "c-1"}
    assert (await clerk.refused("update_order_status", {**command, "version": 9}))["code"] == "stale_version"
    assert (await clerk.ask("update_order_status", {**command, "version": 1}))["version"] == 2


async def test_the_same_command_from_two_tabs_at_once_is_done_once(
    client: Client, connect: Connect, store: SqliteStore
) -> None:
    order = await client.place()
    tabs = [await connect("store") for _ in range(4)]
    command = {"orderId": order["id"], "status": "rejected", "version": 1, "clientId": "c-1"}
    answers = await asyncio.gather(*(tab.ask("update_order_status", command) for tab in tabs))
    assert all(answer == answers[0] for answer in answers)
    assert store.last_seq == 2
