from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.db import SessionRow, SqliteStore, Store, Unusable, products, sessions
from ordercast.db.sqlite.store import COMMIT_POLL_S
from ordercast.telemetry import UNITS_COMMITTED

from .shop import STORE, ask, by_another_program, move, now, place_one


async def soon(happened: asyncio.Event) -> None:
    async with asyncio.timeout(60):
        await happened.wait()
    happened.clear()


async def test_the_watcher_is_woken_by_our_commit_before_its_caller_goes_on(store: SqliteStore) -> None:
    woken: list[int] = []
    store.watch(lambda: woken.append(store.last_seq))
    await place_one(store)
    assert woken == [1]


async def test_the_watcher_is_woken_by_another_programs_commit(store: SqliteStore, path: Path) -> None:
    happened = asyncio.Event()
    store.watch(happened.set)
    await asyncio.to_thread(by_another_program, path, "INSERT INTO orders (total) VALUES (1)")
    await soon(happened)
    assert store.last_seq == 1


async def test_our_commit_wakes_once_not_again_when_it_is_looked_for(store: SqliteStore) -> None:
    woken: list[None] = []
    store.watch(lambda: woken.append(None))
    await place_one(store)
    await asyncio.sleep(5 * COMMIT_POLL_S)
    assert len(woken) == 1


async def test_changes_come_in_order_and_in_pages(store: SqliteStore) -> None:
    assert (store.first_seq, store.last_seq, store.changes(0, 10)) == (0, 0, [])
    for _ in range(7):
        await place_one(store)
    seen: list[int] = []
    while page := store.changes(seen[-1] if seen else 0, 3):
        assert len(page) <= 3
        seen += [change.seq for change in page]
    assert seen == [1, 2, 3, 4, 5, 6, 7]


async def test_pruning_is_done_in_small_units(store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "PRUNED_ROWS_MAX", 4)
    by_another_program(
        path, "INSERT INTO published_events (event, created_at) VALUES ('hi', '2026-01-01T00:00:00Z');" * 10
    )
    by_another_program(
        path,
        "".join(f"INSERT INTO idempotency VALUES ('s', '{n}', x'00', '', '2026-01-01T00:00:00Z');" for n in range(9)),
    )
    units_before = UNITS_COMMITTED._value.get()
    await store.prune(feed_rows_max=2, sessions_age_s_max=60, now="2026-11-21T06:15:19.608Z")
    assert UNITS_COMMITTED._value.get() - units_before == 3
    assert (store.first_seq, store.last_seq) == (9, 10)
    assert await ask(store, "SELECT (SELECT count(*) FROM published_events), (SELECT count(*) FROM idempotency)") == [
        (0, 0)
    ]


async def test_the_log_that_is_written_ahead_is_cut_back(store: SqliteStore) -> None:
    assert await store.write(lambda transaction: transaction.one("PRAGMA journal_size_limit")) == (64 * 1024 * 1024,)


async def test_pruning_forgets_sessions_not_seen_for_long(store: SqliteStore) -> None:
    for pid, seen_at in (("old", "2026-11-21T06:00:00.000Z"), ("new", "2026-11-21T06:10:00.000Z")):
        await store.save_session(SessionRow(pid, "s", "/", b"{}", (), seen_at))
    await store.prune(feed_rows_max=10, sessions_age_s_max=600, now="2026-11-21T06:15:00.000Z")
    assert await store.load_session("old") is None
    assert await store.load_session("new") is not None


async def test_pruning_forgets_answers_and_events_of_the_day_before(store: SqliteStore, path: Path) -> None:
    for at in ("2026-11-19T06:00:00.000Z", "2026-11-21T06:00:00.000Z"):
        by_another_program(path, f"INSERT INTO published_events (event, created_at) VALUES ('hi', '{at}')")
        by_another_program(path, f"INSERT INTO idempotency VALUES ('s', '{at}', x'00', '{{}}', '{at}')")
    await store.prune(feed_rows_max=10, sessions_age_s_max=600, now="2026-11-21T06:15:00.000Z")
    assert await ask(store, "SELECT count(*) FROM published_events") == [(1,)]
    assert await ask(store, "SELECT key FROM idempotency") == [("2026-11-21T06:00:00.000Z",)]
    assert store.last_seq == 2


async def test_the_epoch_and_the_data_outlive_a_restart(path: Path) -> None:
    epochs: list[str] = []
    for _ in range(2):
        store: Store = SqliteStore(path)
        assert isinstance(store, SqliteStore)
        await asyncio.to_thread(store.migrate)
        await store.start()
        epochs.append(store.epoch)
        await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, STORE, now()))
        order = await place_one(store)
        await move(store, order.id, "processing")
        await store.close()
        await store.close()  # twice does no harm
    assert epochs[0] == epochs[1]
    assert len(epochs[0]) == 16
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM feed").fetchone() == (4,)
    connection.close()


async def test_a_database_that_was_never_migrated_is_not_started(path: Path) -> None:
    store = SqliteStore(path)
    with pytest.raises(Unusable, match="is gone"):
        await store.start()
    by_another_program(path, "CREATE TABLE notes (text)")
    with pytest.raises(Unusable, match="no shop's database"):
        await store.start()
    await store.close()


async def test_a_file_restored_from_a_copy_begins_a_new_epoch_and_any_other_restart_does_not(path: Path) -> None:
    copy = path.with_name("copy.db")

    async def run(orders: int) -> str:
        store = SqliteStore(path)
        await asyncio.to_thread(store.migrate)
        await store.start()
        await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, STORE, now()))
        for _ in range(orders):
            await place_one(store)
        store.changes(0, 100)
        await store.close()
        return store.epoch

    first = await run(2)
    shutil.copy(path, copy)
    assert await run(0) == await run(3) == first
    shutil.copy(copy, path)
    restored = await run(1)
    assert restored != first
    assert await run(1) == restored
