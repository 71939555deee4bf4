from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from ordercast.commerce.orders import Order
from ordercast.db import Change, SqliteStore
from ordercast.db.dialects import POSTGRESQL, SQLITE, Dialect
from ordercast.db.orders import order_document
from ordercast.db.triggers import triggers
from ordercast.db.types import ChangeKind
from ordercast.feed.audience import SINGLE_EVENT_ROUTES
from tests.commerce.ids import is_id

from .shop import ask, by_another_program, move, place_one


def told(document: msgspec.Raw | None) -> Order:
    assert document is not None
    return msgspec.json.decode(document, type=Order)


def newest(store: SqliteStore) -> Change:
    return store.changes(store.last_seq - 1, 10)[0]


async def test_placing_is_told_with_the_whole_order(store: SqliteStore) -> None:
    order = await place_one(store)
    (change,) = store.changes(0, 10)
    assert (change.kind, change.entity_id, change.version, change.actor) == ("order.placed", order.id, 1, "guest")
    assert change.before is None
    assert told(change.after) == order


async def test_a_move_is_told_once_with_what_was_and_what_is(store: SqliteStore) -> None:
    order = await place_one(store, paymentInfo={"method": "card", "token": "tok_visa"})
    after = await move(store, order.id, "cancelled", reason="sold out")
    change = newest(store)
    assert store.last_seq == 2
    assert (change.kind, change.version, change.actor, change.reason) == (
        "order.status_changed", 2, "store:usr_1", "sold out",
    )  # fmt: skip
    assert (told(change.before).status, told(change.before).payment_status) == ("pending", "paid")
    assert (told(change.after).status, told(change.after).amount_refunding) == ("cancelled", order.total)
    assert told(change.after) == after


async def test_what_is_told_is_what_is_answered(store: SqliteStore) -> None:
    order = await place_one(store, fulfilment="pickup", shippingInfo=None)
    document = await store.read(lambda transaction: order_document(transaction, order.id))
    assert document is not None
    assert bytes(newest(store).after or b"") == document
    assert b"tracking" not in document
    assert b"tok_" not in document


async def test_another_programs_insert_is_completed_and_told(store: SqliteStore, path: Path) -> None:
    by_another_program(path, "INSERT INTO orders (customer_name, total) VALUES ('Zoe', 500)")
    change = newest(store)
    order = told(change.after)
    assert is_id(order.id, "ord")
    assert (change.kind, change.actor) == ("order.placed", "db:external")
    assert (order.number, order.version, order.status, order.payment_status) == (1001, 1, "pending", "unpaid")
    assert (order.customer_info.name, order.total, order.currency, order.cart_items) == ("Zoe", 500, "BDT", [])
    assert change.at == order.created_at == order.updated_at
    assert await ask(store, "SELECT to_status, actor FROM order_history") == [("pending", "db:external")]


@pytest.mark.parametrize("recursive", ["ON", "OFF"])
async def test_another_programs_update_gets_a_version_and_a_name(
    store: SqliteStore, path: Path, recursive: str
) -> None:
    order = await place_one(store)
    await move(store, order.id, "processing")
    statement = f"PRAGMA recursive_triggers = {recursive}; UPDATE orders SET status = 'ready_for_delivery'"
    by_another_program(path, statement)
    change = newest(store)
    assert store.last_seq == 3
    assert (change.kind, change.version, change.actor, change.reason) == (
        "order.status_changed", 3, "db:external", None,
    )  # fmt: skip
    assert (told(change.before).version, told(change.after).version) == (2, 3)
    history = await ask(store, "SELECT version, from_status, to_status, actor FROM order_history ORDER BY entry")
    assert history[-1] == (3, "processing", "ready_for_delivery", "db:external")


@pytest.mark.parametrize(
    ("assignment", "kind"),
    [
        ("payment_status = 'paid'", "order.payment_changed"),
        ("payment_status = 'paid', status = 'processing'", "order.status_changed"),
        ("customer_mobile = '+8801711111111'", "order.changed"),
        ('shipping_info = \'{"line1":"14 Lake Road"}\'', "order.changed"),
    ],
)
async def test_the_kind_says_what_changed(store: SqliteStore, path: Path, assignment: str, kind: str) -> None:
    await place_one(store)
    by_another_program(path, f"UPDATE orders SET {assignment}")
    assert (store.last_seq, newest(store).kind) == (2, kind)


