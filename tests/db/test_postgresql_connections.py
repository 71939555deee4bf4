"""What a database's URL says, what the shop insists on, and a server that has become a standby."""

from __future__ import annotations

import pytest

from ordercast.db import NotCommitted
from ordercast.db.postgresql.connection import connect
from ordercast.db.postgresql.store import PostgresqlStore
from tests.postgres import Postgres

from .shop import place_one
from .shops import PostgresqlShop
from .test_postgresql import started, store
from .test_stores import Follower

__all__ = ["store"]


def setting(url: str, name: str, **more: str) -> str:
    with connect(url, name="test", **more) as connection:
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row is not None
    return str(row[0])


# --- The URL ----------------------------------------------------------------------------------------------------------


async def test_a_schema_that_the_url_names_is_where_the_shop_lives(postgres_server: Postgres) -> None:
    name = postgres_server.new_database()
    postgres_server.execute("CREATE SCHEMA shop", name)
    store = PostgresqlStore(postgres_server.url(name) + "?options=-csearch_path%3Dshop")
    store.migrate()
    store.prepare()
    await store.start()
    follower = Follower(store)
    postgres_server.execute("INSERT INTO shop.orders (id) VALUES ('ord_1')", name)
    await follower.hears_rows(1)
    await store.close()
    assert postgres_server.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name) == [(0,)]
    postgres_server.drop(name)


def test_what_the_url_says_holds_beside_what_the_shop_needs(postgres_url: str) -> None:
    url = f"{postgres_url}?application_name=mine&connect_timeout=20&options=-cwork_mem%3D5MB%20-ctimezone%3DAsia/Dhaka"
    with connect(url, name="writer", options="-c statement_timeout=7s") as connection:
        assert connection.info.get_parameters()["connect_timeout"] == "20"
        assert connection.info.get_parameters()["application_name"] == "ordercast writer"
    assert setting(url, "work_mem") == "5MB"
    assert setting(url, "TimeZone") == "UTC"
    assert setting(url, "statement_timeout", options="-c statement_timeout=7s") == "7s"


def test_of_several_servers_the_one_that_takes_writes_is_wanted(postgres_server: Postgres, postgres_url: str) -> None:
    two = postgres_url.replace("127.0.0.1", f"127.0.0.1:{postgres_server.port},127.0.0.1")
    for url, wanted in ((two, "read-write"), (f"{two}?target_session_attrs=primary", "primary"), (postgres_url, None)):
        with connect(url, name="test") as connection:
            assert connection.info.get_parameters().get("target_session_attrs") == wanted


@pytest.mark.parametrize(("asked", "held"), [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply")])
def test_a_commit_is_not_confirmed_before_it_is_durable(postgres_url: str, asked: str, held: str) -> None:
    assert setting(f"{postgres_url}?options=-csynchronous_commit%3D{asked}", "synchronous_commit") == held


# --- A standby --------------------------------------------------------------------------------------------------------


async def test_a_writer_whose_server_has_become_a_standby_looks_for_the_other(
    store: PostgresqlStore, postgresql: PostgresqlShop
) -> None:
    for _ in range(2):
        await store.write(lambda transaction: transaction.run("SET default_transaction_read_only = on"))
        order = await place_one(store)
        assert postgresql.ask(f"SELECT count(*) FROM orders WHERE id = '{order.id}'") == [(1,)]
    assert await store.read(lambda transaction: transaction.one("SELECT 1")) == (1,)


async def test_where_there_is_no_other_it_is_told_so_until_there_is(postgresql: PostgresqlShop) -> None:
    store = await started(postgresql)
    alter = f"ALTER DATABASE {postgresql.name} SET default_transaction_read_only = "
    postgresql.server.execute(alter + "on")
    await store.write(lambda transaction: transaction.run("SET default_transaction_read_only = on"))
    write = "INSERT INTO meta (name, value) VALUES ('x', 'y')"
    for _ in range(2):
        with pytest.raises(NotCommitted, match="read-only"):
            await store.write(lambda transaction: transaction.run(write))
    postgresql.server.execute(alter + "off")
    assert await store.write(lambda transaction: transaction.run(write)) == 1
    await store.close()
