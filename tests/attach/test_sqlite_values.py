"""Values of every kind in a SQLite file: they are told, and a change of any is seen, in its order."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.attach.json_values import answered, parse, parsed

from .test_postgresql import emit
from .test_sqlite import ALL, SqliteShop, shop

__all__ = ["shop"]


async def test_what_no_calendar_and_no_double_has_is_told_as_it_is(shop: SqliteShop) -> None:
    shop.apply(emit(rest='payload = ["{createdAt}", "{shipping}", "{shipping.a}"]'))
    insert = 'INSERT INTO "Order" ("customerId", total, "createdAt", shipping) VALUES (\'c1\', 1, ?, ?)'
    rows = [(1e300, '{"a": 1e400}'), ("infinity", '{"a": -1e999, "b": [1.5]}')]
    for row in rows:
        shop.do(insert, *row)
    async with shop.relayed() as relay:
        told = await shop.told(2)
        assert relay.warnings() == []
    assert [event["args"] for event in told] == [
        [[1e300, {"a": None}, None]], [["infinity", {"a": None, "b": [1.5]}, None]],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ('{"a": 1e400}', {"a": None}),
        ('{"a": NaN}', '{"a": NaN}'),
        ("[1", "[1"),
        ("1", "1"),
        (b"\x00\xff", "\\x00ff"),
        (None, None),
    ],
)
def test_what_sql_gives_is_json_or_as_it_is(given: Any, told: Any) -> None:
    assert answered(given) == told


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Infinity is no JSON"):
        parse("[Infinity]")
    assert parsed("[Infinity]") == "[Infinity]"


async def test_a_change_is_seen_whatever_its_collation_calls_equal(shop: SqliteShop) -> None:
    shop.do("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE)")
    shop.apply(emit("people", '"update"', rest='changed = ["name"]\npayload = "{name}"'))
    shop.do("INSERT INTO people VALUES (1, 'asha')")
    shop.do("UPDATE people SET name = 'Asha'")
    shop.do("UPDATE people SET name = 'Asha'")
    shop.do("UPDATE people SET name = NULL")
    async with shop.relayed():
        assert [event["args"] for event in await shop.told(2)] == [["Asha"], [None]]


async def test_a_trigger_of_the_shop_that_was_made_later_is_found_and_put_behind(shop: SqliteShop) -> None:
    shop.do("CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT)")
    text = emit("notes", ALL, rest='payload = "{note}"')
    stamp = "AFTER INSERT ON notes BEGIN UPDATE notes SET note = note || {} WHERE id = NEW.id; END"
    shop.do(f"CREATE TRIGGER first {stamp.format(repr('!'))}")
    shop.apply(text)
    shop.do("CREATE TRIGGER elsewhere AFTER INSERT ON notes BEGIN DELETE FROM orders; END")
    assert shop.check() == []
    shop.do("INSERT INTO notes VALUES (1, 'a')")
    shop.do(f"CREATE TRIGGER second {stamp.format(repr('?'))}")
    assert ["the shop's trigger second on notes was made after ours" in fault for fault in shop.check()] == [True] * 3
    shop.apply(text)
    assert shop.check() == []
    shop.do("INSERT INTO notes VALUES (2, 'b')")
    async with shop.relayed():
        told = [event["args"][0] for event in await shop.told(5)]
    assert told == ["a", "a!", "b", "b?", "b?!"]
