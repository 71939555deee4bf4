"""Another database behind the URL of a running node: nothing is confirmed there before positions have begun anew."""

from __future__ import annotations

import asyncio

import pytest

from ordercast.db import NotCommitted, StoreError
from ordercast.db.postgresql.connection import interrupt
from ordercast.db.postgresql.store import PostgresqlStore
from tests.postgres import Postgres
from tests.waiting import until

from .shop import place_one
from .shops import PostgresqlShop
from .test_postgresql import started, store
from .test_stores import PLACED, Follower

__all__ = ["store"]


def put_in_its_place(server: Postgres, name: str, other: str) -> None:
    """Have `other` answer under the name of the first, as a restored copy or a standby that took over does."""
    server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('{name}', '{other}')"
        " AND pid <> pg_backend_pid()"
    )
    server.execute(f"ALTER DATABASE {name} RENAME TO {name}_former")
    server.execute(f"ALTER DATABASE {other} RENAME TO {name}")


def copied(server: Postgres, name: str) -> str:
    server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    )
    copy = server.new_database(name)
    server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    return copy


async def placed_again(store: PostgresqlStore) -> str:
    async with asyncio.timeout(60):
        while True:
            try:
                return (await place_one(store)).id
            except StoreError:
                await asyncio.sleep(0.05)


async def test_an_older_copy_behind_the_url_is_a_new_epoch_before_an_order_is_confirmed(
    store: PostgresqlStore, postgresql: PostgresqlShop
) -> None:
    server, name = postgresql.server, postgresql.name
    follower = Follower(store)
    await place_one(store)
    await follower.hears_rows(1)
    copy = await asyncio.to_thread(copied, server, name)
    await placed_again(store)
    epoch = store.epoch
    await asyncio.to_thread(put_in_its_place, server, name, copy)
    order_id = await placed_again(store)
    ((there,),) = postgresql.ask("SELECT value FROM meta WHERE name = 'epoch'")
    assert there != epoch
    await until(lambda: store.epoch == there)
    assert postgresql.ask(f"SELECT count(*) FROM orders WHERE id = '{order_id}'") == [(1,)]
    assert store._writer is not None
    server.execute(f"DROP DATABASE {name}_former WITH (FORCE)")


async def test_a_writer_that_stayed_with_the_former_database_leaves_it_when_the_feed_is_followed_elsewhere(
    store: PostgresqlStore, postgresql: PostgresqlShop, postgres_template: str
) -> None:
    """As where the former primary is still there after a failover."""
    server, name = postgresql.server, postgresql.name
    await place_one(store)
    other = server.new_database(postgres_template)
    former = store.epoch
    target = postgresql.url.replace(name, other)
    for part in (store._tailer, store._sequencer):
        part._url = target
        assert part._connection is not None
        interrupt(part._connection)
    store._connector._url = target
    await until(lambda: store.epoch != former)
    await placed_again_seeded(store)
    assert server.execute("SELECT count(*) FROM orders", other) == [(1,)]
    assert server.execute("SELECT count(*) FROM orders", name) == [(1,)]
    server.drop(other)


async def placed_again_seeded(store: PostgresqlStore) -> None:
    await store.write(lambda transaction: transaction.run(PLACED.format("ord_there")))


async def test_a_history_that_went_back_and_on_is_known_by_the_row_that_was_read_last(
    store: PostgresqlStore, postgresql: PostgresqlShop
) -> None:
    follower = Follower(store)
    for number in range(3):
        await asyncio.to_thread(postgresql.execute, PLACED.format(f"ord_{number}"))
    await follower.hears_rows(3)
    epoch = store.epoch
    # As after a restore, and as many orders of other nodes: the same number is another row.
    postgresql.execute("UPDATE feed SET entity_id = 'ord_other', at = '2026-12-24T18:00:00.000Z' WHERE seq = 3")
    await until(lambda: store.epoch != epoch)


async def test_a_trigger_that_is_missing_refuses_what_would_go_unheard(
    store: PostgresqlStore, postgresql: PostgresqlShop
) -> None:
    order = await place_one(store)
    postgresql.execute("ALTER TABLE orders DISABLE TRIGGER orders_changed")
    await until(lambda: bool(store._connector.missing))
    held = "UPDATE orders SET status = 'on_hold', held_from = status WHERE id = '{0}'"
    with pytest.raises(NotCommitted, match="orders_changed"):
        await store.write(lambda transaction: transaction.run(held.format(order.id)))
    postgresql.execute("ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_changed")
    await until(lambda: not store._connector.missing)
    await store.write(lambda transaction: transaction.run(held.format(order.id)))


async def test_a_restart_of_the_same_server_goes_on(postgresql: PostgresqlShop) -> None:
    store = await started(postgresql)
    epoch = store.epoch
    postgresql.server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{postgresql.name}'"
    )
    await store.write(lambda transaction: transaction.run(PLACED.format("ord_1")))
    assert store.epoch == epoch
    await store.close()
