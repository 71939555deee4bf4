"""What a search among all orders costs in a shop that has many, and what its index costs those who place them.

The shop is filled by bare SQL, with no trigger at work but the index's own: names, addresses, telephones, items, days
and sums as a shop of some years has them. Each question is asked through the unit of work that the API runs.

``python -m bench.order_search sqlite 1000000`` measures with so many orders; a million take some minutes.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg
from tests.db import growth

from ordercast.commerce.states import OrderStatus
from ordercast.db import SqliteStore, Store, Transaction
from ordercast.db.dialects import POSTGRESQL, SQLITE, Dialect
from ordercast.db.orders import search
from ordercast.db.orders.index_upkeep import index_new_orders
from ordercast.db.postgresql.connection import connect as connect_postgresql
from ordercast.db.postgresql.store import PostgresqlStore
from ordercast.db.sqlite.connection import connect as connect_sqlite

from .contender import HERE, SQLITE_URL, database_for
from .feed_cost import by_store
from .measure import Result
from .processes import family_cpu_s
from .report import print_figures

ABOUT: Final = "CPU of a page of 50 found among so many orders, PostgreSQL's own included; and of placing, by the index"
ROWS: Final = (1_000_000,)
TIMES: Final = 20
LIMIT: Final = 50
WITH, WITHOUT = "with", "without"
INDEXING: Final = "orders_indexed"

_FIRST: Final = (
    "Asha", "Rahim", "Karim", "Nusrat", "Farhana", "Tanvir", "Sadia", "Imran", "Shakib", "Mitu", "Jahan", "Rahima",
    "Anika", "Habib", "Laila", "Omar",
)  # fmt: skip
_LAST: Final = (
    "Rahman", "Islam", "Hossain", "Ahmed", "Khan", "Chowdhury", "Akter", "Begum", "Sarkar", "Das", "Roy", "Mia",
    "Uddin", "Haque", "Sultana",
)  # fmt: skip
_ITEMS: Final = (
    "Masala chai", "Beef samosa", "Aloo paratha", "Mango lassi", "Chicken biryani", "Beef kebab", "Rasmalai", "Firni",
    "Borhani", "Fuchka", "Halim", "Kacchi", "Jilapi", "Dal puri", "Chotpoti", "Naan", "Tehari", "Bhuna khichuri",
    "Lemon tea", "Green salad",
)  # fmt: skip
_EVERY_S: Final = 60

QUESTIONS: Final = {
    "a number": "#{half}",
    "a number, a sum or a telephone's end": "{half}",
    "a telephone": "+880 1{telephone}",
    "an address": "asha.rahman{half}@gmail.com",
    "a name, of a fifteenth": "Chowdhury",
    "two names": "rahima chowdhury",
    "the beginning of many names": "rah",
    "the beginning of many addresses": "asha.rahman1",
    "an item, of a twentieth": "biryani",
    "what every address has": "gmail",
    "two items that are never together": "biryani samosa",
    "items and a name": "chai kebab sultana",
    "a day": "2025-03-01",
    "a day and a name": "2025-03-01 begum",
    "a state and a name": "cancelled begum",
    "a rare state and an item": "hold biryani",
    "a sum": "452.00",
    "nothing that there is": "zeppelin",
}


# --- Searching --------------------------------------------------------------------------------------------------------


def measure(databases: Sequence[str], samples: int, rows: Sequence[int] = ROWS) -> list[Result]:
    results: list[Result] = []
    for database in databases:
        results += _placing(database, samples)
        for count in rows:
            results += _searching(database, count, samples)
    return results


def _searching(database: str, rows: int, samples: int) -> list[Result]:
    with database_for(database) as (url, postgres), closing(_filled(url, rows)) as connection:
        dialect = SQLITE if url.startswith(SQLITE_URL) else POSTGRESQL
        transaction = Transaction(connection, dialect)

        def used_s() -> float:
            return time.thread_time() + (0.0 if postgres is None else family_cpu_s(postgres.pid))

        words = {"half": rows // 2, "telephone": f"{_telephone(rows // 2):09}"}
        return [
            Result(
                "order_search",
                f"{database}, {rows:,}, {name}",
                "us",
                [_us(used_s, lambda q=q: _ask(transaction, q.format(**words))) for _ in range(samples)],  # type: ignore[misc]
            )
            for name, q in QUESTIONS.items()
        ]


def _ask(transaction: Transaction, q: str) -> search.Found:
    searches = search.read_searches(transaction, q, None)
    return search.find(transaction, searches, search.Paging(2**62, LIMIT))


def _us(used_s: Callable[[], float], question: Callable[[], object]) -> float:
    question()
    began_s = used_s()
    for _ in range(TIMES):
        question()
    return 1e6 * (used_s() - began_s) / TIMES


# --- Filling ----------------------------------------------------------------------------------------------------------


def _telephone(i: int) -> int:
    return i * 7_919 % 1_000_000_000


def _filled(url: str, rows: int) -> Any:
    """A connection to a shop of so many orders, in a transaction that nobody commits."""
    if url.startswith(SQLITE_URL):
        path = Path(url.removeprefix(SQLITE_URL))
        SqliteStore(path).migrate()
        connection: Any = connect_sqlite(path)
        triggers = connection.execute("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        index = search.INDEX_NEXT.texts[SQLITE].replace(":limit", str(rows))
        filled = ("BEGIN", _fill(SQLITE, rows), index, "COMMIT", "BEGIN")
        steps = [*growth.silence(SQLITE, _but_index(triggers), ()), *filled]
    else:
        PostgresqlStore(url).migrate()
        connection = connect_postgresql(url, name="bench")
        triggers = connection.execute(growth.TRIGGERS).fetchall()
        checks = connection.execute(growth.CHECKS).fetchall()
        silence = growth.silence(POSTGRESQL, _but_index(triggers), checks)
        steps = [*silence, _fill(POSTGRESQL, rows), "VACUUM ANALYZE", "BEGIN"]
    for step in steps:
        connection.execute(step)
    return connection


def _but_index(triggers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [each for each in triggers if each[0] != INDEXING]


def _one_of(texts: Sequence[str], by: str) -> str:
    cases = " ".join(f"WHEN {number} THEN '{text}'" for number, text in enumerate(texts))
    return f"CASE ({by}) % {len(texts)} {cases} END"


def _fill(dialect: Dialect, rows: int) -> str:
    is_sqlite = dialect is SQLITE
    first, last = _one_of(_FIRST, "i * 31 / 7"), _one_of(_LAST, "i * 17 / 11")
    telephone = "i * 7919 % 1000000000"
    padded = f"printf('%09d', {telephone})" if is_sqlite else f"lpad(({telephone})::text, 9, '0')"
    items = " || ',' || ".join(
        f"""'{{"name":"' || {_one_of(_ITEMS, f"i * {step} / {step + 2}")} || '","quantity":1}}'"""
        for step in (3, 7, 13)
    )
    items = f"'[' || {items} || ']'" if is_sqlite else f"CAST('[' || {items} || ']' AS jsonb)"
    values = {
        "id": "'ord_' || i",
        "status": f"CASE WHEN i % 20 = 0 THEN '{OrderStatus.CANCELLED}' WHEN i = 7 THEN '{OrderStatus.PENDING}'"
        f" ELSE '{OrderStatus.DELIVERED}' END",
        "customer_name": f"{first} || ' ' || {last}",
        "customer_email": f"lower({first}) || '.' || lower({last}) || i || '@gmail.com'",
        "customer_mobile": f"'+8801' || {padded}",
        "cart_items": items,
        "total": "(i * 37 % 900 + 100) * 100",
        "created_at": growth.moment_of(dialect, f"i * {_EVERY_S}"),
        "actor": "'service:bench'",
    }
    series = f"SELECT CAST(i AS bigint) AS i FROM generate_series(1, {rows}) AS i"  # noqa: S608
    counted = f"SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {rows}"  # noqa: S608
    numbers = f"WITH RECURSIVE numbers(i) AS ({counted})" if is_sqlite else f"WITH numbers AS ({series})"
    columns, expressions = ", ".join(values), ", ".join(values.values())
    return f"{numbers} INSERT INTO orders (number, {columns}) SELECT i, {expressions} FROM numbers"  # noqa: S608


# --- Placing ----------------------------------------------------------------------------------------------------------


def _placing(database: str, samples: int) -> list[Result]:
    """With the index and without take turns, each on a new database."""
    costs = [{what: _cost(database, what) for what in (WITH, WITHOUT)} for _ in range(samples)]
    results = [
        Result("order_search", f"{database}, placing, {what} the index", "us/order", [cost[what] for cost in costs])
        for what in (WITH, WITHOUT)
    ]
    ratios = [cost[WITH] / cost[WITHOUT] for cost in costs]
    return [*results, Result("order_search", f"{database}, placing, CPU", "x", ratios)]


def _cost(database: str, what: str) -> float:
    with database_for(database) as (url, postgres):
        pid = 0 if postgres is None else postgres.pid
        command = [sys.executable, "-m", "bench.order_search", "place", url, what, str(pid)]
        done = subprocess.run(command, cwd=HERE.parent, check=True, capture_output=True, text=True)
        figures: dict[str, float] = json.loads(done.stdout)
        return figures["server_us"] + figures["database_us"]


def _place(url: str, what: str, pid: int) -> dict[str, float]:
    is_sqlite = url.startswith(SQLITE_URL)
    store = SqliteStore(Path(url.removeprefix(SQLITE_URL))) if is_sqlite else PostgresqlStore(url)
    store.migrate()
    if what == WITHOUT:
        _silence_index(url, store.dialect)
        return asyncio.run(by_store(store, pid))
    return asyncio.run(by_store(store, pid, _index_all))


async def _index_all(store: Store) -> None:
    while not await index_new_orders(store):
        pass


def _silence_index(url: str, dialect: Dialect) -> None:
    """Its trigger is there, as a start wants it, and fires for no order."""
    (indexing,) = (trigger for trigger in search.TRIGGERS if trigger.name == INDEXING)
    drop = f"DROP TRIGGER {INDEXING}" if dialect is SQLITE else f"DROP FUNCTION {INDEXING} CASCADE"
    is_sqlite = url.startswith(SQLITE_URL)
    connection: Any = (
        connect_sqlite(Path(url.removeprefix(SQLITE_URL))) if is_sqlite else psycopg.connect(url, autocommit=True)
    )
    with closing(connection):
        for statement in (drop, *dialect.create_trigger(dataclasses.replace(indexing, when="NEW.number < 0"))):
            connection.execute(statement)


if __name__ == "__main__":
    if sys.argv[1] == "place":
        print(json.dumps(_place(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        print_figures(ABOUT, measure([sys.argv[1]], samples=3, rows=[int(count) for count in sys.argv[2:]]))
