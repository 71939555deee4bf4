from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn

import pytest

from ordercast.db import SqliteStore
from ordercast.hub import Server
from ordercast.sockets import watch_commands
from tests.api.client import CUSTOMER, Client

from .conftest import Connect
from .phone import Phone

CHANGES = ("orderStatusUpdated", "customer_order_update", "order_update", "payment_update")


async def test_a_watch_answers_the_order_and_its_position_and_changes_follow(client: Client, connect: Connect) -> None:
    order = await client.place()
    backend = await connect("service", "backend")
    answer = await backend.ask("watch_order", {"orderId": order["id"]})
    assert answer["order"]["id"] == order["id"]
    assert answer["order"]["status"] == "pending"
    assert answer["position"].endswith(":1")
    await client.move(order, "processing")
    ((told, _),) = await backend.heard("orderStatusUpdated")
    assert (told["orderId"], told["newStatus"], told["seq"]) == (order["id"], "processing", 2)


async def test_an_unwatched_order_is_not_heard_of_any_more(client: Client, connect: Connect) -> None:
    one, two = await client.place(), await client.place()
    backend = await connect("service", "backend")
    for order in (one, two):
        await backend.ask("watch_order", {"orderId": order["id"]})
    assert await backend.ask("unwatch_order", {"orderId": one["id"]}) == {"orderId": one["id"]}
    for order in (one, two):
        await client.move(order, "processing")
    ((told, _),) = await backend.heard("orderStatusUpdated")
    assert told["orderId"] == two["id"]


async def test_who_hears_of_all_orders_hears_of_a_watched_one_once(client: Client, connect: Connect) -> None:
    order, clerk = await client.place(), await connect("store")
    await clerk.ask("watch_order", {"orderId": order["id"]})
    await client.move(order, "processing")
    await client.place()
    await clerk.heard("newOrder")
    assert len(clerk.events("orderStatusUpdated")) == 1


async def test_buyers_watch_their_own_orders_and_are_told_what_buyers_are(client: Client, connect: Connect) -> None:
    order, guests = await client.place(CUSTOMER), await client.place()
    customer, guest = await connect("customer", "cus_1"), await connect(tracking=guests["trackingToken"])
    for phone, mine in ((customer, order), (guest, guests)):
        assert (await phone.ask("watch_order", {"orderId": mine["id"]}))["order"]["number"] == mine["number"]
        await client.move(mine, "processing")
        ((told, _),) = await phone.heard("customer_order_update")
        assert told["status"] == "processing"
    assert guest.events("orderStatusUpdated") == []
    # The token itself opened this room: unwatching does not close it.
    await guest.ask("unwatch_order", {"orderId": guests["id"]})
    await client.move({**guests, "version": 2}, "ready_for_delivery")
    await guest.heard("customer_order_update", 2)


async def test_nobody_watches_what_they_may_not_know_of(client: Client, connect: Connect) -> None:
    order, guests = await client.place(CUSTOMER), await client.place()
    strangers = [
        await connect("customer", "cus_2"),
        await connect("driver", "drv_1"),
        await connect(tracking=guests["trackingToken"]),
    ]
    for phone in strangers:
        assert (await phone.refused("watch_order", {"orderId": order["id"]}))["code"] == "not_found"
    assert (await (await connect()).refused("watch_order", {"orderId": order["id"]}))["code"] == "sign_in_required"
    clerk = await connect("store")
    assert (await clerk.refused("watch_order", {"orderId": "ord_nothing"}))["code"] == "not_found"
    assert (await clerk.refused("watch_order", {}))["field"] == "orderId"
    await client.move(order, "processing")
    await clerk.heard("orderStatusUpdated")
    assert [phone.events(*CHANGES) for phone in strangers] == [[], [], []]


async def test_a_socket_watches_a_bounded_number_of_orders(
    client: Client, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_commands, "WATCHES_MAX", 2)
    orders = [await client.place() for _ in range(3)]
    clerk = await connect("store")
    for order in orders[:2]:
        await clerk.ask("watch_order", {"orderId": order["id"]})
    assert (await clerk.refused("watch_order", {"orderId": orders[2]["id"]}))["code"] == "too_many_watches"
    await clerk.ask("watch_order", {"orderId": orders[0]["id"]})
    await clerk.ask("unwatch_order", {"orderId": orders[0]["id"]})
    await clerk.ask("watch_order", {"orderId": orders[2]["id"]})


def versions_from(phone: Phone, answer: dict[str, Any], order_id: str) -> list[int]:
    """The version of the snapshot, and of each change that was told behind it."""
    told = [version for text in phone.said if (version := _version(text, order_id)) is not None]
    return [answer["order"]["version"], *told]


def _version(text: str, order_id: str) -> int | None:
    if not text.startswith("2"):
        return None
    name, payload, *_ = json.loads(text[1:])
    return payload["version"] if name == "orderStatusUpdated" and payload["orderId"] == order_id else None


