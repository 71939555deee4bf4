"""Snapshot and stream of attached tables on PostgreSQL: what stock clients are told of rows, and what not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ordercast.attach import MappingError
from ordercast.attach.attached_tables import AttachedTables
from ordercast.attach.postgresql import snapshots
from ordercast.attach.postgresql.watching import WatchedTable
from ordercast.commerce.timestamps import timestamp
from ordercast.db.postgresql.store import PostgresqlStore
from tests.waiting import until

from .conftest import AttachedShop
from .watchers import LiveShop, live

MAPPING = """
[[watch]]
table = "Order"
columns = ["id", "status", "total", "createdAt"]
where = ["status"]
rooms = ["store-owners", "customer_{customerId}"]
limit = 5

[[watch]]
table = "Customer"
rooms = ["store-owners"]
where = ["name"]

[[watch]]
name = "parts"
table = "Part"
rooms = ["store-owners", "owner_{owner}"]
payload = { label = "{name} of {owner}", n = "{n}" }
where = ["n", "owner"]

[[watch]]
name = "cards"
table = "Part"
rooms = ["store-owners"]
columns = ["name", "who", "twice", "view"]
view = "card"
[watch.sql]
who = 'SELECT c.name FROM "Customer" c WHERE c.id = NEW.owner'
twice = "NEW.n * 2"
"""
CARD = """CREATE VIEW card AS SELECT a, "b""x", upper(name) AS shown FROM "Part" """
PART = """CREATE TABLE "Part" (a text, "b""x" integer, owner text, name text, n integer, PRIMARY KEY (a, "b""x"))"""


@pytest.fixture
async def live_shop(shop: AttachedShop) -> AsyncIterator[LiveShop]:
    shop.do(PART)
    shop.do(CARD)
    shop.apply(MAPPING)
    store = PostgresqlStore(shop.ours_url)
    await store.start()
    attached = AttachedTables(store, shop.mapping(MAPPING), lambda: timestamp(1))
    await attached.look()
    async with live(store, attached.tables) as running:
        yield running
    await store.close()


def order(shop: AttachedShop, customer: str = "c1", status: str = "new", total: int = 100) -> str:
    ((id_,),) = shop.do(
        """INSERT INTO "Order" ("customerId", "status", "total") VALUES (%s, %s, %s) RETURNING id::text""",
        customer,
        status,
        total,
    )
    return str(id_)


async def test_rows_that_stand_are_answered_and_later_changes_follow(live_shop: LiveShop, shop: AttachedShop) -> None:
    first = order(shop)
    watcher = await (await live_shop.connect()).watch(table="Order", where={"status": ["new", "paid"]})
    assert [row["row"]["id"] for row in watcher.watching["rows"]] == [first]
    assert watcher.watching["rows"][0]["key"] == {"id": first}
    assert watcher.watching["table"] == "Order"

    second = order(shop, total=200)
    shop.do("""UPDATE "Order" SET status = 'paid' WHERE id = %s""", second)
    shop.do("""UPDATE "Order" SET shipping = '{}' WHERE id = %s""", second)  # is not told of
    shop.do("""UPDATE "Order" SET status = 'sent' WHERE id = %s""", second)
    shop.do("""UPDATE "Order" SET total = 3 WHERE id = %s""", second)  # of one that has left
    shop.do("""UPDATE "Order" SET status = 'new' WHERE id = %s""", second)
    shop.do("""DELETE FROM "Order" WHERE id = %s""", second)
    entered, changed, left, again, gone = await watcher.waits_for(
        "row_entered", "row_changed", "row_left", "row_entered", "row_left"
    )
    snapshot = watcher.watching["rows"][0]["row"]
    assert entered["row"] == {"id": second, "status": "new", "total": 200, "createdAt": entered["row"]["createdAt"]}
    assert entered["row"].keys() == snapshot.keys()
    assert entered["row"]["createdAt"][-5:-4] == snapshot["createdAt"][-5:-4] == "."
    assert changed["row"]["status"] == "paid"
    assert again["row"]["total"] == 3
    for payload in (left, gone):
        assert "row" not in payload
        assert payload["key"] == {"id": second}
    assert [*watcher.rows] == [first]


async def test_a_row_is_seen_by_those_of_its_rooms_alone(live_shop: LiveShop, shop: AttachedShop) -> None:
    mine, theirs = order(shop, "c1"), order(shop, "c2")
    asha = await (await live_shop.connect("customer", "c1")).watch(table="Order")
    zoe = await (await live_shop.connect("customer", "c2")).watch(table="Order", where={"status": "new"})
    driver = await (await live_shop.connect("driver", "c1")).watch(table="Order")
    nosy = await (await live_shop.connect("customer", "c2")).watch(table="Order", key=mine)
    assert (*asha.rows, *zoe.rows, *driver.rows, *nosy.rows) == (mine, theirs)

    shop.do("""UPDATE "Order" SET "customerId" = 'c2', total = 7 WHERE id = %s""", mine)
    (left,) = await asha.waits_for("row_left")
    assert left.keys() == {"id", "seq", "at", "watch", "table", "rowId", "key"}
    assert [payload["row"]["total"] for payload in await zoe.waits_for("row_entered")] == [7]
    await nosy.waits_for("row_entered")
    await driver.is_up_to_date()
    assert driver.names() == []


async def test_keys_of_several_columns_and_any_name(live_shop: LiveShop, shop: AttachedShop) -> None:
    shop.do(
        """INSERT INTO "Part" VALUES ('ক', 1, 'o', 'wheel', 1), ('ক', 2, 'o', 'bell', 2), ('%%', 3, NULL, 'x', 2)"""
    )
    all_ = await (await live_shop.connect()).watch(table="parts")
    assert all_.rows == {
        '["ক","1"]': {"label": "wheel of o", "n": 1},
        '["ক","2"]': {"label": "bell of o", "n": 2},
        '["%%","3"]': {"label": "x of ", "n": 2},
    }
    one = await (await live_shop.connect()).watch(table="parts", key={"a": "ক", 'b"x': 2})
    two = await (await live_shop.connect()).watch(table="parts", where={"n": [2, 9], "owner": [None, "o"]})
    assert ([*one.rows], [*two.rows]) == (['["ক","2"]'], ['["ক","2"]', '["%%","3"]'])

    shop.do("""UPDATE "Part" SET "b""x" = 5 WHERE "b""x" = 2""")  # a key that changes is another row
    await all_.waits_for("row_left", "row_entered")
    await two.waits_for("row_left", "row_entered")
    await one.waits_for("row_left")
    assert '["ক","5"]' in all_.rows
    assert one.rows == {}


async def test_what_cannot_be_asked_names_its_field(live_shop: LiveShop) -> None:
    client = await live_shop.connect()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"table": "orders"}, "table"),
        ({"table": 3}, "table"),
        ({}, "table"),
        ({"table": "Order", "where": {"total": [1]}}, "where.total"),
        ({"table": "Order", "where": {"status": []}}, "where.status"),
        ({"table": "Order", "where": {"status": [{}]}}, "where.status"),
        ({"table": "Order", "where": {"status": ["x" * 201]}}, "where.status"),
        ({"table": "Order", "where": {"status": ["\x00"]}}, "where.status"),
        ({"table": "Order", "where": {"status": [*map(str, range(101))]}}, "where.status"),
        ({"table": "Order", "where": [1]}, "where"),
        ({"table": "Order", "key": "no uuid"}, "key.id"),
        ({"table": "Order", "key": {"id": None}}, "key.id"),
        ({"table": "Order", "key": {"no": 1}}, "key.no"),
        ({"table": "Order", "key": "x", "where": {}}, "where"),
        ({"table": "parts", "key": {"a": "1"}}, 'key.b"x'),
        ({"table": "parts", "key": "1"}, "key"),
        ({"table": "parts", "where": {"n": ["1.5"]}}, "where.n"),
        ({"table": "parts", "where": {"n": [2**40]}}, "where"),
        ({"table": "Order", "else": 1}, "else"),
    ]
    for asked, field in wrong:
        error = (await client.ask("watch", asked))["error"]
        assert error is not None, asked
        assert (error["code"], error["field"]) == ("invalid_field", field), asked


async def test_more_rows_than_the_mapping_allows_are_refused(live_shop: LiveShop, shop: AttachedShop) -> None:
    for _ in range(6):
        order(shop, "c1")
    order(shop, "c2")
    store = await live_shop.connect()
    error = (await store.ask("watch", {"table": "Order"}))["error"]
    assert (error["field"], error["message"]) == ("where", "These are more than 5 rows; ask for fewer.")
    zoe = await (await live_shop.connect("customer", "c2")).watch(table="Order")
    assert len(zoe.rows) == 1


def faults(shop: AttachedShop, mapping: str) -> list[str]:
    shop.path.write_text(mapping)
    return shop.check()


def test_what_a_database_has_not_for_a_watch_is_said_with_its_line(shop: AttachedShop) -> None:
    shop.do("CREATE TABLE odd (id integer, price numeric, at timestamptz)")
    found = faults(shop, '[[watch]]\ntable = "odd"\nwhere = ["id", "price"]\nrooms = ["of_{no}"]\n')
    assert found == [
        "2: public.odd has no primary key, by which a row is known",
        "3: price is numeric; a filter takes texts, enums, whole numbers, booleans and UUIDs",
        "4: public.odd has no column no",
    ]
    assert (
        "the trigger on public.Order is missing, and no row_changed is told"
        in faults(shop, MAPPING.split("[[watch]]\nname", maxsplit=1)[0])[1]
    )
    shop.do('CREATE INDEX ON "Order" (status, total)')
    shop.apply(MAPPING.split("[[watch]]\nname", maxsplit=1)[0])
    with shop.attaching() as attaching:
        notes = [(note.line, note.sentence) for note in attaching.notes()]
    assert notes == [(12, "no index of public.Customer begins with name: each snapshot by it reads the whole table")]


async def test_an_index_of_the_filter_and_of_the_owner_is_used(live_shop: LiveShop, shop: AttachedShop) -> None:
    del live_shop  # it has made the triggers
    with shop.attaching() as attaching:
        found = attaching.resolve()
    table = found.watched["Order"]
    wanted = table.watchable().filter(None, {"status": ["new", None]})
    shop.do('CREATE INDEX by_state ON "Order" (status); CREATE INDEX by_owner ON "Order" ("customerId")')
    shop.do("SET enable_seqscan = off")
    for filter_, rooms, index in (
        (wanted, {"store-owners"}, "by_state"),
        (table.watchable().filter(None, None), {"customer_c1"}, "by_owner"),
        (table.watchable().filter("00000000-0000-0000-0000-000000000001", None), {"store-owners"}, "Order_pkey"),
    ):
        query, values = table.query(filter_, frozenset(rooms), '"ordercast"', 1_000)
        plan = shop.connection.execute(f"EXPLAIN {query}".encode(), values).fetchall()
        assert any(index in line for (line,) in plan), plan


async def test_a_query_that_takes_too_long_is_refused_and_ends(
    live_shop: LiveShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_SETTINGS", "SET LOCAL statement_timeout = 1")
    monkeypatch.setattr(WatchedTable, "query", lambda *_: ("SELECT pg_sleep(600)::text", {}))
    error = (await (await live_shop.connect()).ask("watch", {"table": "Order", "where": {"status": "new"}}))["error"]
    assert (error["code"], error["field"]) == ("invalid_field", "where")
    assert "cannot be found within 5 s" in error["message"]


async def test_a_write_of_the_shop_never_fails_by_a_watch(live_shop: LiveShop, shop: AttachedShop) -> None:
    watcher = await (await live_shop.connect()).watch(table="Order")
    shop.do("""ALTER TABLE "Order" RENAME COLUMN total TO amount""")
    shop.do("""INSERT INTO "Order" ("customerId", amount) VALUES ('c1', 1)""")
    ((mapping, verb, _, message),) = shop.errors()
    assert (mapping, verb, "total" in message) == ("watch of Order", "insert", True)
    shop.do("""TRUNCATE "Order" """)
    await until(lambda: "resync" in [name for name, _ in watcher.heard])


async def test_what_lies_in_other_tables_is_told_by_sql_and_a_view(live_shop: LiveShop, shop: AttachedShop) -> None:
    store = await (await live_shop.connect()).watch(table="cards")
    shop.do("""INSERT INTO "Part" VALUES ('a', 1, 'c1', 'tea', 3)""")
    shop.do("""UPDATE "Part" SET owner = 'c2', n = 9""")
    entered, changed = await store.waits_for("row_entered", "row_changed")
    card = {"a": "a", 'b"x': 1, "shown": "TEA"}
    assert entered["row"] == {"name": "tea", "who": "Asha Rahman", "twice": 6, "view": card}
    assert changed["row"] == {"name": "tea", "who": "Zoe", "twice": 18, "view": card}
    again = await (await live_shop.connect()).watch(table="cards")
    assert again.rows == store.rows  # as in events
    shop.do("DROP VIEW card")
    assert (await (await live_shop.connect()).ask("watch", {"table": "cards"}))["error"]["field"] == "table"


def test_sql_of_a_watch_says_what_is_told_and_nothing_else(shop: AttachedShop) -> None:
    text = """
[[watch]]
table = "Order"
rooms = ["store-owners", "a_{who}"]
where = ["who"]
[watch.sql]
who = "NEW.total"
"""
    with pytest.raises(MappingError) as refused:
        shop.mapping(text)
    assert [fault.line for fault in refused.value.faults] == [4, 5]
    text = text.replace(', "a_{who}"', "").replace('where = ["who"]', "").replace("NEW", "OLD")
    with shop.attaching(text) as attaching:
        fault = attaching.check()[0]
    assert fault.sentence.startswith('PostgreSQL cannot read this: missing FROM-clause entry for table "old"')
