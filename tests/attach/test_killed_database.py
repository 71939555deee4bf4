"""Attached tables on a PostgreSQL that is killed under its writers: what was committed is told once, in order."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import defaultdict
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

WRITERS = 4
ROWS = 8
KILLS = 2
BETWEEN_KILLS = 40
MAPPING = """
[[emit]]
table = "counted"
on = ["insert", "update"]
event = "counted"
rooms = ["row_{id}"]
payload = ["{id}", "{n}"]
"""


class Writers:
    """Programs of the shop that count rows up by transactions of several statements, and come back after a crash."""

    def __init__(self, url: str) -> None:
        self.confirmed = 0
        self.is_stopping = False
        self._url = url
        self._lock = threading.Lock()

    async def write(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(self._write, number) for number in range(WRITERS)))

    def _write(self, number: int) -> None:
        while not self.is_stopping:
            try:
                with psycopg.connect(self._url, connect_timeout=5) as connection:
                    while not self.is_stopping:
                        self._count_up(connection, number)
            except psycopg.OperationalError:
                continue  # it is dead, or on its way up

    def _count_up(self, connection: psycopg.Connection, number: int) -> None:
        for row in sorted({number % ROWS, (number + 1) % ROWS}):  # shared with a neighbour
            connection.execute(
                "INSERT INTO counted VALUES (%s, 1) ON CONFLICT (id) DO UPDATE SET n = counted.n + 1", [row]
            )
        connection.commit()
        with self._lock:
            self.confirmed += 1


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

    told: dict[int, list[int]] = defaultdict(list)
    for change in heard:
        assert change.after is not None
        ((row, n),) = json.loads(bytes(change.after))["args"]
        told[row].append(n)
    committed = dict(server.execute("SELECT id, n FROM counted", name))
    assert told == {row: list(range(1, n + 1)) for row, n in committed.items()}
    assert [change.seq for change in heard] == list(range(1, len(heard) + 1))
    assert server.execute("SELECT count(*) FROM ordercast.attach_errors", name) == [(0,)]


async def _write_and_kill(server: Postgres, name: str, store: PostgresqlStore) -> list[Change]:
    """All changes that the store has heard of in the end."""
    writers = Writers(server.url(name))
    writing = asyncio.create_task(writers.write())
    try:
        for _ in range(KILLS):
            enough = writers.confirmed + BETWEEN_KILLS
            await until(lambda enough=enough: writers.confirmed >= enough)  # type: ignore[misc]
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        enough = writers.confirmed + BETWEEN_KILLS
        await until(lambda: writers.confirmed >= enough)
    finally:
        writers.is_stopping = True
        await writing
    ((committed,),) = server.execute("SELECT sum(n) FROM counted", name)
    heard: list[Change] = []

    def has_heard_all() -> bool:
        heard.extend(store.changes(heard[-1].seq if heard else 0, 1_000))
        return bool(len(heard) >= committed)

    await until(has_heard_all)
    return heard