async def test_amid_a_storm_of_changes_none_is_missed_and_none_told_twice(
    client: Client, connect: Connect, store: SqliteStore
) -> None:
    """Watches begin at random moments of an order's life that goes on meanwhile."""
    order = await client.place()
    toggle = (
        "UPDATE orders SET status = CASE status WHEN 'pending' THEN 'on_hold' ELSE 'pending' END,"
        " held_from = CASE status WHEN 'pending' THEN 'pending' END WHERE id = :id"
    )
    changes = 150

    async def storm() -> None:
        for _ in range(changes):
            await store.write(lambda transaction: transaction.run(toggle, id=order["id"]))

    watchers = [await connect("service", f"backend-{number}") for number in range(8)]

    async def watch(number: int, phone: Phone) -> dict[str, Any]:
        await asyncio.sleep(0.004 * number)
        answer: dict[str, Any] = await phone.ask("watch_order", {"orderId": order["id"]})
        return answer

    raging = asyncio.create_task(storm())
    answers = await asyncio.gather(*(watch(number, phone) for number, phone in enumerate(watchers)))
    await raging
    for phone, answer in zip(watchers, answers, strict=True):
        first = answer["order"]["version"]
        await phone.heard("orderStatusUpdated", changes + 1 - first)
        assert versions_from(phone, answer, order["id"]) == list(range(first, changes + 2))


async def test_a_snapshot_that_grew_old_while_it_was_read_is_taken_again(
    client: Client, connect: Connect, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, other = await client.place(), await client.place()
    backend = await connect("service", "backend")
    read, reads = store.read, 0

    async def slow_read(query: Any) -> Any:
        nonlocal reads
        found = await read(query)
        reads += 1
        if reads == 1:
            await store.write(lambda t: t.run("UPDATE orders SET status = 'rejected' WHERE id = :id", id=order["id"]))
        elif reads == 2:
            await store.write(lambda t: t.run("UPDATE orders SET status = 'rejected' WHERE id = :id", id=other["id"]))
        return found

    monkeypatch.setattr(store, "read", slow_read)
    answer = await backend.ask("watch_order", {"orderId": order["id"]})
    assert answer["order"]["status"] == "rejected"
    assert reads == 2  # a change of another order takes no second look
    assert backend.events("orderStatusUpdated") == []


async def test_a_watch_is_taken_up_again_with_its_session_by_who_may(
    client: Client, connect: Connect, store: SqliteStore, server: Server
) -> None:
    order = await client.place()
    backend = await connect("service", "backend")
    await backend.ask("watch_order", {"orderId": order["id"]})
    pid = backend.answer["pid"]
    ((_, offset),) = await backend.heard("watching")
    while (kept := await store.load_session(pid)) is None or not kept.rooms:  # noqa: ASYNC110 - kept in its own time
        await asyncio.sleep(0.002)
    backend.lose()
    moved = (await client.move(order, "processing")).json()

    back = await connect("service", "backend", pid=pid, offset=offset)
    ((told, _),) = await back.heard("orderStatusUpdated")
    assert told["newStatus"] == "processing"
    await client.move(moved, "ready_for_delivery")
    await back.heard("orderStatusUpdated", 2)
    # Somebody else with the same pid gets nothing of it.
    other = await connect("driver", "drv_9", pid=pid, offset=offset)
    await other.heard("resync")
    assert all(
        "watch_order" not in room
        for socket in server.main.sockets.values()
        for room in socket.rooms
        if socket.identity == "driver:drv_9"
    )


async def test_the_offset_of_a_watch_spares_what_the_snapshot_shows(
    client: Client, connect: Connect, store: SqliteStore
) -> None:
    order = await client.place()
    backend = await connect("service", "backend")
    ((_, before),) = await backend.heard("ready")
    await client.move(order, "processing")
    await backend.ask("watch_order", {"orderId": order["id"]})
    ((told, offset),) = await backend.heard("watching")
    assert told == {"orderId": order["id"], "position": offset}
    assert offset != before
    pid = backend.answer["pid"]
    backend.lose()
    back = await connect("service", "backend", pid=pid, offset=offset)
    assert back.events(*CHANGES) == []


async def test_a_feed_that_cannot_be_read_refuses_the_watch_for_now(
    client: Client, connect: Connect, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await client.place()
    backend = await connect("service", "backend")
    monkeypatch.setattr("ordercast.feed.relay.WAIT_S_MAX", 0.0)

    def fails(*_: object) -> NoReturn:
        raise OSError("the disk is gone")

    monkeypatch.setattr(store, "changes", fails)
    await client.move(order, "processing")
    error = await backend.refused("watch_order", {"orderId": order["id"]})
    assert error["code"] == "store_unavailable"
