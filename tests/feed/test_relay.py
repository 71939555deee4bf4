from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.waiting import until

from ordercast.db import SqliteStore
from ordercast.feed import relay as relay_module

from .conftest import PLACE, Line, Node

Outside = Callable[..., None]


async def admin(node: Node, **auth: Any) -> Line:
    line = node.line()
    line.connect(token="store:1", **auth)
    await until(lambda: line.heard("ready"))
    return line


async def test_an_order_written_by_another_program_is_told_to_the_store(node: Node, outside: Outside) -> None:
    line = await admin(node)

    outside(PLACE, "ord_1", "cus_1")
    await until(lambda: line.heard("newOrder"))

    ((_, payload, offset),) = line.heard("new_order")
    assert payload["order"]["customerName"] == "Asha Rahman"
    assert offset == f"{node.relay.position.epoch}:1.0"


async def test_what_rolled_back_is_never_told(node: Node, store: SqliteStore, outside: Outside) -> None:
    line = await admin(node)

    def place_and_fail(transaction: Any) -> None:
        transaction.run("INSERT INTO orders (id) VALUES ('ord_lost')")
        raise RuntimeError("no")

    try:
        await store.write(place_and_fail)
    except RuntimeError:
        outside(PLACE, "ord_kept", "cus_1")
    await until(lambda: line.heard("newOrder"))

    assert [event[1]["id"] for event in line.heard("newOrder")] == ["ord_kept"]


async def test_events_of_a_customer_reach_that_customer_alone(node: Node, outside: Outside) -> None:
    store = await admin(node)
    asha, other, nobody = node.line(), node.line(), node.line()
    asha.connect(token="customer_cus_1")
    other.connect(token="customer_cus_2")
    nobody.connect()
    await until(lambda: all(line.texts() for line in (asha, other, nobody)))

    outside(PLACE, "ord_1", "cus_1")
    await until(lambda: store.heard("newOrder"))

    assert [event[0] for event in asha.events()] == ["ready", "customer_order_update"]
    assert [event[0] for event in other.events()] == ["ready"]
    assert nobody.events() == []


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        ("order.placed", "{}"),
        ("order.placed", "not JSON"),
        ("event.published", '{"event": "x", "rooms": ["store-owners"], "args": 5}'),
        ("event.published", '{"event": "disconnect", "rooms": ["store-owners"], "args": []}'),
        ("event.published", '{"event": 7, "rooms": 7, "args": []}'),
    ],
)
async def test_a_row_that_cannot_be_told_stops_neither_those_behind_it_nor_a_replay(
    node: Node, outside: Outside, kind: str, after: str
) -> None:
    line = await admin(node)

    statement = "INSERT INTO feed (kind, entity_id, version, actor, at, after) VALUES (?, 'x', 1, 'a', ?, ?)"
    outside(statement, kind, "2026-11-21T06:15:19.608Z", after)
    outside(PLACE, "ord_1", "cus_1")
    await until(lambda: line.heard("newOrder"))
    returned = await admin(node, offset=line.events()[0][-1])

    for listener in (line, returned):
        assert [event[1]["id"] for event in listener.heard("newOrder")] == ["ord_1"]


async def test_more_rows_than_a_batch_are_all_told_in_order(node: Node, store: SqliteStore) -> None:
    line = await admin(node)
    count = relay_module.BATCH_ROWS * 2 + 3

    def place_many(transaction: Any) -> None:
        for number in range(count):
            transaction.run("INSERT INTO orders (id, customer_name) VALUES (:id, 'x')", id=f"ord_{number}")

    await store.write(place_many)
    await until(lambda: len(line.heard("newOrder")) == count)

    assert [event[1]["id"] for event in line.heard("newOrder")] == [f"ord_{number}" for number in range(count)]


async def test_what_was_committed_while_nobody_listened_is_replayed_as_it_was_told_elsewhere(
    node: Node, store: SqliteStore, outside: Outside
) -> None:
    elsewhere = Node(store)
    listening = await admin(elsewhere)
    for number in range(3):
        outside(PLACE, f"ord_{number}", "cus_1")
    await until(lambda: len(listening.heard("newOrder")) == 3 and node.relay.position == elsewhere.relay.position)

    late = await admin(node, offset=f"{store.epoch}:1")
    outside(PLACE, "ord_live", "cus_1")
    await until(lambda: len(late.heard("newOrder")) == 3 and len(listening.heard("newOrder")) == 4)

    missed_and_live = listening.heard("new_order", "newOrder")[2:]  # it had seen the first order
    assert late.heard("new_order", "newOrder") == missed_and_live
    elsewhere.relay.stop()
    await elsewhere.server.close()
