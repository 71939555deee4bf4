"""Attached tables of a MariaDB that is killed under its writers: what was committed is told once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pymysql
import pytest

from tests.mariadb import Mariadb

from .counting import KILLS, ROWS, Writers, told_once_in_order
from .mysql_shop import MysqlShop, run
from .test_postgresql import emit


@pytest.fixture
async def shop(mariadb_server: Mariadb, tmp_path: Path) -> AsyncIterator[MysqlShop]:
    shop = MysqlShop(mariadb_server, tmp_path)
    await shop.store.start()
    yield shop
    await shop.store.close()
    shop.close()


async def test_what_was_committed_before_during_and_after_a_kill_is_told_once_in_order(shop: MysqlShop) -> None:
    shop.do("CREATE TABLE counted (id INT PRIMARY KEY, n INT) ENGINE=InnoDB")
    shop.do(f"INSERT INTO counted SELECT seq, 0 FROM seq_0_to_{ROWS - 1}")
    shop.apply(emit("counted", '"update"', rest='payload = ["{id}", "{n}"]'))
    async with Writers(
        lambda: shop.server.connect(shop.name, autocommit=False),
        lambda connection, row: run(connection, "UPDATE counted SET n = n + 1 WHERE id = %s", row),
        (pymysql.err.Error, OSError),
    ) as writers:
        for _ in range(KILLS):
            async with shop.relayed():  # ends with it, in the middle of a batch or not
                await writers.go_on()
                await asyncio.to_thread(shop.server.kill)
                await asyncio.to_thread(shop.server.start)
        await writers.go_on()
    shop.reconnect()
    committed = {int(id_): int(n) for id_, n in shop.do("SELECT id, n FROM counted WHERE n > 0")}
    async with shop.relayed():
        events = await shop.told(sum(committed.values()))
    assert told_once_in_order(event["args"][0] for event in events) == committed
