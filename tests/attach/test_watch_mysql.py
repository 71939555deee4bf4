"""Snapshot and stream of MariaDB's tables: two databases, and what stock clients keep is the table."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import AsyncIterator

import pymysql
import pytest

from ordercast import attach
from ordercast.attach.mysql.outbox import MysqlOutbox
from ordercast.attach.mysql.snapshots import MysqlTables
from ordercast.attach.outbox_relay import OutboxRow
from ordercast.db.watched_rows import RowChange, TableFilter
from tests.mariadb import Connection
from tests.waiting import until

from .mysql_shop import MysqlShop, run
from .test_mysql import shop
from .watchers import LiveShop, Watcher, live

__all__ = ["shop"]

MAPPING = """
[[watch]]
table = "orders"
columns = ["status", "total", "paid", "at"]
where = ["status", "paid"]
rooms = ["store-owners", "customer_{customer_id}"]
limit = 40

[[watch]]
name = "parts"
table = "part"
rooms = ["store-owners", "{kind}_{owner}"]
where = ["n"]

[[watch]]
name = "cards"
table = "part"
rooms = ["store-owners"]
columns = ["kind", "who", "twice", "view"]
view = "card"
[watch.sql]
who = "SELECT c.name FROM customers c WHERE c.id = NEW.owner"
twice = "NEW.price * 2"
"""
TABLES = (
    "ALTER TABLE orders ADD paid BOOLEAN NOT NULL DEFAULT FALSE, ADD at TIMESTAMP(3) NULL, ADD INDEX (status)",
    """CREATE TABLE part (a VARCHAR(20), `b"x` BINARY(2), kind TEXT, owner TEXT, n INT, price DOUBLE, more JSON,
    PRIMARY KEY (a, `b"x`)) CHARACTER SET utf8mb4""",
    'CREATE VIEW card AS SELECT a, `b"x`, UPPER(kind) AS shown FROM part',
)
WRITERS = 4
TRANSACTIONS = 25
SNAPSHOTS = 5
ROWS = 12
NEW_ROW = "(id, customer_id, status, total) VALUES (%s, %s, %s, %s)"


@pytest.fixture
async def tables(shop: MysqlShop) -> AsyncIterator[MysqlTables]:
    for statement in TABLES:
        shop.do(statement)
    shop.apply(MAPPING)
    tables = MysqlTables(shop.url, attach.read(shop.mapping_path), shop.store)
    await tables.look()
    yield tables
    await tables.close()


@pytest.fixture
async def live_shop(shop: MysqlShop, tables: MysqlTables) -> AsyncIterator[LiveShop]:
    async with shop.relayed(), live(shop.store, tables) as running:
        yield running


def order(shop: MysqlShop, number: int, customer: str = "c1", status: str = "new") -> None:
    shop.do("INSERT INTO orders (id, customer_id, status, total) VALUES (%s, %s, %s, 5)", number, customer, status)


async def test_rows_are_answered_and_followed_as_on_postgresql(live_shop: LiveShop, shop: MysqlShop) -> None:
    order(shop, 1)
    order(shop, 2, "c2")
    store = await (await live_shop.connect()).watch(table="orders", where={"paid": False, "status": ["new", "sent"]})
    asha = await (await live_shop.connect("customer", "c1")).watch(table="orders")
    assert ([*store.rows], [*asha.rows]) == (["1", "2"], ["1"])
    shop.do("UPDATE orders SET note = 'x' WHERE id = 1")  # is not told of
    shop.do("UPDATE orders SET total = 6.5, at = '2026-11-30 10:00:00.125' WHERE id = 1")
    shop.do("UPDATE orders SET paid = TRUE WHERE id = 1")
    shop.do("UPDATE orders SET customer_id = 'c2' WHERE id = 1")
    shop.do("DELETE FROM orders WHERE id = 2")
    await store.waits_for("row_changed", "row_left", "row_left")
    changed, _, left = await asha.waits_for("row_changed", "row_changed", "row_left")
    assert (changed["key"], changed["row"]["total"], changed["row"]["paid"]) == ({"id": 1}, 6.5, False)
    assert "row" not in left
    assert store.rows == asha.rows == {}
    again = await (await live_shop.connect()).watch(table="orders", key=1)
    assert again.rows["1"] == {**changed["row"], "paid": True}  # a row in a snapshot is as in an event


async def test_keys_of_several_columns_rooms_of_several_and_values_that_collations_call_one(
    live_shop: LiveShop, shop: MysqlShop
) -> None:
    shop.do("INSERT INTO part VALUES ('ক', x'00ff', 'customer', 'c1', 7, 1.5, '{\"a\": [1]}')")
    shop.do("INSERT INTO part VALUES ('ক', x'0001', 'customer', 'c2', NULL, NULL, NULL)")
    asha = await (await live_shop.connect("customer", "c1")).watch(table="parts")
    one = await (await live_shop.connect()).watch(table="parts", key={"a": "ক", 'b"x': "\\x0001"})
    none = await (await live_shop.connect()).watch(table="parts", where={"n": [None, 9]})
    row = {"a": "ক", 'b"x': "\\x00ff", "kind": "customer", "owner": "c1", "n": 7, "price": 1.5, "more": {"a": [1]}}
    assert asha.rows == {'["ক","\\\\x00ff"]': row}
    assert [*one.rows] == [*none.rows] == ['["ক","\\\\x0001"]']
    shop.do("""UPDATE part SET `b"x` = x'0005' WHERE `b"x` = x'0001'""")
    await none.waits_for("row_left", "row_entered")
    await one.waits_for("row_left")
    order(shop, 1, status="New")
    assert (await (await live_shop.connect()).watch(table="orders", where={"status": "new"})).rows == {}


async def test_what_lies_in_other_tables_is_told_by_sql_and_a_view(live_shop: LiveShop, shop: MysqlShop) -> None:
    shop.do("INSERT INTO part VALUES ('a', x'0001', 'tea', 'c1', 7, 1.5, NULL)")
    store = await (await live_shop.connect()).watch(table="cards")
    shop.do("UPDATE part SET price = 9.25, owner = 'c2'")
    (changed,) = await store.waits_for("row_changed")
    view = {"a": "a", 'b"x': "\\x0001", "shown": "TEA"}
    assert changed["row"] == {"kind": "tea", "who": "Zoë", "twice": 18.5, "view": view}
    again = await (await live_shop.connect()).watch(table="cards")
    assert again.rows == store.rows  # as in events
    shop.mapping(MAPPING.replace("NEW.price", "OLD.price"))
    assert any("the server cannot read this: Unknown column 'OLD.price'" in fault for fault in shop.check())


async def test_too_many_rows_wrong_columns_and_tables_that_cannot_be_watched_are_refused(
    live_shop: LiveShop, shop: MysqlShop
) -> None:
    client = await live_shop.connect()
    for number in range(1, 42):
        order(shop, number)
    for asked, field in (
        ({"table": "orders"}, "where"),
        ({"table": "orders", "where": {"total": 1}}, "where.total"),
        ({"table": "orders", "where": {"paid": 1}}, "where.paid"),
        ({"table": "orders", "key": "x"}, "key.id"),
        ({"table": "customers"}, "table"),
    ):
        assert (await client.ask("watch", asked))["error"]["field"] == field
    shop.do("CREATE TABLE bare (a INT)")
    shop.do("CREATE TABLE old (a INT PRIMARY KEY) ENGINE=MyISAM")
    shop.mapping(
        MAPPING.replace('["status", "paid"]', '["total"]')
        + '[[watch]]\ntable = "bare"\nrooms = ["a"]\n[[watch]]\ntable = "old"\nrooms = ["a"]\n'
    )
    assert shop.check()[:3] == [
        "5: total is decimal; a filter takes texts, whole numbers, booleans and UUIDs",
        "25: bare has no primary key, by which a row is known",
        "28: old is MyISAM, of which no snapshot can be read; InnoDB's can be watched",
    ]
    shop.mapping(MAPPING)
    assert [note for note in shop.notes() if "no index" in note] == [
        "5: no index of orders begins with paid: each snapshot by it reads the whole table",
        "13: no index of part begins with n: each snapshot by it reads the whole table",
    ]


async def test_a_snapshot_waits_until_all_that_it_shows_is_in_the_feed_and_for_nothing_else(
    tables: MysqlTables, shop: MysqlShop
) -> None:
    with shop.server.connect(shop.name, autocommit=False) as late:
        run(late, "INSERT INTO orders (id, customer_id) VALUES (1, 'c1')")
        order(shop, 2)
        asked = asyncio.create_task(tables.snapshot(TableFilter("orders"), frozenset({"store-owners"})))
        await until(lambda: tables._connection is not None)
        assert shop.store.last_seq == 0
        assert not asked.done()
        async with shop.relayed():
            snapshot = await asked
            assert [state.key for state in snapshot.states] == [{"id": 2}]
            assert (snapshot.after, snapshot.until) == (0, 1)
            late.commit()
            await until(lambda: shop.store.last_seq == 2)


class SlowOutbox(MysqlOutbox):
    """What is committed is long in the outbox, so that each snapshot has some of it."""

    def read(self, limit: int) -> list[OutboxRow]:
        time.sleep(0.03)
        return super().read(limit)


def count_up(shop: MysqlShop, chance: random.Random, enough: threading.Event) -> None:
    with shop.server.connect(shop.name, autocommit=False) as connection:
        while not enough.is_set():
            for row in sorted(chance.sample(range(1, ROWS + 1), 3)):
                run(connection, "UPDATE orders SET total = total + 1 WHERE id = %s", row)
            if chance.random() < 0.2:
                connection.rollback()
            else:
                connection.commit()


async def test_a_snapshot_has_all_that_is_up_to_its_first_number_and_nothing_behind_its_second(
    tables: MysqlTables, shop: MysqlShop, chance: random.Random
) -> None:
    for number in range(1, ROWS + 1):
        order(shop, number)
    async with shop.relayed(SlowOutbox(shop.url, attach.read(shop.mapping_path))):
        await until(lambda: shop.store.last_seq == ROWS)
        enough = threading.Event()
        counting = (asyncio.to_thread(count_up, shop, random.Random(chance.random()), enough) for _ in range(WRITERS))
        writing = asyncio.gather(*counting)
        all_orders = TableFilter("orders")
        try:
            snapshots = [await tables.snapshot(all_orders, frozenset({"store-owners"})) for _ in range(SNAPSHOTS)]
        finally:
            enough.set()
            await writing
        await until(lambda: not shop.waiting())

    def newest(through: int) -> dict[int, int]:
        """Every row as the feed has it by then."""
        changes = [RowChange.of(change) for change in shop.store.changes(0, 100_000) if change.seq <= through]
        return {each.now.key["id"]: json.loads(bytes(each.now.row))["total"] for each in changes if each.now}

    for snapshot in snapshots:
        shown = {state.key["id"]: json.loads(bytes(state.row))["total"] for state in snapshot.states}
        at_first, in_the_end = newest(snapshot.after), newest(snapshot.until)
        assert all(at_first[row] <= total <= in_the_end[row] for row, total in shown.items())


def write(shop: MysqlShop, chance: random.Random) -> None:
    connection = shop.server.connect(shop.name, autocommit=False)
    with connection:
        for _ in range(TRANSACTIONS):
            try:
                for row in sorted(chance.sample(range(1, ROWS), chance.randint(1, 4))):
                    change(connection, row, chance)
            except pymysql.err.OperationalError:  # a deadlock of theirs: it was rolled back
                continue
            if chance.random() < 0.2:
                connection.rollback()
            else:
                connection.commit()


def change(connection: Connection, row: int, chance: random.Random) -> None:
    values = (chance.choice(["c1", "c2"]), chance.choice(["new", "sent"]), chance.randrange(99))
    match chance.randrange(6):
        case 0:
            run(connection, "DELETE FROM orders WHERE id = %s", row)
        case 1:
            run(
                connection, "REPLACE INTO orders (id, customer_id, status, total) VALUES (%s, %s, %s, %s)", row, *values
            )
        case 2:
            run(connection, "UPDATE orders SET status = %s, total = total + 1", values[1])
        case _:
            run(
                connection,
                f"INSERT INTO orders {NEW_ROW} ON DUPLICATE KEY UPDATE"
                " customer_id = VALUES(customer_id), status = VALUES(status), total = VALUES(total)",
                row,
                *values,
            )


async def test_what_clients_keep_is_the_table_in_the_end(
    live_shop: LiveShop, shop: MysqlShop, chance: random.Random
) -> None:
    writing = asyncio.gather(*(asyncio.to_thread(write, shop, random.Random(chance.random())) for _ in range(WRITERS)))
    watchers: list[tuple[Watcher, str]] = []
    while not writing.done():
        if len(watchers) < 6:
            store, customer = await live_shop.connect(), await live_shop.connect("customer", "c1")
            watchers += [
                (await store.watch(table="orders", where={"status": "new"}), "status = 'new'"),
                (await customer.watch(table="orders"), "customer_id = 'c1'"),
            ]
        live_shop.cut(chance.choice(watchers)[0])
        await asyncio.sleep(0.01)
    await writing
    for watcher, condition in watchers:
        rows = shop.do(f"SELECT id, status, total + 0 FROM orders WHERE {condition}")
        expected = {str(id_): (status, float(total)) for id_, status, total in rows}
        await watcher.has_of(expected, "status", "total")
