"""Backups of either database, made beside a shop that goes on, and restored."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.db import SqliteStore, products
from ordercast.db.backups import BackupRefused
from ordercast.db.postgresql import backup as postgresql_backup
from ordercast.db.sqlite.backup import back_up, restore
from tests.postgres import NEWEST, SERVED
from tests.waiting import until

from .shop import STORE, ask, now, place_one
from .shops import AnyStore, PostgresqlShop, ShopDatabase


@pytest.fixture(autouse=True)
def programs_of_the_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pg_dump` and `pg_restore` of the server's own version, where a test has PostgreSQL."""
    if "postgresql" in request.fixturenames or "[postgresql" in request.node.name:
        if SERVED != NEWEST and not (SERVED / "bin/pg_restore").exists():
            pytest.skip("of this version there is a server and no programs")
        monkeypatch.setenv("PATH", f"{SERVED / 'bin'}{os.pathsep}{os.environ['PATH']}")


def silent(size: int) -> None:
    assert size > 0


def make_backup(database: ShopDatabase, path: Path, target: Path) -> None:
    if isinstance(database, PostgresqlShop):
        postgresql_backup.back_up(database.url, target)
    else:
        back_up(path, target, silent)


def drafts_in(folder: Path) -> list[str]:
    """What a backup or restore that failed, or is done, must not leave."""
    return [path.name for path in folder.iterdir() if path.name.startswith(".") or ".replaced" in path.name]


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 40 * 4096)
        file.write(os.urandom(30 * 4096))


async def orders_of(store: AnyStore) -> list[str]:
    return [row[0] for row in await ask(store, "SELECT id FROM orders ORDER BY number")]


async def test_a_backup_is_one_moment_of_a_shop_that_goes_on_and_another_history(
    database: ShopDatabase, path: Path, tmp_path: Path
) -> None:
    store = database.store()
    await store.start()
    await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, STORE, now()))
    before = [(await place_one(store)).id for _ in range(3)]
    target = tmp_path / "backup"
    making = asyncio.create_task(asyncio.to_thread(make_backup, database, path, target))
    placed = list(before)
    while not making.done():
        placed.append((await place_one(store)).id)
    await making
    epoch = store.epoch
    await store.close()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert drafts_in(tmp_path) == []

    restored = restored_elsewhere(database, target, tmp_path)
    await restored.start()
    kept = await orders_of(restored)
    assert kept[: len(before)] == before
    assert kept == placed[: len(kept)]
    assert [change.entity_id for change in restored.changes(0, 1_000)] == kept
    assert restored.epoch != epoch
    again = await place_one(restored)
    assert (await orders_of(restored))[-1] == again.id
    assert await restored.faults() == []
    await restored.close()


def restored_elsewhere(database: ShopDatabase, backup: Path, tmp_path: Path) -> AnyStore:
    if not isinstance(database, PostgresqlShop):
        other = tmp_path / "other.db"
        assert restore(backup, other, replace=False) is None
        return SqliteStore(other)
    server = database.server
    name = server.new_database()
    postgresql_backup.restore(backup, server.url(name))
    with pytest.raises(BackupRefused, match="has a shop already"):
        postgresql_backup.restore(backup, server.url(name))
    return type(database.store())(server.url(name))


async def test_what_is_restored_into_a_running_shop_is_met_and_what_was_there_is_kept(
    store: SqliteStore, path: Path, tmp_path: Path
) -> None:
    first, epoch = await place_one(store), store.epoch
    target = tmp_path / "backup.db"
    back_up(path, target, silent)
    second = await place_one(store)
    with pytest.raises(BackupRefused, match="--replace"):
        restore(target, path, replace=False)
    saved = restore(target, path, replace=True)
    assert saved == tmp_path / "shop.db.replaced"
    await until(lambda: store.epoch != epoch and store._file.trouble is None)
    again = await place_one(store)
    assert await orders_of(store) == [first.id, again.id]
    with closing(sqlite3.connect(saved)) as former:
        assert [id_ for (id_,) in former.execute("SELECT id FROM orders ORDER BY number")] == [first.id, second.id]
    assert restore(target, path, replace=True) == tmp_path / "shop.db.replaced-2"


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "no backup"), (b"hello", "not a database"), (b"SQLite format 3\0" * 300, "junk: ")]
)
async def test_what_is_no_backup_changes_nothing(
    store: SqliteStore, path: Path, tmp_path: Path, content: bytes, reason: str
) -> None:
    order = await place_one(store)
    backup = tmp_path / "junk"
    backup.write_bytes(content)
    with pytest.raises(BackupRefused, match=reason):
        restore(backup, path, replace=True)
    assert await orders_of(store) == [order.id]
    assert drafts_in(tmp_path) == []


async def test_a_damaged_database_makes_no_backup(path: Path, tmp_path: Path, store: SqliteStore) -> None:
    await place_one(store)
    await store.close()
    damage(path)
    with pytest.raises(BackupRefused):
        back_up(path, tmp_path / "backup.db", silent)
    assert not (tmp_path / "backup.db").exists()


def test_a_backup_leaves_alone_what_is_there(postgresql: PostgresqlShop, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    with pytest.raises(BackupRefused, match="already"):
        postgresql_backup.back_up(postgresql.url, taken)
    assert taken.read_text() == "mine"


def test_the_schema_of_ours_is_dumped_without_the_tables_beside_it(postgresql: PostgresqlShop, tmp_path: Path) -> None:
    postgresql.execute('CREATE SCHEMA theirs; CREATE TABLE theirs."Order" (id int)')
    target = tmp_path / "backup"
    postgresql_backup.back_up(postgresql.url, target)
    other = postgresql.server.new_database()
    postgresql_backup.restore(target, postgresql.server.url(other))
    found = postgresql.server.execute("SELECT to_regclass('orders') IS NULL, to_regnamespace('theirs') IS NULL", other)
    assert found == [(False, True)]


def test_a_program_that_is_not_there_is_named(
    postgresql: PostgresqlShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupRefused, match="no pg_dump on the PATH"):
        postgresql_backup.back_up(postgresql.url, tmp_path / "backup")
