"""Rows that no rule can tell: they harm themselves alone, and those whom they were for are told to look anew."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.db.forced import lawless_sqlite
from tests.waiting import until

from ordercast.db import SqliteStore, read_json
from ordercast.feed.encoding import EVENT_BYTES_MAX

from .conftest import PLACE, Line, Node
from .test_relay import Outside, admin

Force = Callable[..., None]
ORDER = '"id": "ord_1", "number": 1, "status": "pending", "paymentStatus": "unpaid", "total": 1, "customerInfo": {}'
DELIVERY = {"store:1", "customer_cus_1", "driver_drv_1"}
GAP = ["resync", {"reason": "unreadable_row"}]


@pytest.fixture
def force(database: Path) -> Force:
    """A program that writes a row of the feed, whatever the rules say; a value of bytes becomes a text of them."""

    def write(kind: Any, after: Any, *, entity_id: Any = "ord_1", version: Any = 1, at: Any = "t") -> None:
        values = (kind, entity_id, version, at, after)
        slots = ", ".join("CAST(? AS TEXT)" if isinstance(value, bytes) else "?" for value in values)
        with lawless_sqlite(database, "feed") as connection:
            connection.execute(
                "INSERT INTO feed (kind, entity_id, version, actor, at, after)"
                f" SELECT column1, column2, column3, 'a', column4, column5 FROM (VALUES ({slots}))",
                values,
            )

    return write


async def person(node: Node, token: str, **auth: Any) -> Line:
    line = node.line()
    line.connect(token=token, **auth)
    await until(lambda: line.heard("ready"))
    return line


def after_ready(line: Line) -> list[list[Any]]:
    return [event for event in line.events() if event[0] != "ready"]


async def test_a_latin_1_name_is_told_with_a_replacement_and_the_next_order_is_heard(
    node: Node, outside: Outside
) -> None:
    line = await admin(node)

    outside(PLACE, "ord_1", "cus_1")
    # Whoever raises the version and names itself is taken for one of ours, whose texts are not looked at.
    outside(
        "UPDATE orders SET customer_name = CAST(x'4a6f73e9' AS TEXT), version = version + 1, actor = 'service:till'"
    )
    outside(PLACE, "ord_2", "cus_1")
    await until(lambda: len(line.heard("newOrder")) == 2)

    ((_, changed, _),) = line.heard("order_update")
    assert changed["customerInfo"]["name"] == "Jos\ufffd"


async def test_a_feed_with_bytes_that_are_no_text_is_read_at_a_start(database: Path, outside: Outside) -> None:
    outside("INSERT INTO orders (id, customer_name, actor) VALUES ('ord_1', CAST(x'ff00fe' AS TEXT), 'service:till')")
    store = SqliteStore(database)
    await store.start()
    node = Node(store)

    line = await admin(node, offset=f"{store.epoch}:0")
    await until(lambda: line.heard("newOrder"))

    await node.server.close()
    await store.close()


@pytest.mark.parametrize(
    ("row", "rooms"),
    [
        (("order.placed", "{}"), {"everybody"}),
        (("order.placed", None), {"everybody"}),
        (("order.placed", "not JSON"), {"everybody"}),
        (("order.placed", f'{{{ORDER}, "total": "abc", "customerId": "cus_1"}}'), {"store:1", "customer_cus_1"}),
        (("order.placed", f'{{{ORDER}, "customerInfo": 5, "customerId": null}}'), {"store:1"}),
        (("order.placed", f'{{{ORDER}, "customerId": "cus_1"'), {"store:1", "customer_cus_1"}),
        (("order.status_changed", "[" * 3000), {"everybody"}),
        (("product.changed", "{"), {"store:1"}),
        (("payment.mismatch", "[]"), {"store:1"}),
        (("feed.resync", "5"), {"store:1"}),
        (("delivery.moved", '{"customerId": "cus_1", "formerDriverId": "drv_1"}'), DELIVERY),
        (("notification.made", '{"recipient": "store", "kind": "odd"}'), {"store:1"}),
        (("notification.made", '{"recipient": "cus_2", "kind": "odd"}'), {"user_cus_2"}),
        (("notification.made", "[]"), {"everybody"}),
        (("event.published", '{"event": "x", "rooms": ["customer_cus_1"], "args": 5}'), {"customer_cus_1"}),
        (("event.published", '{"event": "disconnect", "rooms": ["store-owners"], "args": []}'), {"store:1"}),
        (("event.published", '{"event": 7, "rooms": 7, "args": []}'), {"everybody"}),
        (("order.placed", b'{"id": "ord_\xff'), {"everybody"}),
        ((b"order.pl\xe9ced", "{}"), {"everybody"}),
        (("", "{}"), {"everybody"}),
    ],
)  # fmt: skip
async def test_in_place_of_a_row_that_cannot_be_told_those_whom_it_was_for_are_told_to_look_anew(
    node: Node, outside: Outside, force: Force, row: tuple[Any, Any], rooms: set[str]
) -> None:
    names = ["store:1", "customer_cus_1", "user_cus_2", "driver_drv_1"]
    lines = {name: await person(node, name) for name in names}
    stranger = node.line()
    stranger.connect()
    start = lines["store:1"].events()[0][-1]

    force(*row)
    outside(PLACE, "ord_9", "cus_1")
    await until(lambda: lines["store:1"].heard("newOrder") and len(after_ready(lines["customer_cus_1"])) >= 1)

    heard = {name for name, line in lines.items() if line.heard("resync")}
    assert heard == (set(names) if rooms == {"everybody"} else rooms)
    for name in heard:
        (gap,) = lines[name].heard("resync")
        assert gap == [*GAP, f"{node.relay.position.epoch}:1"]
        returned = await person(node, name, offset=start)
        await until(lambda: len(after_ready(returned)) == len(after_ready(lines[name])))  # noqa: B023
        assert after_ready(returned) == after_ready(lines[name])
    assert [event[1]["id"] for event in lines["store:1"].heard("newOrder")] == ["ord_9"]
    assert stranger.events() == []


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ('{"a": [1e400]}', {"a": [None]}),
        ('{"a": -1e999}', {"a": None}),
        ('{"a": NaN}', {"a": None}),
        ('{"a": 123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
        ('{"a": "half \\ud83d"}', {"a": "half \ufffd"}),
        (b'{"a": "Jos\xe9"}', {"a": "Jos\ufffd"}),
        ('{"a": "tab\there"}', {"a": "tab\there"}),
    ],
)
async def test_what_json_cannot_say_is_told_as_far_as_it_can_be(
    node: Node, force: Force, after: str | bytes, told: Any
) -> None:
    line = await admin(node)
    text = after.encode() if isinstance(after, str) else after

    force("event.published", b'{"event": "news", "rooms": ["store-owners"], "args": [' + text + b"]}")
    await until(lambda: line.heard("news", "resync"))

    ((name, payload, _),) = line.heard("news", "resync")
    assert (name, payload) == ("news", told)


@pytest.mark.parametrize("version", [-1, 0, 2**63 - 1])
@pytest.mark.parametrize("at", ["", "9999-99-99", b"\xfe"])
async def test_a_version_or_moment_that_is_none_stops_nothing(
    node: Node, outside: Outside, force: Force, version: Any, at: Any
) -> None:
    line = await admin(node)
    force("event.published", '{"event": "news", "rooms": ["store-owners"], "args": []}', version=version, at=at)
    outside(PLACE, "ord_9", "cus_1")
    await until(lambda: line.heard("newOrder"))

    assert len(line.heard("news")) == 1


async def test_what_is_too_large_for_a_client_is_a_gap(node: Node, outside: Outside, force: Force) -> None:
    line = await admin(node)
    text = "x" * EVENT_BYTES_MAX
    force("event.published", f'{{"event": "news", "rooms": ["store-owners"], "args": ["{text}"]}}')
    outside(PLACE, "ord_9", "cus_1")
    await until(lambda: line.heard("newOrder"))

    ((_, payload, _),) = line.heard("resync")
    assert payload == {"reason": "row_too_large"}
    assert line.closed_for is None


async def test_a_row_that_cannot_be_told_is_said_once_and_counted_once(
    node: Node, force: Force, store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    line = await admin(node)
    force("order.placed", "not JSON")
    await until(lambda: line.heard("resync"))
    node.relay.clear_memory()
    for _ in range(2):
        returned = await admin(node, offset=f"{store.epoch}:0")
        await until(lambda: returned.heard("resync"))  # noqa: B023

    assert [record.message for record in caplog.records] == [
        "The row 1 of feed is damaged: order.placed: it is no JSON"
    ]
    assert store.damaged.sentences(9) == ["The row 1 of feed is damaged: order.placed: it is no JSON"]


def test_json_is_read_strictly_where_it_is_well_made() -> None:
    assert read_json('{"a": [1, 2.5, null, "\u0986"]}') == {"a": [1, 2.5, None, "\u0986"]}


@pytest.mark.parametrize("text", ["", "nothing", "[1] x", "[" * 100_000, b"\xff", '{"a": }'])
def test_what_is_no_json_at_all_is_said_to_be_none(text: str | bytes) -> None:
    with pytest.raises(ValueError, match="JSON"):
        read_json(text)


def test_numbers_past_64_bits_and_past_all_floats_are_read_where_something_else_is_refused() -> None:
    digits = "9" * 5000
    assert read_json(f'[1e400, {2**63}, {digits}, -Infinity, "\\ud800"]') == [None, float(2**63), None, None, "\ufffd"]
