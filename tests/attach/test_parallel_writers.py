"""The feed's promises on attached tables, with many writers whose transactions commit in any order."""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator

import psycopg
import pytest

from ordercast.db import Change
from ordercast.db.postgresql.store import PostgresqlStore
from tests.waiting import until

from .conftest import AttachedShop

WRITERS = 8
TRANSACTIONS = 30
ROWS = 12
MAPPING = """
[[emit]]
table = "counted"
on = ["insert", "update"]
event = "counted"
rooms = ["row_{a}_{b}"]
payload = ["{a}", "{b}", "{n}"]
"""


@pytest.fixture
async def store(shop: AttachedShop) -> AsyncIterator[PostgresqlStore]:
    store = PostgresqlStore(shop.ours_url)
    await store.start()
    yield store
    await store.close()


def write(shop: AttachedShop, number: int, chance: random.Random) -> int:
    """Count some rows up, one after another so that nobody waits in a circle, and take some of it back."""
    rolled_back = 0
    with psycopg.connect(shop.url, application_name=f"writer {number}") as connection:
        for _ in range(TRANSACTIONS):
            for row in sorted(chance.sample(range(ROWS), chance.randint(1, 3))):
                connection.execute(
                    "INSERT INTO counted VALUES (%s, gen_random_uuid(), 1)"
                    " ON CONFLICT (a) DO UPDATE SET n = counted.n + 1",
                    [f"{row}"],
                )
                if chance.random() < 0.2:
                    connection.execute("SELECT pg_sleep(0.002)")
            if chance.random() < 0.3:
                connection.rollback()
                rolled_back += 1
            else:
                connection.commit()
    return rolled_back


def has_read_all(shop: AttachedShop, store: PostgresqlStore) -> bool:
    """Whether all is numbered and read; of what nobody takes, a store reads some thousand rows ahead and no more."""
    store.changes(store.last_seq, 1)
    return shop.do("SELECT count(*) FILTER (WHERE seq IS NULL), coalesce(max(seq), 0) FROM ordercast.feed") == [
        (0, store.last_seq)
    ]


async def test_every_commit_is_told_once_in_the_order_of_its_row(
    shop: AttachedShop, store: PostgresqlStore, chance: random.Random
) -> None:
    shop.do("CREATE TABLE counted (a text UNIQUE, b uuid, n integer, PRIMARY KEY (a, b))")
    shop.apply(MAPPING)
    await until(lambda: store.leads and has_read_all(shop, store))  # what tests before it wrote, too
    begun = store.last_seq
    heard: list[Change] = []

    writers = [asyncio.to_thread(write, shop, n, random.Random(chance.random())) for n in range(WRITERS)]
    rolled_back = sum(await asyncio.gather(*writers))
    committed = dict(shop.do("SELECT a, n FROM counted"))

    def has_heard_all() -> bool:
        heard.extend(store.changes(heard[-1].seq if heard else begun, 1_000))
        return len(heard) >= sum(committed.values())

    await until(has_heard_all)
    told: dict[str, list[int]] = defaultdict(list)
    for change in heard:
        assert change.after is not None
        ((a, _, n),) = json.loads(bytes(change.after))["args"]
        told[a].append(n)
    assert told == {a: list(range(1, n + 1)) for a, n in committed.items()}
    assert [change.seq for change in heard] == list(range(heard[0].seq, heard[0].seq + len(heard)))
    assert rolled_back > 0
