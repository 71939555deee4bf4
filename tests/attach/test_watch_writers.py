"""What stock clients keep of a table is the table, whatever is written to it, in whatever order it commits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from ordercast.attach.attached_tables import AttachedTables
from ordercast.commerce.timestamps import timestamp
from ordercast.db.postgresql.store import PostgresqlStore

from .conftest import AttachedShop
from .watchers import LiveShop, Watcher, live

WRITERS = 4
TRANSACTIONS = 25
ROWS = 12
TABLE = "CREATE TABLE ticket (a integer, b uuid NOT NULL, owner text, state text, n integer, PRIMARY KEY (a, b))"
MAPPING = """
[[watch]]
table = "ticket"
rooms = ["store-owners", "customer_{owner}"]
columns = ["owner", "state", "n"]
where = ["state", "owner"]
"""
NUMBERS = [f"00000000-0000-0000-0000-{number:012}" for number in range(2)]


def write(shop: AttachedShop, chance: random.Random) -> None:
    """Insert, change, move, hand over and delete some rows, one after another so that nobody waits in a circle."""
    with psycopg.connect(shop.url) as connection:
        for _ in range(TRANSACTIONS):
            for row in sorted(chance.sample(range(ROWS), chance.randint(1, 4))):
                _change(connection, row, chance)
                if chance.random() < 0.2:
                    connection.execute("SELECT pg_sleep(0.003)")
            if chance.random() < 0.2:
                connection.rollback()
            else:
                connection.commit()


def _change(connection: psycopg.Connection, row: int, chance: random.Random) -> None:
    values = {
        "a": row,
        "b": NUMBERS[0],
        "other": NUMBERS[1],
        "owner": chance.choice(["c1", "c2", None]),
        "state": chance.choice(["new", "paid", "sent", None]),
        "n": chance.randrange(100),
    }
    connection.execute("SELECT pg_advisory_xact_lock(%(a)s)", values)  # a row's key may be moved meanwhile
    match chance.randrange(6):
        case 0:
            connection.execute("DELETE FROM ticket WHERE a = %(a)s", values)
        case 1:
            connection.execute("UPDATE ticket SET owner = %(owner)s WHERE a = %(a)s", values)
        case 2 if chance.random() < 0.5:
            connection.execute("UPDATE ticket SET b = %(other)s WHERE a = %(a)s AND b <> %(other)s", values)
        case _:
            connection.execute(
                "INSERT INTO ticket VALUES (%(a)s, %(b)s, %(owner)s, %(state)s, %(n)s)"
                " ON CONFLICT (a) DO UPDATE SET state = EXCLUDED.state, n = EXCLUDED.n",
                values,
            )


@pytest.fixture
async def live_shop(shop: AttachedShop) -> AsyncIterator[LiveShop]:
    shop.do(TABLE)
    # One of each number alone, so that moving a row is never refused.
    shop.do("CREATE UNIQUE INDEX ON ticket (a)")
    shop.apply(MAPPING)
    store = PostgresqlStore(shop.ours_url)
    await store.start()
    attached = AttachedTables(store, shop.mapping(MAPPING), lambda: timestamp(1))
    await attached.look()
    async with live(store, attached.tables) as running:
        yield running
    await store.close()


def table(shop: AttachedShop, condition: str) -> dict[str, Any]:
    rows = shop.do(f"SELECT a, b::text, owner, state, n FROM ticket WHERE {condition}")
    return {f'["{a}","{b}"]': {"owner": owner, "state": state, "n": n} for a, b, owner, state, n in rows}


async def test_what_clients_keep_is_the_table_in_the_end(
    live_shop: LiveShop, shop: AttachedShop, chance: random.Random
) -> None:
    everything = await (await live_shop.connect()).watch(table="ticket")
    some = await (await live_shop.connect()).watch(
        table="ticket", where={"state": ["new", None], "owner": ["c1", "c2"]}
    )
    writers = [asyncio.to_thread(write, shop, random.Random(chance.random())) for _ in range(WRITERS)]
    writing = asyncio.gather(*writers)
    # Some begin while it is being written, and lose their connections.
    late: list[Watcher] = []
    while not writing.done():
        if len(late) < 4:
            role, sub = chance.choice([("store", "usr_1"), ("customer", "c1")])
            late.append(await (await live_shop.connect(role, sub)).watch(table="ticket"))
        live_shop.cut(chance.choice([*late, some]))
        await asyncio.sleep(0.03)
    await writing

    told = {"some": "state IS NULL OR state = 'new'", "theirs": "owner = 'c1'"}
    expected = table(shop, "true")
    await everything.has(expected)
    await some.has(table(shop, f"({told['some']}) AND owner IN ('c1', 'c2')"))
    for watcher in late:
        own = expected if watcher.role == "store" else table(shop, told["theirs"])
        await watcher.has(own)
    heard = [payload for watcher in late if watcher.role == "customer" for _, payload in watcher.heard]
    assert all(payload["row"]["owner"] == "c1" for payload in heard if "row" in payload)
