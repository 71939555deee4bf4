"""Attached tables of a MariaDB that is killed under its writers: what was committed is told once, in order."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pymysql
import pytest

from tests.mariadb import Connection, Mariadb
from tests.waiting import until

from .mysql_shop import MysqlShop, run
from .test_postgresql import emit

WRITERS = 4
ROWS = 8
KILLS = 2
BETWEEN_KILLS = 40


@pytest.fixture
async def shop(mariadb_server: Mariadb, tmp_path: Path) -> AsyncIterator[MysqlShop]:
    shop = MysqlShop(mariadb_server, tmp_path)
    await shop.store.start()
    yield shop
    await shop.store.close()
    shop.close()


class Writers:
    """Programs of the shop that count rows up by transactions of two statements, and come back after a crash."""

    def __init__(self, shop: MysqlShop) -> None:
        self.confirmed = 0
        self.is_stopping = False
        self._shop = shop
        self._lock = threading.Lock()

    async def write(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(self._write, number) for number in range(WRITERS)))

    def _write(self, number: int) -> None:
        while not self.is_stopping:
            try:
                with self._shop.server.connect(self._shop.name, autocommit=False) as connection:
                    while not self.is_stopping:
                        self._count_up(connection, number)
            except (pymysql.err.Error, OSError):
                continue  # it is dead, or on its way up

    def _count_up(self, connection: Connection, number: int) -> None:
        for row in (number, number + 1):  # shared with a neighbour
            run(connection, "UPDATE counted SET n = n + 1 WHERE id = %s", row)
        connection.commit()
        with self._lock:
            self.confirmed += 1


async def test_what_was_committed_before_during_and_after_a_kill_is_told_once_in_order(shop: MysqlShop) -> None:
    shop.do("CREATE TABLE counted (id INT PRIMARY KEY, n INT) ENGINE=InnoDB")
    shop.do(f"INSERT INTO counted SELECT seq, 0 FROM seq_0_to_{ROWS - 1}")
    shop.apply(emit("counted", '"update"', rest='payload = ["{id}", "{n}"]'))
    writers = Writers(shop)
    writing = asyncio.create_task(writers.write())
    try:
        for _ in range(KILLS):
            async with shop.relayed():  # ends with it, in the middle of a batch or not
                enough = writers.confirmed + BETWEEN_KILLS
                await until(lambda enough=enough: writers.confirmed >= enough)  # type: ignore[misc]
                await asyncio.to_thread(shop.server.kill)
                await asyncio.to_thread(shop.server.start)
        enough = writers.confirmed + BETWEEN_KILLS
        await until(lambda: writers.confirmed >= enough)
    finally:
        writers.is_stopping = True
        await writing
    shop.reconnect()
    committed = {int(id_): int(n) for id_, n in shop.do("SELECT id, n FROM counted WHERE n > 0")}
    async with shop.relayed():
        events = await shop.told(sum(committed.values()))
    told: dict[int, list[int]] = defaultdict(list)
    for ((row, n),) in (event["args"] for event in events):
        told[row].append(n)
    assert told == {row: list(range(1, n + 1)) for row, n in committed.items()}
