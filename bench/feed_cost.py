"""What the feed costs those who write: orders placed with it, and on a database whose triggers leave its row out.

``python -m bench.feed_cost URL HOW WHAT PID`` is the writer: `HOW` it writes is ``store`` or ``sql``, `WHAT` is
``with`` the feed or ``without``; `PID` is the database server's, or 0. It prints what an order cost.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import psycopg
from tests.commerce.orders import PRODUCTS
from tests.db.shop import new_order, now

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.people import Actor, Role
from ordercast.db import SqliteStore, Store, feed, products
from ordercast.db.dialects import SQLITE, Dialect
from ordercast.db.orders.document import order_document
from ordercast.db.orders.placing import Placing
from ordercast.db.postgresql.store import PostgresqlStore
from ordercast.db.sqlite.connection import connect as connect_sqlite
from ordercast.db.statement import Statement
from ordercast.db.triggers import triggers

from . import outsider
from .contender import HERE, SQLITE_URL, database_for
from .measure import Result
from .processes import family_cpu_s

STORE, SQL = "store", "sql"
WITH, WITHOUT = "with", "without"
BUYERS: Final = 64
SECONDS: Final = 3.0
SLUGS: Final = ("samosa", "masala-chai", "paratha")
ABOUT: Final = "what the feed costs a writer of orders in groups of 64; `x` is with it, by without it"


NAMES: Final = {"server_us": "CPU of the writer", "database_us": "CPU of PostgreSQL", "per_s": "pace"}


def measure(databases: Sequence[str], samples: int) -> list[Result]:
    """With and without take turns, each on a new database."""
    results = []
    for database in databases:
        for how in (STORE, SQL):
            costs = [{what: _cost(database, how, what) for what in (WITH, WITHOUT)} for _ in range(samples)]
            for figure, unit in (("server_us", "us/order"), ("database_us", "us/order"), ("per_s", "orders/s")):
                for what in (WITH, WITHOUT):
                    values = [cost[what][figure] for cost in costs]
                    if any(values):
                        label = f"{database}, {how}, {what} the feed, {NAMES[figure]}"
                        results.append(Result("feed_cost", label, unit, values))
            for figure, of in (("CPU", _cpu), ("time", lambda cost: 1 / cost["per_s"])):
                values = [of(cost[WITH]) / of(cost[WITHOUT]) for cost in costs]
                results.append(Result("feed_cost", f"{database}, {how}, {figure}", "x", values))
    return results


def _cpu(cost: dict[str, float]) -> float:
    return cost["server_us"] + cost["database_us"]


def _cost(database: str, how: str, what: str) -> dict[str, float]:
    with database_for(database) as (url, postgres):
        pid = 0 if postgres is None else postgres.pid
        command = [sys.executable, "-m", "bench.feed_cost", url, how, what, str(pid)]
        done = subprocess.run(command, cwd=HERE.parent, check=True, capture_output=True, text=True)
        cost: dict[str, float] = json.loads(done.stdout)
        return cost


# --- The writer -------------------------------------------------------------------------------------------------------


def write(url: str, how: str, what: str, pid: int) -> dict[str, float]:
    is_sqlite = url.startswith(SQLITE_URL)
    store = SqliteStore(Path(url.removeprefix(SQLITE_URL))) if is_sqlite else PostgresqlStore(url)
    store.migrate()
    if what == WITHOUT:
        _take_feed_away(url, store.dialect)
    if how == SQL:
        connection = outsider.connect(url)
        return _metered(pid, lambda seconds: _by_sql(connection, seconds))
    return asyncio.run(by_store(store, pid))


def _metered(pid: int, work: Callable[[float], int]) -> dict[str, float]:
    work(0.5)
    database_s, own_s, begin_s = _database_s(pid), time.process_time(), time.monotonic()
    orders = work(SECONDS)
    return _figures(orders, time.monotonic() - begin_s, time.process_time() - own_s, _database_s(pid) - database_s)


def _database_s(pid: int) -> float:
    return family_cpu_s(pid) if pid else 0.0


def _figures(orders: int, wall_s: float, own_s: float, database_s: float) -> dict[str, float]:
    return {"per_s": orders / wall_s, "server_us": 1e6 * own_s / orders, "database_us": 1e6 * database_s / orders}


def _by_sql(connection: Any, seconds: float) -> int:
    end_s, groups = time.monotonic() + seconds, 0
    while time.monotonic() < end_s:
        with outsider.committed(connection) as cursor:
            outsider.add_orders(cursor, [f"ord_{time.monotonic_ns()}_{n}" for n in range(BUYERS)])
        groups += 1
    return groups * BUYERS


async def by_store(
    store: SqliteStore | PostgresqlStore, pid: int, and_then: Callable[[Store], Awaitable[None]] | None = None
) -> dict[str, float]:
    """What an order costs, with what is done `and_then` about all of them."""
    await store.start()
    store.watch(lambda: _let_go(store))
    clerk = Actor(Role.SERVICE, "bench")
    await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, clerk, now()))
    await store.write(lambda transaction: transaction.run("UPDATE products SET stock = 1000000000"))
    customers, items = itertools.count(), [{"productId": PRODUCTS[slug].id, "quantity": 1} for slug in SLUGS]

    async def buy(until_s: float) -> int:
        orders = 0
        while time.monotonic() < until_s:
            info = {"name": "Asha Rahman", "email": f"buyer{next(customers)}@example.com", "mobile": "+8801700000000"}
            new = new_order(cartItems=items, customerInfo=info)
            await store.write(Placing(replace(new, now=now())))
            orders += 1
        return orders

    async def all_buy(seconds: float) -> int:
        until_s = time.monotonic() + seconds
        return sum(await asyncio.gather(*(buy(until_s) for _ in range(BUYERS))))

    await all_buy(0.5)
    database_s, own_s, begin_s = _database_s(pid), time.process_time(), time.monotonic()
    orders = await all_buy(SECONDS)
    if and_then is not None:
        await and_then(store)
    wall_s = time.monotonic() - begin_s
    found = _figures(orders, wall_s, time.process_time() - own_s, _database_s(pid) - database_s)
    await store.close()
    return found


def _let_go(store: SqliteStore | PostgresqlStore) -> None:
    """Take what was read of the feed, as a relay does."""
    store.changes(store.last_seq, 1)


def _take_feed_away(url: str, dialect: Dialect) -> None:
    """Have orders be placed without a row of the feed, and answered from their own rows."""
    (telling,) = (trigger for trigger in triggers(dialect) if trigger.name == "orders_placed")
    kept = replace(telling, body=tuple(step for step in telling.body if "INSERT INTO feed" not in str(step)))
    drop = "DROP TRIGGER orders_placed" if dialect is SQLITE else "DROP FUNCTION orders_placed CASCADE"
    with closing(_connection_to(url)) as connection:
        for statement in (drop, *dialect.create_trigger(kept)):
            connection.execute(statement)
    feed.MARK.texts[dialect] = "SELECT coalesce(max(number), 0) FROM orders"
    placed = Statement(f"SELECT id, {order_document('orders')} FROM orders WHERE number > :mark")  # noqa: S608
    feed.PLACED_AFTER.texts[dialect] = placed.texts[dialect]


def _connection_to(url: str) -> Any:
    if url.startswith(SQLITE_URL):
        return connect_sqlite(Path(url.removeprefix(SQLITE_URL)))
    return psycopg.connect(url, autocommit=True)


if __name__ == "__main__":
    print(json.dumps(write(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))))
