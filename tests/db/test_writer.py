from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from ordercast.db import LockedElsewhere, NotCommitted, Overloaded, SqliteStore, StoreClosed, Transaction, writer
from ordercast.telemetry import GROUP_SIZE, UNITS_COMMITTED

from .shop import ask, busy_writer

ADD = "INSERT INTO meta (name, value) VALUES (:name, 'x')"


def adds(name: str) -> writer.Unit:
    return lambda transaction: transaction.run(ADD, name=name)


async def names(store: SqliteStore) -> set[str]:
    return {name for (name,) in await ask(store, "SELECT name FROM meta WHERE name <> 'epoch'")}


async def test_units_that_wait_together_are_committed_together(store: SqliteStore) -> None:
    async with busy_writer(store):
        before = sum(bucket.get() for bucket in GROUP_SIZE._buckets)
        units_before = UNITS_COMMITTED._value.get()
        waiting = [asyncio.create_task(store.write(adds(f"n{number}"))) for number in range(50)]
    await asyncio.gather(*waiting)
    assert sum(bucket.get() for bucket in GROUP_SIZE._buckets) - before == 2
    assert UNITS_COMMITTED._value.get() - units_before == 51
    assert len(await names(store)) == 50


async def test_a_unit_that_fails_takes_only_its_own_changes_back(store: SqliteStore) -> None:
    def fails(transaction: Transaction) -> None:
        transaction.run(ADD, name="gone")
        raise LookupError("my own fault")

    outcomes = await asyncio.gather(
        store.write(adds("one")), store.write(fails), store.write(adds("two")), return_exceptions=True
    )
    assert outcomes[0] == outcomes[2] == 1
    assert isinstance(outcomes[1], LookupError)
    assert await names(store) == {"one", "two"}


async def test_a_statement_that_the_database_refuses_is_its_callers(store: SqliteStore) -> None:
    outcomes = await asyncio.gather(
        store.write(adds("same")), store.write(adds("same")), store.write(adds("other")), return_exceptions=True
    )
    assert isinstance(outcomes[1], sqlite3.IntegrityError)
    assert await names(store) == {"same", "other"}


async def test_a_failed_commit_fails_the_whole_group_and_the_next_goes_on(store: SqliteStore) -> None:
    def breaks_a_promise(transaction: Transaction) -> None:
        transaction.run("PRAGMA defer_foreign_keys = ON")
        transaction.run("INSERT INTO order_lines VALUES (999, 0, 'prd_nothing', 1, 1, 1, 1, 1)")

    async with busy_writer(store):
        group = [asyncio.create_task(store.write(unit)) for unit in (adds("one"), breaks_a_promise, adds("two"))]
    outcomes = await asyncio.gather(*group, return_exceptions=True)
    assert all(isinstance(outcome, NotCommitted) for outcome in outcomes)
    assert await names(store) == set()
    await store.write(adds("after"))
    assert await names(store) == {"after"}


async def test_another_programs_long_transaction_fails_the_group_not_the_writer(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.write(lambda transaction: transaction.one("PRAGMA busy_timeout = 50"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LockedElsewhere, match="the database is locked by another program"):
        await store.write(adds("refused"))
    other.execute("COMMIT")
    other.close()
    await store.write(adds("taken"))
    assert await names(store) == {"taken"}


async def test_a_full_disk_refuses_the_change_and_the_next_goes_on(store: SqliteStore) -> None:
    def fills_up(transaction: Transaction) -> None:
        row = transaction.one("PRAGMA page_count")
        assert row is not None
        transaction.one(f"PRAGMA max_page_count = {row[0]}")
        for n in range(100):
            transaction.run("INSERT INTO meta VALUES (:name, hex(zeroblob(4000)))", name=f"long {n}")

    with pytest.raises(NotCommitted, match="full"):
        await store.write(fills_up)
    await store.write(lambda transaction: transaction.one("PRAGMA max_page_count = 1000000"))
    await store.write(adds("after"))
    assert await names(store) == {"after"}


async def test_past_its_bound_the_writer_says_so_at_once(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "UNITS_WAITING_MAX", 3)
    gate = threading.Event()
    waiting = [asyncio.create_task(store.write(lambda _: gate.wait(10))) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as caught:
        await store.write(adds("late"))
    assert caught.value.retry_after_s == 1
    gate.set()
    await asyncio.gather(*waiting)
    await store.write(adds("later"))
    assert await names(store) == {"later"}


async def test_a_caller_who_leaves_does_not_stop_the_unit(store: SqliteStore) -> None:
    gate = threading.Event()
    blocked = asyncio.create_task(store.write(lambda _: gate.wait(10)))
    leaving = asyncio.create_task(store.write(adds("kept")))
    await asyncio.sleep(0)
    leaving.cancel()
    gate.set()
    await blocked
    await store.write(adds("next"))
    assert await names(store) == {"kept", "next"}


async def test_closing_finishes_what_was_submitted(store: SqliteStore, path: Path) -> None:
    tasks = [asyncio.create_task(store.write(adds(f"n{number}"))) for number in range(20)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*tasks)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM meta").fetchone() == (21,)
    connection.close()
    with pytest.raises(StoreClosed):
        await store.write(adds("too late"))
    with pytest.raises(StoreClosed):
        await ask(store, "SELECT 1")
