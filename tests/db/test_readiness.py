"""What a store says of itself: whether changes can be made and told, as a small write has just shown."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ordercast.db import NotCommitted, SqliteStore, StoreError
from ordercast.db.sqlite.space import Space
from ordercast.telemetry import DATABASE_LOG_BYTES, UNITS_COMMITTED

from .shop import by_another_program, place_one
from .shops import AnyStore, PostgresqlShop, ShopDatabase
from .test_store_identity import MANY_ROWS
from .test_stores import Follower
from .test_stores import store as any_store

__all__ = ["any_store"]


@pytest.fixture
async def pg(postgresql: PostgresqlShop) -> AsyncIterator[AnyStore]:
    store = postgresql.store()
    await store.start()
    yield store
    await store.close()


async def place_many(store: AnyStore) -> None:
    for _ in range(500):
        await place_one(store)


def forget(store: AnyStore) -> None:
    """As if the last answer were a second old."""
    store._readiness._found = None


async def test_readiness_asks_for_a_write_and_wakes_nobody(any_store: AnyStore) -> None:
    woken: list[None] = []
    follower = Follower(any_store)
    await place_one(any_store)
    await follower.hears_rows(1)
    if isinstance(any_store, SqliteStore) and any_store._poll is not None:
        any_store._poll.cancel()  # it sees what anybody commits, and may come between the write and its answer
    any_store.watch(lambda: woken.append(None))
    before = UNITS_COMMITTED._value.get()
    assert await any_store.faults() == []
    await asyncio.sleep(0)  # for the writer's own word, which comes behind the answer
    assert woken == []
    assert UNITS_COMMITTED._value.get() == before + 1
    assert await any_store.read(lambda t: t.all("SELECT name FROM meta WHERE substr(name, 1, 5) = 'probe'")) == []


async def test_however_often_it_is_asked_the_database_is_looked_at_once(any_store: AnyStore) -> None:
    before = UNITS_COMMITTED._value.get()
    answers = await asyncio.gather(*(any_store.faults() for _ in range(100)))
    assert answers == [[]] * 100
    assert UNITS_COMMITTED._value.get() == before + 1


async def test_a_full_disk_is_a_fault_until_there_is_room(store: SqliteStore) -> None:
    assert await store.faults() == []
    ((pages,),) = await store.read(lambda t: t.all("PRAGMA page_count"))
    await store.write(lambda transaction: transaction.one(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(NotCommitted, match="full"):
        await place_many(store)
    (fault,) = await store.faults()
    assert "full" in fault
    await store.write(lambda transaction: transaction.one("PRAGMA max_page_count = 1000000"))
    forget(store)
    assert await store.faults() == []


async def test_a_disk_that_is_full_for_the_log_is_a_fault_and_the_feed_is_told_all_the_same(
    store: SqliteStore, path: Path
) -> None:
    """No file of this process may grow, as where the disk has nothing left."""
    await place_one(store)
    bound = resource.getrlimit(resource.RLIMIT_FSIZE)
    longest = max(part.stat().st_size for part in path.parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (longest, bound[1]))
    try:
        with pytest.raises(NotCommitted):
            await place_many(store)
        (fault,) = await store.faults()
        assert "not committed" in fault
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, bound)
    await place_one(store)
    forget(store)
    assert await store.faults() == []


async def test_a_database_that_another_program_locks_is_a_fault(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.write(lambda transaction: transaction.one("PRAGMA busy_timeout = 50"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        (fault,) = await store.faults()
        assert "locked" in fault
    forget(store)
    assert await store.faults() == []


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("ALTER TABLE product_history RENAME TO gone", "product_history"),
        ("ALTER TABLE customers RENAME COLUMN mobile TO phone", "customers.mobile"),
    ],
)
async def test_what_is_missing_of_the_schema_is_named(
    any_store: AnyStore, database: ShopDatabase, statement: str, named: str
) -> None:
    await asyncio.to_thread(database.execute, statement)
    faults = await any_store.faults()
    assert any(named in fault for fault in faults), faults


async def test_a_table_that_was_dropped_refuses_orders_with_the_reason(
    any_store: AnyStore, database: ShopDatabase
) -> None:
    await asyncio.to_thread(database.execute, "ALTER TABLE order_lines RENAME TO gone")
    with pytest.raises(NotCommitted, match="order_lines"):
        await place_one(any_store)
    await asyncio.to_thread(database.execute, "ALTER TABLE gone RENAME TO order_lines")
    await place_one(any_store)


@pytest.mark.parametrize("trigger", ["orders_placed", "orders_changed"])
async def test_a_dropped_trigger_refuses_orders(any_store: AnyStore, database: ShopDatabase, trigger: str) -> None:
    where = " ON orders" if database.external_actor != "db:external" else ""
    await asyncio.to_thread(database.execute, f"DROP TRIGGER {trigger}{where}")
    if where and trigger == "orders_changed":
        return  # met within a second, for the whole schema is not asked for with each commit
    with pytest.raises(StoreError, match="trigger"):
        await place_one(any_store)


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


async def test_a_server_that_takes_no_writes_is_a_fault_until_it_does(pg: AnyStore, postgresql: PostgresqlShop) -> None:
    assert await pg.faults() == []
    alter = f"ALTER DATABASE {postgresql.name} SET default_transaction_read_only = "
    postgresql.server.execute(alter + "on")
    await pg.write(lambda transaction: transaction.run("SET default_transaction_read_only = on"))
    forget(pg)
    (fault, *_) = await pg.faults()
    assert "read-only" in fault
    postgresql.server.execute(alter + "off")
    forget(pg)
    assert await pg.faults() == []


async def test_a_role_that_may_not_write_is_named(postgresql: PostgresqlShop) -> None:
    role = f"clerk_{postgresql.name}"
    postgresql.server.execute(f"CREATE ROLE {role} LOGIN")
    for statement in (
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}",
        f"REVOKE INSERT ON orders FROM {role}",
    ):
        postgresql.server.execute(statement, postgresql.name)
    store: Any = type(postgresql.store())(postgresql.server.url(postgresql.name, role))
    await store.start()
    with pytest.raises(NotCommitted, match="permission denied"):
        await store.write(lambda transaction: transaction.run("INSERT INTO orders (total) VALUES (1)"))
    assert any("orders" in fault for fault in await store.faults())
    await store.close()
    postgresql.server.execute(f"DROP OWNED BY {role}", postgresql.name)
    postgresql.server.execute(f"DROP ROLE {role}")


async def test_a_table_that_is_changed_under_prepared_statements_is_read_on(
    any_store: AnyStore, database: ShopDatabase
) -> None:
    def query(transaction: Any) -> Any:
        return transaction.all("SELECT * FROM promotions")

    for _ in range(8):
        await any_store.read(query)
    await asyncio.to_thread(database.execute, "ALTER TABLE promotions ADD COLUMN note text")
    await any_store.read(query)


# --- Room -------------------------------------------------------------------------------------------------------------


async def test_a_disk_that_is_nearly_full_is_warned_of(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    space = Space(path, free_mb_min=1 << 40)
    for _ in range(2):
        (warning,) = space.warnings()
        assert "MB left" in warning
    assert caplog.text.count("MB left") == 1


async def test_a_log_that_a_reader_keeps_from_being_reused_is_warned_of(store: SqliteStore, path: Path) -> None:
    store._space = Space(path, free_mb_min=0, log_mb_max=8)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM orders").fetchone()
        for _ in range(2):
            await store.write(lambda transaction: transaction.run(MANY_ROWS))
            await store.write(lambda transaction: transaction.run("DELETE FROM meta WHERE name <> 'epoch'"))
        (warning,) = store.warnings()
        assert "shop.db-wal has grown" in warning
        assert DATABASE_LOG_BYTES._value.get() > 8 << 20
    by_another_program(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    assert store.warnings() == []
