"""Attached tables on a PostgreSQL that is killed under its writers: what was committed is told once, in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ordercast import attach
from ordercast.attach.postgresql.attaching import PostgresqlAttaching
from ordercast.db import Change, migrate
from ordercast.db.postgresql.store import PostgresqlStore
from tests.postgres import Postgres, running_postgres
from tests.waiting import until

from .counting import KILLS, Writers, told_once_in_order

COUNT_UP = "INSERT INTO counted VALUES (%s, 1) ON CONFLICT (id) DO UPDATE SET n = counted.n + 1"
MAPPING = """
[[emit]]
table = "counted"
on = ["insert", "update"]
event = "counted"
rooms = ["row_{id}"]
payload = ["{id}", "{n}"]
"""


@pytest.fixture
def server() -> Iterator[Postgres]:
    """One that may be killed."""
    with running_postgres() as server:
        yield server


async def test_what_was_committed_before_during_and_after_a_kill_is_told_once_in_order(
    server: Postgres, tmp_path: Path
) -> None:
    name = server.new_database()
    server.execute("CREATE TABLE counted (id integer PRIMARY KEY, n integer)", name)
    url = f"{server.url(name)}?options=-csearch_path%3Dordercast"
    migrate.upgrade(url)
    (tmp_path / "ordercast.toml").write_text(MAPPING)
    with PostgresqlAttaching(url, attach.read(tmp_path / "ordercast.toml")) as attaching:
        attaching.apply()
    store = PostgresqlStore(url)
    await store.start()
    try:
        heard = await _write_and_kill(server, name, store)
    finally:
        await store.close()

    committed = dict(server.execute("SELECT id, n FROM counted", name))
    assert told_once_in_order([_row_and_number(change) for change in heard]) == committed
    assert [change.seq for change in heard] == list(range(1, len(heard) + 1))
    assert server.execute("SELECT count(*) FROM ordercast.attach_errors", name) == [(0,)]


async def _write_and_kill(server: Postgres, name: str, store: PostgresqlStore) -> list[Change]:
    """All changes that the store has heard of in the end."""
    url = server.url(name)
    async with Writers(
        lambda: psycopg.connect(url, connect_timeout=5),
        lambda connection, row: connection.execute(COUNT_UP, [row]),
        psycopg.OperationalError,
    ) as writers:
        for _ in range(KILLS):
            await writers.go_on()
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        await writers.go_on()
    ((committed,),) = server.execute("SELECT sum(n) FROM counted", name)
    heard: list[Change] = []

    def has_heard_all() -> bool:
        heard.extend(store.changes(heard[-1].seq if heard else 0, 1_000))
        return bool(len(heard) >= committed)

    await until(has_heard_all)
    return heard


def _row_and_number(change: Change) -> tuple[int, int]:
    assert change.after is not None
    ((row, number),) = json.loads(bytes(change.after))["args"]
    return row, number
