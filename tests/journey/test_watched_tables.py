"""Rows of a shop's own tables on stock clients, over the death of the node that they listen to."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.attach.conftest import PRISMA
from tests.forked import run
from tests.postgres import Postgres

from .listener import Listener
from .nodes import SECRET
from .shop import Shop

Listen = Callable[..., Listener]
pytestmark = [pytest.mark.node, pytest.mark.xdist_group("attach")]

MAPPING = """
[shop]
built_in = false
[[watch]]
table = "Order"
columns = ["status", "total", "customerId"]
where = ["status"]
rooms = ["store-owners", "customer_{customerId}"]
"""
GUIDE = Path(__file__).parents[2] / "docs/guides/attach.md"
WRITERS = 4


@pytest.fixture
def database(postgres_server: Postgres) -> Iterator[str]:
    name = postgres_server.new_database()
    for statement in PRISMA.split(";\n"):
        if statement.strip():
            postgres_server.execute(statement, name)
    yield name
    postgres_server.drop(name)


@pytest.fixture
def shop(tmp_path: Path, postgres_server: Postgres, database: str) -> Iterator[Shop]:
    (tmp_path / "ordercast.toml").write_text(MAPPING)
    environ = {"ORDERCAST_DATABASE_URL": postgres_server.url(database), "ORDERCAST_DEMO": "false"}
    done = run(["attach", "--apply"], cwd=tmp_path, env=environ)
    assert done.returncode == 0, done.stderr
    shop = Shop(tmp_path, {**environ, "ORDERCAST_SECRET": SECRET})
    shop.start()
    yield shop
    shop.kill()


def write(url: str, until: threading.Event, chance: random.Random) -> None:
    """Insert, change and delete orders until told to end, in transactions of some; not all are kept."""
    with psycopg.connect(url) as connection:
        while not until.is_set():
            values = {"c": chance.choice(["c1", "c2"]), "s": chance.choice(["new", "paid", "sent"])}
            connection.execute('INSERT INTO "Order" ("customerId", status, total) VALUES (%(c)s, %(s)s, 1)', values)
            connection.execute(
                'UPDATE "Order" SET status = %(s)s, total = total + 1 WHERE id IN'
                ' (SELECT id FROM "Order" ORDER BY random() LIMIT 2 FOR UPDATE SKIP LOCKED)',
                values,
            )
            connection.execute(
                'DELETE FROM "Order" WHERE id IN (SELECT id FROM "Order" WHERE (SELECT count(*) FROM "Order") > 30'
                " ORDER BY random() LIMIT 2 FOR UPDATE SKIP LOCKED)"
            )
            connection.execute("SELECT pg_sleep(0.01)")
            if chance.random() < 0.2:
                connection.rollback()
            else:
                connection.commit()


def rows(listener: Listener) -> Any:
    return (listener.of_kind("rows") or [{"rows": None}])[-1]["rows"]


def wait_for_rows(listener: Listener, table: dict[str, Any]) -> None:
    listener.wait_for(lambda heard: rows(heard) == table)


def wait_for_more(listener: Listener) -> None:
    count = len(listener.of_kind("rows"))
    listener.wait_for(lambda heard: len(heard.of_kind("rows")) > count + 5)


def test_what_stock_clients_keep_is_the_table_over_the_death_of_the_node(
    shop: Shop, postgres_server: Postgres, database: str, listen: Listen, chance: random.Random
) -> None:
    def watch(wanted: dict[str, Any], role: str = "store", sub: str = "usr_1") -> Listener:
        return listen(shop.url, script="watching.mjs", auth={"token": shop.token(role, sub=sub)}, wanted=wanted)

    watched = [
        (watch({"table": "Order"}), "true"),
        (watch({"table": "Order", "where": {"status": ["new", "paid"]}}), "status IN ('new', 'paid')"),
        (watch({"table": "Order"}, "customer", "c1"), "\"customerId\" = 'c1'"),
    ]
    end, url = threading.Event(), postgres_server.url(database)
    writers = [threading.Thread(target=write, args=(url, end, random.Random(chance.random()))) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    try:
        for listener, _ in watched:
            listener.wait_for(lambda heard: len(heard.of_kind("rows")) > 5)
        shop.kill()
        shop.start()
        for listener, _ in watched:
            listener.wait_for(lambda heard: len(heard.of_kind("connect")) > 1)
            wait_for_more(listener)
    finally:
        end.set()
        for writer in writers:
            writer.join()
    for listener, condition in watched:
        query = f'SELECT id::text, status, total, "customerId" FROM "Order" WHERE {condition}'
        table = {
            id_: {"status": status, "total": total, "customerId": customer}
            for id_, status, total, customer in postgres_server.execute(query, database)
        }
        wait_for_rows(listener, table)
    seen = [event["args"][0] for event in watched[2][0].of_kind("event")]
    assert {payload["row"]["customerId"] for payload in seen if "row" in payload} <= {"c1"}


def test_the_page_of_the_guide_is_the_client_that_is_tested() -> None:
    page = GUIDE.read_text(encoding="utf-8")
    client = (Path(__file__).parents[1] / "clients/watching.mjs").read_text(encoding="utf-8")
    start = 'socket.on("connect", watch);'
    kept = client[client.index(start) : client.index('socket.on("connect", () => say')].strip()
    assert kept in page
    for line in (
        "if (error?.retryAfter)",
        "rows.clear();",
        "for (const { rowId, row } of data.rows) rows.set(rowId, row);",
    ):
        assert line in page
        assert line in client
