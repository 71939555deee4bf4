"""What a page costs in a shop in which little was kept, and in one in which much was.

The shops are filled by bare SQL (``tests.db.growth``): one customer, one driver and one order have half of everything,
and what is asked for is rare and old. Each question is asked through the units of work that the API runs.

``python -m bench.page_costs sqlite 10000000`` measures with so many rows.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from tests.db import growth

from ordercast.commerce.people import Actor, Role
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import SqliteStore, Transaction, accounts, drivers, mismatches, notifications, orders, products
from ordercast.db.dialects import POSTGRESQL, SQLITE
from ordercast.db.postgresql.connection import connect as connect_postgresql
from ordercast.db.postgresql.store import PostgresqlStore
from ordercast.db.sqlite.connection import connect as connect_sqlite

from .contender import SQLITE_URL, database_for
from .measure import Result
from .report import print_figures

ABOUT: Final = "CPU of a page of 50 with so many rows of each kind kept; on PostgreSQL the time until it is there"
ROWS: Final = (10_000, 100_000, 1_000_000)
TIMES: Final = 200
LIMIT: Final = 50
TABLES: Final = frozenset(
    {"orders", "order_history", "notifications", "notification_reads", "products", "accounts", "driver_states",
     "payment_mismatches"}
)  # fmt: skip

_SHOP: Final = ("store", "usr_1")
_STORE, _BUYER, _DRIVER = Actor(Role.STORE, "usr_1"), Actor(Role.CUSTOMER, "cus_hot"), Actor(Role.DRIVER, "drv_hot")
_NOW: Final = Timestamp("2026-11-30T12:00:00.000Z")


def _orders(actor: Actor, *status: OrderStatus, cursor: int = 2**63 - 1) -> Callable[[Transaction], object]:
    return lambda t: orders.page(t, actor, cursor=cursor, limit=LIMIT, statuses=status or None)


def _notifications(unread_only: bool) -> Callable[[Transaction], object]:
    return lambda t: notifications.page(t, _SHOP, "usr_1", unread_only=unread_only, before=None, limit=LIMIT)


QUESTIONS: Final[dict[str, Callable[[Transaction], object]]] = {
    "orders, the newest": _orders(_STORE),
    "orders, of a state that few are in": _orders(_STORE, OrderStatus.ON_HOLD),
    "orders of one customer": _orders(_BUYER),
    "orders of one customer, of a rare state": _orders(_BUYER, OrderStatus.PENDING),
    "orders of one driver": _orders(_DRIVER),
    "history of one order": lambda t: orders.history(t, "ord_2", after=0, limit=LIMIT),
    "notifications, thousands unread": _notifications(unread_only=False),
    "notifications, the unread": _notifications(unread_only=True),
    "products for sale": lambda t: products.page(t, "", LIMIT),
    "accounts": lambda t: accounts.page(t, "", LIMIT),
    "drivers": lambda t: drivers.page(t, "", LIMIT),
    "open mismatches": lambda t: mismatches.page(t, mismatches.NEWEST, LIMIT, resolved_too=False),
    "have new orders come": notifications.has_new_orders,
    "read all notifications": lambda t: notifications.mark_read(t, _SHOP, "usr_1", None, _NOW),
    "notifications, all of them read": _notifications(unread_only=False),
}


def measure(databases: Sequence[str], samples: int, rows: Sequence[int] = ROWS) -> list[Result]:
    """A new database for each number of rows."""
    results: list[Result] = []
    for database in databases:
        found: dict[str, list[Result]] = {name: [] for name in QUESTIONS}
        for count in rows:
            for name, values in _costs(database, count, samples).items():
                found[name].append(Result("pages", f"{database}, {name}, {count:,}", "us", values))
        results += [result for of_one in found.values() for result in of_one]
    return results


def _costs(database: str, rows: int, samples: int) -> dict[str, list[float]]:
    with database_for(database) as (url, _), closing(_grown(url, rows)) as connection:
        is_sqlite = url.startswith(SQLITE_URL)
        transaction = Transaction(connection, SQLITE if is_sqlite else POSTGRESQL)
        clock = time.thread_time if is_sqlite else time.perf_counter
        return {
            name: [_us(transaction, question, clock) for _ in range(samples)] for name, question in QUESTIONS.items()
        }


def _us(transaction: Transaction, question: Callable[[Transaction], object], clock: Callable[[], float]) -> float:
    question(transaction)
    began_s = clock()
    for _ in range(TIMES):
        question(transaction)
    return 1e6 * (clock() - began_s) / TIMES


def _grown(url: str, rows: int) -> Any:
    """A connection to a shop of so many rows, in a transaction that nobody commits."""
    if url.startswith(SQLITE_URL):
        path = Path(url.removeprefix(SQLITE_URL))
        SqliteStore(path).migrate()
        connection: Any = connect_sqlite(path)
        triggers = connection.execute("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        steps = [*growth.silence(SQLITE, triggers, ()), "BEGIN", *growth.fill(SQLITE, rows, TABLES), "COMMIT", "BEGIN"]
    else:
        PostgresqlStore(url).migrate()
        connection = connect_postgresql(url, name="bench")
        triggers = connection.execute(growth.TRIGGERS).fetchall()
        checks = connection.execute(growth.CHECKS).fetchall()
        silence = growth.silence(POSTGRESQL, triggers, checks)
        steps = [*silence, *growth.fill(POSTGRESQL, rows, TABLES), "VACUUM ANALYZE", "BEGIN"]
    for step in steps:
        connection.execute(step)
    return connection


if __name__ == "__main__":
    print_figures(ABOUT, measure([sys.argv[1]], samples=5, rows=[int(count) for count in sys.argv[2:]]))
