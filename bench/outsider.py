"""Another program at the shop's database: ``python -m bench.outsider URL WHAT PER_S SECONDS``.

It adds orders, those of a shop that is attached too, or bare rows of the feed, with SQL alone, at a pace; and prints of
each when it was committed, by the monotonic clock that all programs of a machine share. ``PER_S`` 0 is as fast as it
can, in groups of 64; then it prints how many they were.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

import psycopg

from .attached_shop import add_attached
from .buyers import ADDRESS
from .contender import HERE, SQLITE_URL
from .workloads import PAYLOAD

ORDERS, EVENTS, FEED, ATTACHED = "orders", "events", "feed", "attached"
GROUP: Final = 64
TICK_S: Final = 0.01
_LINE: Final = {
    "productId": "prd_01k742sg00ev8ae85knd4c2fk8", "name": "Masala chai", "quantity": 2, "unitPrice": 4000,
    "lineTotal": 8000, "discount": 0, "tax": 400, "image": "/images/masala-chai.svg",
}  # fmt: skip
_CUSTOMER: Final = ("cus_bench", "Asha Rahman", "asha@example.com", "+8801700000000")
_ORDER: Final = (
    *_CUSTOMER, 24_000, 1_200, 25_200, json.dumps([_LINE] * 3), json.dumps(ADDRESS), json.dumps(ADDRESS),
    '{"method":"cash"}',
)  # fmt: skip
_COLUMNS: Final = (
    "id", "customer_id", "customer_name", "customer_email", "customer_mobile", "subtotal", "tax", "total",
    "cart_items", "billing_info", "shipping_info", "payment_info",
)  # fmt: skip
# As a trigger would have written it.
_DOCUMENT: Final = json.dumps(
    {
        "id": "", "number": 1, "status": "pending", "paymentStatus": "unpaid", "fulfilment": "delivery", "version": 1,
        "subtotal": 24_000, "tax": 1_200, "shippingFee": 0, "discount": 0, "total": 25_200, "currency": "BDT",
        "amountPaid": 0, "amountRefunded": 0, "amountRefunding": 0, "promoCode": None, "pricesIncludeTax": False,
        "customerInfo": dict(zip(("name", "email", "mobile"), _CUSTOMER[1:], strict=True)), "billingInfo": ADDRESS,
        "shippingInfo": ADDRESS, "cartItems": [_LINE] * 3, "paymentInfo": {"method": "cash"},
        "customerId": "cus_bench", "driverId": None, "heldFrom": None, "createdAt": "2026-11-01T12:00:00.000Z",
        "updatedAt": "2026-11-01T12:00:00.000Z",
    }
)  # fmt: skip


class _Cursor(Protocol):
    def execute(self, statement: Any, /) -> Any: ...
    def executemany(self, statement: Any, rows: Sequence[Sequence[Any]], /) -> Any: ...


def connect(url: str) -> Any:
    """As any program does, with durable commits; a transaction begins by a statement that says so."""
    if not url.startswith(SQLITE_URL):
        return psycopg.connect(url, autocommit=True, application_name="outsider")
    connection = sqlite3.connect(url.removeprefix(SQLITE_URL), timeout=30, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


@contextmanager
def committed(connection: Any) -> Any:
    """A cursor in one transaction."""
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE" if isinstance(connection, sqlite3.Connection) else "BEGIN")
    yield cursor
    cursor.execute("COMMIT")


def add_orders(cursor: _Cursor, ids: Sequence[str]) -> None:
    """Insert orders in one statement each, as a program without our ways does."""
    mark = "?" if isinstance(cursor, sqlite3.Cursor) else "%s"
    statement = f"INSERT INTO orders ({', '.join(_COLUMNS)}) VALUES ({', '.join([mark] * len(_COLUMNS))})"  # noqa: S608
    cursor.executemany(statement, [(id_, *_ORDER) for id_ in ids])


def add_events(cursor: _Cursor, ids: Sequence[str]) -> None:
    mark = "?" if isinstance(cursor, sqlite3.Cursor) else "%s"
    statement = f"INSERT INTO published_events (event, rooms, args) VALUES ('new_order', {mark}, {mark})"  # noqa: S608
    cursor.executemany(statement, [('["store-owners"]', json.dumps([PAYLOAD])) for _ in ids])


def _add_to_feed(cursor: _Cursor, ids: Sequence[str]) -> None:
    texts = ", ".join(f"'{id_}'" for id_ in ids)
    document = f"replace('{_DOCUMENT}', '\"id\": \"\"', '\"id\": \"' || id || '\"')"
    columns = "kind, entity_id, version, actor, at, after"
    values = f"'order.placed', id, 1, 'db:outsider', '2026-11-01T12:00:00.000Z', {document}"
    cursor.execute(f"INSERT INTO feed ({columns}) SELECT {values} FROM unnest(ARRAY[{texts}]) AS t (id)")  # noqa: S608


_ADD: Final = {ORDERS: add_orders, EVENTS: add_events, FEED: _add_to_feed, ATTACHED: add_attached}


def write(url: str, what: str, per_s: int, seconds: float) -> list[tuple[float, str]]:
    """Write at that pace; gives when each was committed, and which it was."""
    connection, add, done = connect(url), _ADD[what], list[tuple[float, str]]()
    tick_s = max(TICK_S, 1 / per_s) if per_s else 0.0
    group = round(per_s * tick_s) if per_s else GROUP
    begin_s = time.monotonic()
    ticks = 0
    while (due_s := begin_s + ticks * tick_s) < begin_s + seconds and time.monotonic() < begin_s + 2 * seconds:
        if not per_s and time.monotonic() > begin_s + seconds:
            break
        time.sleep(max(0.0, due_s - time.monotonic()))
        ids = [f"ord_{time.monotonic_ns()}_{n}" for n in range(group)]
        with committed(connection) as cursor:
            add(cursor, ids)
        at_s = time.monotonic()
        done += [(at_s, id_) for id_ in ids]
        ticks += 1
    connection.close()
    return done


class Outsider:
    """It at work, in a process of its own."""

    def __init__(self, url: str, what: str, per_s: int, seconds: float) -> None:
        command = [sys.executable, "-m", "bench.outsider", url, what, str(per_s), str(seconds)]
        # Not a pipe: it would wait there for somebody to read.
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - it goes with this object
        self._process = subprocess.Popen(command, cwd=HERE.parent, stdout=self._output)

    def is_writing(self) -> bool:
        return self._process.poll() is None

    def _printed(self) -> list[str]:
        if self._process.wait():
            raise RuntimeError(f"{self._process.args!r} failed")
        self._output.seek(0)
        return self._output.read().split()

    def commits(self) -> dict[str, float]:
        """When each was committed, once it has ended."""
        words = self._printed()
        return {id_: float(at_s) for at_s, id_ in zip(words[::2], words[1::2], strict=True)}

    def count(self) -> int:
        """How many were committed by one that went as fast as it could, once it has ended."""
        return int(*self._printed())


if __name__ == "__main__":
    written = write(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    if sys.argv[3] == "0":
        print(len(written))
    else:
        print(*(f"{at_s} {id_}" for at_s, id_ in written), sep="\n")
