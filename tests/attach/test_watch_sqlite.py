"""Snapshot and stream of tables in a SQLite file: two files, and what stock clients keep is the table."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator

import pytest

from ordercast import attach
from ordercast.attach.sqlite.snapshots import SqliteTables

from .test_sqlite import SqliteShop, shop
from .watchers import LiveShop, Watcher, live

__all__ = ["shop"]

MAPPING = """
[[watch]]
table = "Order"
columns = ["status", "paid", "createdAt", "total"]
where = ["status", "paid"]
rooms = ["store-owners", "customer_{customerId}"]
limit = 30

[[watch]]
name = "parts"
table = "part"
rooms = ["store-owners", "{kind}_{owner}"]
where = ["n"]

[[watch]]
name = "cards"
table = "Order"
rooms = ["store-owners"]
columns = ["status", "who", "twice", "view"]
view = "card"
[watch.sql]
who = 'SELECT c.name FROM "Customer" c WHERE c.id = NEW."customerId"'
twice = "NEW.total * 2"
"""
CARD = """CREATE VIEW card AS SELECT o.id, upper(c.name) AS name
FROM "Order" o JOIN "Customer" c ON c.id = o."customerId" """
WRITERS = 4
TRANSACTIONS = 12


@pytest.fixture
async def live_shop(shop: SqliteShop) -> AsyncIterator[LiveShop]:
    shop.do(
        'CREATE TABLE part (a TEXT, "b""x" INTEGER, kind TEXT, owner TEXT, n INT, raw BLOB, PRIMARY KEY (a, "b""x"))'
    )
    shop.do(CARD)
    shop.apply(MAPPING)
    tables = SqliteTables(shop.path, attach.read(shop.mapping_path), shop.store)
    await tables.look()
    async with shop.relayed(), live(shop.store, tables) as running:
        yield running


def order(shop: SqliteShop, number: int, customer: str = "c1", status: str = "new") -> None:
    shop.do('INSERT INTO "Order" (id, "customerId", status, total) VALUES (?, ?, ?, 5)', number, customer, status)


async def test_rows_are_answered_and_followed_as_on_postgresql(live_shop: LiveShop, shop: SqliteShop) -> None:
    order(shop, 1)
    order(shop, 2, "c2")
    store = await (await live_shop.connect()).watch(table="Order", where={"paid": False, "status": ["new", "sent"]})
    asha = await (await live_shop.connect("customer", "c1")).watch(table="Order")
    assert ([*store.rows], [*asha.rows]) == (["1", "2"], ["1"])
    shop.do('UPDATE "Order" SET raw = ? WHERE id = 1', b"x")  # is not told of
    shop.do('UPDATE "Order" SET total = 6 WHERE id = 1')
    shop.do('UPDATE "Order" SET paid = 1 WHERE id = 1')
    shop.do("""UPDATE "Order" SET "customerId" = 'c2' WHERE id = 1""")
    shop.do('DELETE FROM "Order" WHERE id = 2')
    await store.waits_for("row_changed", "row_left", "row_left")
    changed, _, left = await asha.waits_for("row_changed", "row_changed", "row_left")
    assert (changed["key"], changed["row"].keys()) == ({"id": 1}, asha.watching["rows"][0]["row"].keys())
    assert changed["row"]["createdAt"] == asha.watching["rows"][0]["row"]["createdAt"]
    assert "row" not in left
    assert store.rows == asha.rows == {}


async def test_keys_of_several_columns_and_rooms_of_several(live_shop: LiveShop, shop: SqliteShop) -> None:
    shop.do("INSERT INTO part VALUES ('ক', 1, 'customer', 'c1', 7, x'00ff'), ('ক', 2, 'customer', 'c2', NULL, NULL)")
    asha = await (await live_shop.connect("customer", "c1")).watch(table="parts")
    one = await (await live_shop.connect()).watch(table="parts", key={"a": "ক", 'b"x': "2"})
    none = await (await live_shop.connect()).watch(table="parts", where={"n": [None, 9]})
    assert asha.rows == {'["ক","1"]': {"a": "ক", 'b"x': 1, "kind": "customer", "owner": "c1", "n": 7, "raw": "\\x00ff"}}
    assert [*one.rows] == [*none.rows] == ['["ক","2"]']
    shop.do("""UPDATE part SET "b""x" = 5 WHERE "b""x" = 2""")
    await none.waits_for("row_left", "row_entered")
    await one.waits_for("row_left")


async def test_too_many_rows_and_wrong_columns_are_refused(live_shop: LiveShop, shop: SqliteShop) -> None:
    client = await live_shop.connect()
    for number in range(31):
        order(shop, number)
    for asked, field in (
        ({"table": "Order"}, "where"),
        ({"table": "Order", "where": {"total": 1}}, "where.total"),
        ({"table": "Order", "where": {"paid": 1}}, "where.paid"),
        ({"table": "Order", "key": "x"}, "key.id"),
    ):
        assert (await client.ask("watch", asked))["error"]["field"] == field
    shop.mapping_path.write_text(MAPPING.replace('"status", "paid"]\nrooms', '"createdAt"]\nrooms'))
    assert shop.check() == ["5: createdAt is declared DATETIME; a filter takes texts, whole numbers and booleans"]
    with shop.attaching(MAPPING) as attaching:
        assert [note.line for note in attaching.notes()] == [5, 5, 13]


def write(shop: SqliteShop, chance: random.Random) -> None:
    connection = sqlite3.connect(shop.path, isolation_level=None, timeout=60)
    for _ in range(TRANSACTIONS):
        connection.execute("BEGIN IMMEDIATE")
        for row in chance.sample(range(10), chance.randint(1, 4)):
            values = (chance.choice(["c1", "c2"]), chance.choice(["new", "sent"]), chance.randrange(99), row)
            if chance.random() < 0.25:
                connection.execute('DELETE FROM "Order" WHERE id = ?', [row])
            else:
                connection.execute(
                    'INSERT INTO "Order" ("customerId", status, total, id) VALUES (?, ?, ?, ?)'
                    " ON CONFLICT (id) DO UPDATE SET"
                    ' "customerId" = excluded."customerId", status = excluded.status, total = excluded.total',
                    values,
                )
        connection.execute("ROLLBACK" if chance.random() < 0.2 else "COMMIT")
    connection.close()


async def test_what_clients_keep_is_the_table_in_the_end(
    live_shop: LiveShop, shop: SqliteShop, chance: random.Random
) -> None:
    writing = asyncio.gather(*(asyncio.to_thread(write, shop, random.Random(chance.random())) for _ in range(WRITERS)))
    watchers: list[tuple[Watcher, str]] = []
    while not writing.done():
        if len(watchers) < 6:
            store, customer = await live_shop.connect(), await live_shop.connect("customer", "c1")
            watchers += [
                (await store.watch(table="Order", where={"status": "new"}), "status = 'new'"),
                (await customer.watch(table="Order"), "customerId = 'c1'"),
            ]
        live_shop.cut(chance.choice(watchers)[0])
        await asyncio.sleep(0.01)
    await writing
    for watcher, condition in watchers:
        rows = shop.do(f'SELECT id, status, total FROM "Order" WHERE {condition}')
        await watcher.has_of({str(id_): (status, total) for id_, status, total in rows}, "status", "total")


async def test_what_lies_in_other_tables_is_told_by_sql_and_a_view(live_shop: LiveShop, shop: SqliteShop) -> None:
    order(shop, 1)
    store = await (await live_shop.connect()).watch(table="cards")
    shop.do("""UPDATE "Order" SET total = 9, "customerId" = 'c2' WHERE id = 1""")
    (changed,) = await store.waits_for("row_changed")
    assert changed["row"] == {"status": "new", "who": "Zoe", "twice": 18, "view": {"id": 1, "name": "ZOE"}}
    again = await (await live_shop.connect()).watch(table="cards")
    assert again.rows == store.rows  # as in events
    shop.mapping_path.write_text(MAPPING.replace("NEW.total", "OLD.total"))
    assert any(fault.endswith("SQLite cannot read this: no such column: OLD.total") for fault in shop.check())
