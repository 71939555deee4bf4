"""A back end of the shop that is killed in a transaction: what it had committed is told once, and no more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ordercast.config import MysqlUrl
from tests.waiting import until

from .conftest import AttachedShop
from .mysql_shop import MysqlShop
from .test_mysql import shop as mysql_shop
from .test_postgresql import emit
from .test_sqlite import SqliteShop
from .test_sqlite import shop as sqlite_shop

__all__ = ["mysql_shop", "sqlite_shop"]

MAPPING = emit("counted", '["insert", "update", "delete"]', rest='payload = ["{id}", "{n}"]')
TABLE = "CREATE TABLE counted (id INTEGER PRIMARY KEY, n INTEGER)"
# Two transactions that are committed, and a third that goes as far as it can without.
STATEMENTS = (
    "INSERT INTO counted VALUES (1, 1), (2, 1)",
    "COMMIT",
    "UPDATE counted SET n = 2 WHERE id = 1",
    "COMMIT",
    "UPDATE counted SET n = 3",
    "INSERT INTO counted VALUES (3, 3)",
    "DELETE FROM counted WHERE id = 2",
)
PROGRAM = """
import sys
{connect}
cursor = connection.cursor()
for statement in {statements!r}:
    connection.commit() if statement == "COMMIT" else cursor.execute(statement)
print("open", flush=True)
sys.stdin.read()
"""
COMMITTED = [("insert", [1, 1]), ("insert", [2, 1]), ("update", [1, 2])]


@contextmanager
def back_end(connect: str) -> Iterator[subprocess.Popen[str]]:
    """A program of the shop's with a transaction open; it is killed at the end."""
    program = PROGRAM.format(connect=connect, statements=STATEMENTS)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()


def test_a_killed_back_end_of_postgresql_has_told_what_it_committed(shop: AttachedShop) -> None:
    shop.do(TABLE)
    shop.apply(MAPPING)
    with back_end(f"import psycopg\nconnection = psycopg.connect({shop.url!r})"):
        pass
    shop.do("UPDATE counted SET n = 9 WHERE id = 2")  # waits for what the killed one held
    assert [(event["on"], event["args"][0]) for event in shop.told()] == [*COMMITTED, ("update", [2, 9])]


async def test_a_killed_back_end_of_sqlite_has_told_what_it_committed(sqlite_shop: SqliteShop) -> None:
    shop = sqlite_shop
    shop.do(TABLE)
    shop.apply(MAPPING)
    connect = f"import sqlite3\nconnection = sqlite3.connect({str(shop.path)!r})"
    async with shop.relayed():
        with back_end(connect):
            pass
        shop.do("UPDATE counted SET n = 9 WHERE id = 2")
        told = await shop.told(len(COMMITTED) + 1)
    assert [(event["on"], event["args"][0]) for event in told] == [*COMMITTED, ("update", [2, 9])]


async def test_a_killed_back_end_of_mysql_has_told_what_it_committed(mysql_shop: MysqlShop) -> None:
    shop = mysql_shop
    shop.do(f"{TABLE} ENGINE=InnoDB")
    shop.apply(MAPPING)
    async with shop.relayed():
        with back_end(_connecting(shop.url)):
            await until(lambda: shop.store.last_seq >= len(COMMITTED))
        shop.do("UPDATE counted SET n = 9 WHERE id = 2")
        told = await shop.told(len(COMMITTED) + 1)
    assert [(event["on"], event["args"][0]) for event in told] == [*COMMITTED, ("update", [2, 9])]


def _connecting(url: MysqlUrl) -> str:
    where = {"host": url.host, "port": url.port, "user": url.user, "database": url.database}
    return f"import pymysql\nconnection = pymysql.connect(**{where!r}, ssl_disabled=True)"