async def test_an_update_that_changes_nothing_is_not_told(store: SqliteStore, path: Path) -> None:
    await place_one(store)
    by_another_program(path, "UPDATE orders SET status = status, reason = 'nothing'")
    assert store.last_seq == 1


async def test_each_row_of_one_statement_is_told(store: SqliteStore, path: Path) -> None:
    for _ in range(3):
        await place_one(store)
    by_another_program(path, "UPDATE orders SET status = 'on_hold', held_from = 'pending'")
    assert [change.kind for change in store.changes(3, 10)] == ["order.status_changed"] * 3


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DELETE FROM orders", "an order is cancelled, never deleted"),
        ("UPDATE orders SET id = 'ord_other'", "keeps its id"),
        ("DELETE FROM order_history", "only ever added to"),
        ("UPDATE order_history SET actor = 'nobody'", "only ever added to"),
        ("UPDATE orders SET status = 'shipped'", "status_known"),
        ("UPDATE orders SET payment_status = 'pending'", "payment_status_known"),
        ("UPDATE orders SET total = -1", "total_not_negative"),
        ("UPDATE orders SET cart_items = '['", "cart_items_is_json"),
        ("UPDATE products SET stock = -1", "stock_not_negative"),
    ],
)
async def test_the_database_refuses_what_cannot_be(
    store: SqliteStore, path: Path, statement: str, sentence: str
) -> None:
    await place_one(store)
    with pytest.raises(RuntimeError, match=sentence):
        by_another_program(path, statement)
    assert store.last_seq == 1


async def test_what_rolled_back_is_not_told(store: SqliteStore, path: Path) -> None:
    by_another_program(path, "BEGIN; INSERT INTO orders (total) VALUES (1); ROLLBACK")
    assert (store.last_seq, store.changes(0, 10)) == (0, [])
    await place_one(store)
    assert [change.seq for change in store.changes(0, 10)] == [1]


async def test_a_published_event_is_told_as_it_was_given(store: SqliteStore, path: Path) -> None:
    by_another_program(
        path, """INSERT INTO published_events (event, rooms, args) VALUES ('hi', '["a"]', '[1, {"b": null}]')"""
    )
    change = newest(store)
    assert (change.kind, change.actor, is_id(change.entity_id, "evt")) == ("event.published", "db:external", True)
    assert change.after is not None
    assert msgspec.json.decode(change.after) == {"event": "hi", "rooms": ["a"], "args": [1, {"b": None}]}


@pytest.mark.parametrize(
    "values",
    ["('hi', '{}', '[]')", "('hi', '[]', '5')", "('hi', 'x', '[]')", "('hi', '[]', '')", "('connect', '[]', '[]')"],
)
async def test_an_event_that_could_not_be_told_is_refused(store: SqliteStore, path: Path, values: str) -> None:
    with pytest.raises(RuntimeError, match="constraint failed"):
        by_another_program(path, f"INSERT INTO published_events (event, rooms, args) VALUES {values}")
    assert store.last_seq == 0


# --- Kinds of change --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=lambda dialect: dialect.name)
def test_triggers_write_each_kind_of_change_and_no_other(dialect: Dialect) -> None:
    made = [part for trigger in triggers(dialect) for part in dialect.create_trigger(trigger)]
    told = [part for part in made if "INSERT INTO feed" in part]
    written = {kind for part in told for kind in re.findall(r"'([a-z]+\.[a-z_]+)'", part)}
    # Rows of attached tables are kept by triggers that a mapping file makes.
    assert written == set(ChangeKind) - {ChangeKind.ROW_CHANGED}


def test_each_kind_of_change_makes_an_event_or_is_for_the_nodes_alone() -> None:
    for_nodes = {ChangeKind.ACCESS_REVOKED, ChangeKind.CONVERSATION_CHANGED, ChangeKind.CUSTOMER_ERASED}
    of_several = ("order.", "booking.", "product.", "shop.")
    heard = {kind for kind in ChangeKind if kind in SINGLE_EVENT_ROUTES or kind.startswith(of_several)}
    # Watchers of a table are told of its rows each by what they see (`feed.row_events`).
    assert heard == set(ChangeKind) - for_nodes - {ChangeKind.ROW_CHANGED}
