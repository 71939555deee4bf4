"""An embedded database that is taken away, replaced, restored or damaged under a running store."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ordercast.db import NotCommitted, OutcomeUnknown, SqliteStore, StoreError, StoreUnavailable
from ordercast.db.errors import FeedRowMissing
from ordercast.db.sqlite import file
from tests.waiting import until

from .shop import ask, by_another_program, place_one

# Six megabytes.
MANY_ROWS = """
INSERT INTO meta WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 800)
SELECT 'fact ' || n, hex(zeroblob(4000)) FROM numbers
"""


def inode(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0


def remove(path: Path) -> None:
    path.unlink()


def move(path: Path, to: Path) -> None:
    path.rename(to)


def orders_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [id_ for (id_,) in connection.execute("SELECT id FROM orders ORDER BY number")]


def copy_of(path: Path) -> Path:
    """What `.backup` makes of it."""
    copy = path.with_name("copy.db")
    by_another_program(path, f".backup {copy}")
    return copy


async def refused(store: SqliteStore) -> str:
    with pytest.raises(StoreError) as caught:
        await place_one(store)
    assert isinstance(caught.value, NotCommitted | OutcomeUnknown)
    (fault,) = await store.faults()
    return fault


async def back(store: SqliteStore) -> None:
    await until(lambda: store._file.trouble is None)
    assert await store.faults() == []


async def test_nothing_is_confirmed_once_the_file_is_deleted_and_none_is_made_in_its_place(
    store: SqliteStore, path: Path
) -> None:
    await place_one(store)
    remove(path)
    assert "shop.db is gone" in await refused(store)
    with pytest.raises(StoreUnavailable, match="gone"):
        await ask(store, "SELECT 1")
    await asyncio.sleep(0.2)
    assert inode(path) == 0
    assert "shop.db is gone" in await refused(store)


async def test_what_is_deleted_between_commit_and_answer_is_not_confirmed(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store._file, "before_commit", lambda _: path.unlink())
    with pytest.raises(OutcomeUnknown):
        await place_one(store)


async def test_a_file_that_is_put_back_goes_on_where_it_was(store: SqliteStore, path: Path) -> None:
    order, epoch = await place_one(store), store.epoch
    away = path.with_name("away.db")
    move(path, away)
    await refused(store)
    move(away, path)
    await back(store)
    again = await place_one(store)
    assert orders_in(path) == [order.id, again.id]
    assert store.epoch == epoch


async def test_a_copy_that_has_all_of_it_goes_on_without_a_word(store: SqliteStore, path: Path) -> None:
    order, epoch = await place_one(store), store.epoch
    move(copy_of(path), path)
    await until(lambda: store._file.trouble is not None)
    await back(store)
    again = await place_one(store)
    assert store.epoch == epoch
    assert orders_in(path) == [order.id, again.id]


async def test_an_older_copy_moved_over_it_is_a_new_epoch_and_what_was_moved_away_is_whole(
    store: SqliteStore, path: Path
) -> None:
    woken = asyncio.Event()
    store.watch(woken.set)
    first, epoch = await place_one(store), store.epoch
    copy = copy_of(path)
    lost = await place_one(store)
    former = path.with_name("former.db")
    move(path, former)
    move(copy, path)
    woken.clear()
    await until(lambda: store.epoch != epoch)
    assert woken.is_set()
    again = await place_one(store)
    assert orders_in(path) == [first.id, again.id]
    assert orders_in(former) == [first.id, lost.id]
    assert [change.entity_id for change in store.changes(0, 10)] == [first.id, again.id]


async def test_another_shop_with_more_rows_is_another_history(store: SqliteStore, path: Path) -> None:
    epoch = store.epoch
    await place_one(store)
    other = path.with_name("other.db")
    other_store = SqliteStore(other)
    await asyncio.to_thread(other_store.migrate)
    by_another_program(other, "INSERT INTO orders (total) VALUES (1);" * 5)
    move(other, path)
    await until(lambda: store.epoch != epoch)
    assert store.last_seq == 5


@pytest.mark.parametrize("way", ["restore", "backup api"])
async def test_a_restore_in_place_is_a_new_epoch(store: SqliteStore, path: Path, way: str) -> None:
    epoch = store.epoch
    first = await place_one(store)
    copy = copy_of(path)
    await place_one(store)
    store.changes(0, 10)
    if way == "restore":
        by_another_program(path, f".restore {copy}")
    else:
        with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)
    await until(lambda: store.epoch != epoch)
    await back(store)
    again = await place_one(store)
    assert orders_in(path) == [first.id, again.id]


async def test_a_restore_in_place_is_met_before_the_next_confirmation(store: SqliteStore, path: Path) -> None:
    """The loop has no time to look: the transaction itself does."""
    await place_one(store)
    copy = copy_of(path)
    await place_one(store)
    store.changes(0, 10)
    by_another_program(path, f".restore {copy}")
    with pytest.raises(NotCommitted, match="restored"):
        await place_one(store)


@pytest.mark.parametrize("what", ["", "no database at all " * 1000, "SQLite format 3\0" + "x" * 5000])
async def test_what_is_no_shop_is_refused_until_one_is_there(store: SqliteStore, path: Path, what: str) -> None:
    order = await place_one(store)
    copy = copy_of(path)
    junk = path.with_name("junk")
    junk.write_text(what)
    move(junk, path)
    assert "shop.db" in await refused(store)
    move(copy, path)
    await back(store)
    await place_one(store)
    assert orders_in(path)[0] == order.id


async def test_a_database_that_is_no_shops_is_named(store: SqliteStore, path: Path) -> None:
    other = path.with_name("other.db")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE notes (text)")
    move(other, path)
    await until(lambda: "no shop" in (store._file.trouble or ""))
    assert "no shop" in await refused(store)


async def test_a_file_that_is_emptied_is_refused_and_its_log_is_left_alone(store: SqliteStore, path: Path) -> None:
    await place_one(store)
    copy = copy_of(path)
    os.truncate(path, 0)
    fault = await refused(store)
    assert "emptied" in fault or "empty" in fault
    move(copy, path)
    await back(store)
    await place_one(store)


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
async def test_a_log_that_is_taken_away_costs_nothing_of_what_was_confirmed(
    store: SqliteStore, path: Path, suffix: str
) -> None:
    order, epoch = await place_one(store), store.epoch
    remove(path.with_name(path.name + suffix))
    await until(lambda: store._file.trouble is not None)
    await back(store)
    again = await place_one(store)
    assert orders_in(path) == [order.id, again.id]
    assert store.epoch == epoch


async def test_a_copy_written_over_it_in_place_is_never_confirmed_over(store: SqliteStore, path: Path) -> None:
    """`cp` onto a file in use lays the log that is there over another database: sound or not, it is looked through."""
    for _ in range(3):
        await place_one(store)
    copy = path.with_name("copy.db")
    by_another_program(path, f"VACUUM INTO '{copy}'")
    await place_one(store)
    shutil.copyfile(copy, path)
    try:
        order = await place_one(store)
    except StoreError:
        assert "shop.db" in (await store.faults() or ["shop.db"])[0]
    else:
        assert order.id in orders_in(path)
    move(copy, path)
    await until(lambda: store._file.trouble is None and inode(path) == store._file._files.main)
    order = await place_one(store)
    assert order.id in orders_in(path)


async def test_a_copy_that_was_written_over_it_is_taken_without_the_log_of_the_former(
    store: SqliteStore, path: Path
) -> None:
    """With that log it would be two databases in one."""
    first, epoch = await place_one(store), store.epoch
    copy = path.with_name("copy.db")
    await store.write(lambda transaction: transaction.run(MANY_ROWS))
    await store.write(lambda transaction: transaction.run("DELETE FROM meta WHERE name <> 'epoch'"))
    by_another_program(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    by_another_program(path, f"VACUUM INTO '{copy}'")  # of few pages, and in another order
    await place_one(store)
    shutil.copyfile(copy, path)
    with pytest.raises(StoreError):
        await place_one(store)
    await until(lambda: store._file.trouble is None)
    assert store.epoch != epoch
    again = await place_one(store)
    assert orders_in(path) == [first.id, again.id]


@pytest.mark.parametrize("step", ["_is_sound", "_must_be_sound_alone", "set_log_aside", "_open", "judged sound"])
async def test_what_is_moved_in_while_a_copy_is_opened_gets_none_of_the_log(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whoever wrote a copy over the file may put it right by another: at any moment between two looks at the path."""
    first = await place_one(store)
    await store.write(lambda transaction: transaction.run(MANY_ROWS))
    await store.write(lambda transaction: transaction.run("DELETE FROM meta WHERE name <> 'epoch'"))
    by_another_program(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    copies = [path.with_name(f"copy{number}.db") for number in range(2)]
    for copy in copies:
        by_another_program(path, f"VACUUM INTO '{copy}'")
    await place_one(store)
    method = "_is_sound" if step == "judged sound" else step
    owner = file if step == "set_log_aside" else store._file
    take = getattr(owner, method)

    def move_and_take(*arguments: object) -> object:
        if not copies[0].exists():
            return take(*arguments)
        move(copies[0], path)
        return True if step == "judged sound" else take(*arguments)

    monkeypatch.setattr(owner, method, move_and_take)
    shutil.copyfile(copies[1], path)
    with pytest.raises(StoreError):
        await place_one(store)
    await until(lambda: store._file.trouble is None and inode(path) == store._file._files.main)
    again = await place_one(store)
    assert not copies[0].exists()
    assert orders_in(path) == [first.id, again.id]


async def test_a_checkpoint_by_another_program_is_no_reason_to_refuse(store: SqliteStore, path: Path) -> None:
    epoch = store.epoch
    for _ in range(3):
        await place_one(store)
        by_another_program(path, "PRAGMA wal_checkpoint")
        await place_one(store)
        by_another_program(path, "PRAGMA wal_checkpoint(TRUNCATE)")
        by_another_program(path, "INSERT INTO orders (total) VALUES (1)")
        await place_one(store)
    assert store.epoch == epoch
    assert await store.faults() == []


async def test_our_own_checkpoints_are_known(store: SqliteStore, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        await store.write(lambda transaction: transaction.run(MANY_ROWS))
        await store.write(lambda transaction: transaction.run("DELETE FROM meta WHERE name <> 'epoch'"))
    assert "looked through" not in caplog.text


async def test_a_missing_trigger_keeps_orders_from_being_taken_until_it_is_there(
    store: SqliteStore, path: Path
) -> None:
    (sql,) = (await ask(store, "SELECT sql FROM sqlite_master WHERE name = 'orders_placed'"))[0]
    by_another_program(path, "DROP TRIGGER orders_placed")
    with pytest.raises(FeedRowMissing, match="trigger"):
        await place_one(store)
    with pytest.raises(NotCommitted, match="orders_placed"):
        await store.write(lambda transaction: transaction.run("INSERT INTO orders (total) VALUES (1)"))
    assert orders_in(path) == []
    by_another_program(path, sql)
    await place_one(store)
