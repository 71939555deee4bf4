"""Tables of another program in a SQLite file: they are told through an outbox, and no write of theirs fails."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ordercast import attach
from ordercast.attach import MappingError
from ordercast.attach.outbox_relay import BATCH_ROWS, OutboxRelay
from ordercast.attach.sqlite.attaching import SqliteAttaching
from ordercast.attach.sqlite.outbox import SqliteOutbox
from ordercast.commerce.timestamps import timestamp
from ordercast.db import SqliteStore, meta
from tests.quick import migrated
from tests.waiting import until

from .test_postgresql import emit

TABLES = """
CREATE TABLE "Customer" ("id" TEXT NOT NULL PRIMARY KEY, "name" TEXT NOT NULL);
CREATE TABLE "Order" ("id" INTEGER NOT NULL PRIMARY KEY,
  "customerId" TEXT NOT NULL REFERENCES "Customer" ON DELETE CASCADE,
  "status" TEXT NOT NULL DEFAULT 'new', "total" INTEGER NOT NULL, "paid" BOOLEAN NOT NULL DEFAULT 0, "shipping" JSONB,
  "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, "raw" BLOB);
CREATE TABLE orders (id INTEGER);
INSERT INTO "Customer" VALUES ('c1', 'Asha'), ('c2', 'Zoe');
"""
ALL = '["insert", "update", "delete"]'


class SqliteShop:
    """The shop's file, and ours beside it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "shop.db"
        self.mapping_path = folder / "ordercast.toml"
        self.store = SqliteStore(migrated(folder / "shop.ordercast.db"))
        self.connection = sqlite3.connect(self.path, isolation_level=None, timeout=60)
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.connection.executescript(TABLES)
        self.relay: OutboxRelay | None = None

    def do(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement, values).fetchall()

    def attaching(self, text: str | None = None) -> SqliteAttaching:
        if text is not None:
            self.mapping_path.write_text(text, encoding="utf-8")
        return SqliteAttaching(self.path, attach.read(self.mapping_path))

    def apply(self, text: str) -> list[str]:
        with self.attaching(text) as attaching:
            return attaching.apply()

    def check(self) -> list[str]:
        with self.attaching() as attaching:
            return [f"{fault.line}: {fault.sentence}" for fault in attaching.check()]

    @asynccontextmanager
    async def relayed(self) -> AsyncIterator[OutboxRelay]:
        """As a node does."""
        mapping = attach.read(self.mapping_path)
        relay = OutboxRelay(self.store, SqliteOutbox(self.path, mapping), mapping, lambda: timestamp(1))
        running = asyncio.create_task(relay.run())
        yield relay
        running.cancel()
        await asyncio.wait([running])

    async def told(self, count: int) -> list[dict[str, Any]]:
        """Every event, when all of them are there, and the outbox is empty."""
        await until(lambda: self.store.last_seq >= count and not self.do("SELECT 1 FROM ordercast_outbox"))
        changes = self.store.changes(0, 100_000)
        assert len(changes) == count
        return [json.loads(bytes(change.after or b"null")) for change in changes]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[SqliteShop]:
    shop = SqliteShop(tmp_path)
    await shop.store.start()
    yield shop
    await shop.store.close()
    shop.connection.close()


async def test_a_row_is_told_by_its_columns_paths_sql_and_view(shop: SqliteShop) -> None:
    shop.do('CREATE VIEW cards AS SELECT o.id, c.name AS who FROM "Order" o JOIN "Customer" c ON c.id = o."customerId"')
    shop.apply(
        emit(
            rooms='["store", "customer_{customerId}"]',
            rest="""view = "cards"
payload = ["{id}", "{paid}", "{createdAt}", "{shipping.to.0}", "{twice}", "{view.who}", "{raw}", "n. {id}", "{note}"]
[emit.sql]
twice = "NEW.total * 2"
note = "json_object('a', NEW.status)\"""",
        )
    )
    assert shop.check() == []
    values = (1, "c1", 5, 1, '{"to": ["Dhaka"]}', "2026-11-30 10:00:00", b"\x00\xff")
    shop.do(
        'INSERT INTO "Order" (id, "customerId", total, paid, shipping, "createdAt", raw) VALUES (?,?,?,?,?,?,?)',
        *values,
    )
    async with shop.relayed():
        (event,) = await shop.told(1)
    assert (event["event"], event["rooms"]) == ("e", ["store", "customer_c1"])
    assert event["args"] == [
        [1, True, "2026-11-30T10:00:00.000Z", "Dhaka", 10, "Asha", "\\x00ff", "n. 1", {"a": "new"}]
    ]
    assert (event["key"], event["on"], event["writer"]) == ({"id": 1}, "insert", {"database": "shop.db"})


async def test_changes_cascades_upserts_and_replacements_are_told_in_their_order(shop: SqliteShop) -> None:
    shop.apply(
        emit(on=ALL, rest='changed = ["total"]\nwhen = "NEW.total <> 7"\npayload = ["{id}", "{total}", "{old.total}"]')
    )
    insert = 'INSERT INTO "Order" (id, "customerId", total) VALUES'
    shop.do(f"{insert} (1, 'c1', 1), (2, 'c1', 7)")
    shop.do(f"{insert} (1, 'c1', 1) ON CONFLICT (id) DO UPDATE SET total = total + 1")
    shop.do("""UPDATE "Order" SET status = 'ready'""")
    shop.do(f"INSERT OR REPLACE {insert[6:]} (1, 'c1', 9)")
    shop.do("BEGIN")
    shop.do(f"{insert} (3, 'c1', 3)")
    shop.do("ROLLBACK")
    shop.do("""DELETE FROM "Customer" WHERE id = 'c1'""")
    async with shop.relayed():
        told = await shop.told(4)
    assert [(event["on"], *event["args"][0]) for event in told] == [
        ("insert", 1, 1, None), ("update", 1, 2, 1), ("insert", 1, 9, None), ("delete", 1, 9, 9),
    ]  # fmt: skip


async def test_what_cannot_be_told_is_a_gap_and_the_write_goes_on(shop: SqliteShop) -> None:
    shop.apply(emit(rest='payload = "{shipping.a.b}"') + emit(rest='name = "second"\npayload = "{total}"'))
    for shipping in ("no json {", "\ud800".encode("utf-8", "surrogatepass"), 9e999, '{"a": {"b": 1}}'):
        shop.do("""INSERT INTO "Order" ("customerId", total, shipping) VALUES ('c1', 1, ?)""", shipping)
    async with shop.relayed() as relay:
        told = await shop.told(7)
        warnings = relay.warnings()
    assert [event["args"] for event in told if event.get("mapping") == "e of Order"] == [[None], [1]]
    assert {"reason": "mapping_failed", "rooms": ["store"]} in told
    assert len([event for event in told if event.get("mapping") == "second"]) == 4
    assert "1: 2 changes were not told: Expecting value" in warnings[0]


async def test_each_row_is_taken_once_whatever_ends_between_the_two_files(shop: SqliteShop) -> None:
    shop.apply(emit(rest='payload = "{total}"'))
    deletes: list[Callable[[], None]] = []

    class Cut(Exception):
        pass

    class CutOutbox(SqliteOutbox):
        """Told, and then the process dies before the rows are deleted."""

        errors: tuple[type[Exception], ...] = (Cut,)

        def delete(self, ids: Sequence[int]) -> None:
            del ids
            deletes.append(lambda: None)
            raise Cut

    for total in range(3):
        shop.do("""INSERT INTO "Order" ("customerId", total) VALUES ('c1', ?)""", total)
    mapping = attach.read(shop.mapping_path)
    cut = asyncio.create_task(
        OutboxRelay(shop.store, CutOutbox(shop.path, mapping), mapping, lambda: timestamp(1)).run()
    )
    await until(lambda: deletes)
    cut.cancel()
    await asyncio.wait([cut])
    assert len(shop.do("SELECT 1 FROM ordercast_outbox")) == 3
    shop.do("""INSERT INTO "Order" ("customerId", total) VALUES ('c1', 3)""")
    async with shop.relayed():
        assert [event["args"] for event in await shop.told(4)] == [[0], [1], [2], [3]]


async def test_what_was_told_before_a_crash_is_deleted_though_earlier_numbers_came_since(shop: SqliteShop) -> None:
    shop.apply(emit(rest='payload = "{total}"'))
    shop.do("""INSERT INTO "Order" ("customerId", total) VALUES ('c1', 1)""")
    ((token,),) = shop.do("SELECT token FROM ordercast_outbox")
    fact = f"outbox:{shop.path.name}"
    await shop.store.write(lambda transaction: transaction.run(meta.KEEP, name=fact, value=token))
    late = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
    columns = "emit, verb, new"
    shop.do(
        f"INSERT INTO ordercast_outbox (id, {columns}) {late} SELECT -i, {columns} FROM n, ordercast_outbox",
        BATCH_ROWS + 1,
    )
    async with shop.relayed():
        assert len(await shop.told(BATCH_ROWS + 1)) == BATCH_ROWS + 1


async def test_many_writers_are_told_once_in_the_order_of_their_rows(shop: SqliteShop) -> None:
    shop.apply(emit(on='"update"', rest='payload = ["{id}", "{total}"]'))
    shop.do("""INSERT INTO "Order" (id, "customerId", total) VALUES (1, 'c1', 0), (2, 'c1', 0), (3, 'c1', 0)""")

    def write(number: int) -> None:
        connection = sqlite3.connect(shop.path, isolation_level=None, timeout=60)
        for turn in range(15):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute('UPDATE "Order" SET total = total + 1 WHERE id <> ?', [number % 4])
            connection.execute("ROLLBACK" if turn % 5 == 0 else "COMMIT")
        connection.close()

    async with shop.relayed():
        await asyncio.gather(*(asyncio.to_thread(write, number) for number in range(8)))
        totals = dict(shop.do('SELECT id, total FROM "Order"'))
        told = await shop.told(sum(totals.values()))
    for id_, total in totals.items():
        assert [n for of, n in (event["args"][0] for event in told) if of == id_] == list(range(1, total + 1))


async def test_an_event_is_published_by_sql_in_the_shops_own_file(shop: SqliteShop) -> None:
    shop.apply(emit())
    shop.do("""INSERT INTO ordercast_publish VALUES ('new_order', '["a"]', '[{"x": 1}]')""")
    for wrong in ("('', '[\"a\"]', '[]')", "('e', '[]', '[]')", "('e', '[\"a\"]', '{}')"):
        with pytest.raises(sqlite3.IntegrityError):
            shop.do(f"INSERT INTO ordercast_publish VALUES {wrong}")
    async with shop.relayed():
        (event,) = await shop.told(1)
    assert event == {"event": "new_order", "rooms": ["a"], "args": [{"x": 1}]}


async def test_a_migration_that_rebuilds_the_table_is_found_and_mended(shop: SqliteShop) -> None:
    text = emit(rest='payload = "{total}"')
    shop.apply(text)
    async with shop.relayed() as relay:
        shop.do('ALTER TABLE "Order" ADD COLUMN note TEXT')
        shop.do('ALTER TABLE "Order" DROP COLUMN raw')
        assert shop.check() == []
        shop.do('CREATE TABLE new_order AS SELECT * FROM "Order"')
        shop.do('DROP TABLE "Order"')
        shop.do('ALTER TABLE new_order RENAME TO "Order"')
        (fault,) = shop.check()
        assert "a trigger on Order is missing, and no e is told" in fault
        await until(lambda: any("is missing" in each for each in relay.warnings()))
        shop.apply(text)
        await until(lambda: not relay.warnings())
        shop.do("""INSERT INTO "Order" (id, "customerId", total) VALUES (1, 'c1', 4)""")
        assert [event["args"] for event in await shop.told(1)] == [[4]]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (emit("Orders2"), "2: there is no table Orders2"),
        (emit(rest='payload = "{Total}"'), "6: Order has no column Total; there is total"),
        (emit(rest='when = "NEW.totl > 1"'), "6: SQLite cannot read this: no such column: NEW.totl"),
        (emit(rest='on_error = "fail"'), "6: in SQLite events are made behind the commit"),
    ],
)
async def test_what_the_file_has_not_is_told_with_its_line(shop: SqliteShop, text: str, fault: str) -> None:
    with pytest.raises(MappingError) as raised:
        shop.apply(text)
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"{shop.mapping_path}:{fault}")


async def test_detaching_leaves_the_file_as_it_was(shop: SqliteShop) -> None:
    before = shop.do("SELECT name, sql FROM sqlite_master ORDER BY name")
    shop.apply(emit(on=ALL))
    shop.apply(emit(on='"insert"'))
    with shop.attaching() as attaching:
        attaching.detach(with_schema=True)
    assert shop.do("SELECT name, sql FROM sqlite_master ORDER BY name") == before
