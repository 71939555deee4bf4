"""Rows of anything, written by a bare driver into every table while clients listen: each good order placed after them
is heard by everybody entitled, once and in order; lists and figures answer; and so it is after a restart.

A few seconds in the suite. As a command of its own, for half an hour on each database, with its figures:

    ORDERCAST_TEST_ROWS_S=1800 .venv/bin/pytest -s tests/feed/test_any_row.py
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from tests.chance import chance_of
from tests.db.forced import force
from tests.db.shop import STORE, now, place_one
from tests.waiting import until

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.letters import Language
from ordercast.commerce.slots import Span
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.db import (
    SqliteStore,
    Transaction,
    access,
    accounts,
    bookings,
    carers,
    contact_points,
    drivers,
    mismatches,
    notification_tasks,
    notifications,
    orders,
    payment_tasks,
    products,
    promotions,
    services,
    stats,
)
from ordercast.db.bookings import availability
from ordercast.db.bookings.expiry import BOOKING_EXPIRY
from ordercast.db.bookings.reminders import ReminderSettings
from ordercast.db.column_problems import JSON_COLUMNS
from ordercast.db.columns import Column, Table
from ordercast.db.domains import Kind
from ordercast.db.inspection import tables
from ordercast.db.orders.expiry import ORDER_EXPIRY
from ordercast.db.postgresql.store import PostgresqlStore
from ordercast.jobs import expire_all, remind_all
from ordercast.row_inspector import RowInspector

from .conftest import Line, Node

AnyStore = SqliteStore | PostgresqlStore
REFUSALS = (sqlite3.Error, psycopg.Error)
SECONDS = float(os.environ.get("ORDERCAST_TEST_ROWS_S", "3"))
ROWS_BETWEEN_ORDERS = 8
RESTART_EVERY = 5

# Without its rules no order can be priced; by its newest row and its epoch a history is known to be the same one.
SPARED = {"shop"}
KINDS = (
    "booking.placed", "booking.changed", "order.placed", "order.status_changed", "order.changed", "delivery.moved",
    "notification.made", "event.published", "product.changed", "payment.mismatch", "feed.resync", "access.revoked",
    "customer.erased", "odd", "",
)  # fmt: skip
TEXTS: tuple[Any, ...] = (
    "", "x", "é", "\U0001f600", "half \\ud83d", "9999-99-99", "now", "-1", "9e999", "NaN", "null", "[]", "{}",
    '{"a":[1e400]}', '{"id":5}', "[" * 3_000, "a\tb", "y" * 3_000_000, '{"rooms":7,"event":7,"args":7}',
    '{"event":"disconnect","rooms":["store-owners"],"args":[]}', '{"recipient":"store","kind":"odd","data":{}}',
    '{"event":"newOrder","rooms":["store-owners"],"args":[{"_id":"665f","items":[]}]}', '{"customerId":"cus_1"',
)  # fmt: skip
NUMBERS: tuple[Any, ...] = (0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 1.5, float("inf"), "abc")
EVER = bookings.DayPage(Timestamp(""), Timestamp("~"))
ALL_TIME = Span(0, 100_000_000)


class Shop:
    """One database, and what a bare driver may do to it."""

    def __init__(self, place: Path | str, chance: random.Random) -> None:
        self.place = place
        self.chance = chance
        self.written: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def open(self) -> AnyStore:
        return PostgresqlStore(self.place) if isinstance(self.place, str) else SqliteStore(self.place)

    def write_anything(self, table: Table) -> None:
        columns = [column for column in table.columns.values() if not _is_numbered(column)]
        # What a program leaves out has its default, of which most rows of most programs are made.
        columns = [
            each
            for each in columns
            if (each.default is None and each.default_sql is None) or self.chance.random() < 0.4
        ]
        values = [self._value(column) for column in columns]
        slots = ", ".join("CAST(? AS TEXT)" if isinstance(value, _Text) else "?" for value in values)
        names = ", ".join(f'"{column.name}"' for column in columns)
        statement = f"INSERT INTO {table.name} ({names}) VALUES ({slots})"
        given = [bytes(value) if isinstance(value, _Text) else value for value in values]
        try:
            if self.chance.random() < 0.5:
                force(self.place, table.name, statement, given)
            else:
                self._write(statement, given)
        except (*REFUSALS, OverflowError, UnicodeEncodeError):
            self.refused[table.name] += 1
        else:
            self.written[table.name] += 1

    def _write(self, statement: str, values: list[Any]) -> None:
        """As any program would; every rule that it meets is at work."""
        if isinstance(self.place, str):
            with psycopg.connect(self.place) as server:
                server.execute(statement.replace("?", "%s").encode(), values)
            return
        with sqlite3.connect(self.place, timeout=60) as connection:
            connection.execute(statement, values)
        connection.close()

    def _value(self, column: Column) -> Any:
        if self.chance.random() < (0.15 if column.is_optional else 0.02):
            return None
        is_plausible = self.chance.random() < 0.6
        if column.kind is Kind.INTEGER:
            return 1 if is_plausible else self.chance.choice(NUMBERS)
        if column.kind is Kind.BYTES:
            return self.chance.randbytes(self.chance.randrange(40))
        return self._plausible_text(column.name) if is_plausible else self._any_text()

    def _plausible_text(self, name: str) -> str:
        if name == "kind":
            return self.chance.choice(KINDS)
        if name == "at" or name.endswith("_at") or name in {"since", "until"}:
            return "2026-11-30T00:00:00.000Z"
        if name in JSON_COLUMNS:
            return self.chance.choice(("[]", "{}"))
        return f"{self.chance.getrandbits(40):x}"

    def _any_text(self) -> Any:
        if isinstance(self.place, Path) and self.chance.random() < 0.3:
            return _Text(self.chance.randbytes(self.chance.randrange(60)))
        return self.chance.choice(TEXTS)


class _Text(bytes):
    """Bytes that SQLite is to keep as a text."""


def _is_numbered(column: Column) -> bool:
    """Whether the database counts it: a number at the end of all numbers is the last that it gives."""
    return column.kind is Kind.INTEGER and (column.is_key or column.name == "seq")


@pytest.fixture(params=["sqlite", "postgresql"])
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    place = request.getfixturevalue("postgres_url") if request.param == "postgresql" else tmp_path / "shop.db"
    shop = Shop(place, chance_of(request.node.name))
    store = shop.open()
    store.migrate()
    await store.start()
    await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, STORE, now()))
    await store.close()
    return shop


class Listener:
    """One client over all restarts: what it heard, and where it has got to."""

    def __init__(self, token: str, event: str, key: str) -> None:
        self.token, self.event, self.key = token, event, key
        self.before: list[list[Any]] = []
        self.line: Line | None = None

    async def connect(self, node: Node) -> None:
        events = self.events
        offset = next(
            (event[-1] for event in reversed(events) if isinstance(event[-1], str) and ":" in event[-1]), None
        )
        self.before = events
        self.line = node.line()
        self.line.connect(token=self.token, **({} if offset is None else {"offset": offset}))
        await until(lambda: self.line is not None and self.line.heard("ready"), 20)

    @property
    def events(self) -> list[list[Any]]:
        return self.before + ([] if self.line is None else self.line.events())

    def heard(self, placed: list[str]) -> list[str]:
        """Those of the placed orders that it was told of, as often as it was."""
        wanted = set(placed)
        told = (_id(event, self.key) for event in self.events if event[0] == self.event)
        return [id_ for id_ in told if id_ in wanted]


def _id(event: list[Any], key: str) -> Any:
    found = event[1].get(key) if len(event) > 1 and isinstance(event[1], dict) else None
    return found if isinstance(found, str) else None


async def answer_everything(store: AnyStore) -> None:
    """The lists, the figures, and what a node does by itself."""
    day = date.fromisoformat(now()[:10])
    questions: list[Callable[[Transaction], Any]] = [
        lambda t: orders.page(t, STORE, cursor=1 << 62, limit=50, statuses=None),
        lambda t: products.page(t, "", 50, every=True),
        lambda t: accounts.page(t, "", 50),
        lambda t: drivers.page(t, "", 50),
        lambda t: drivers.free(t, now()),
        lambda t: promotions.page(t, "", 50),
        lambda t: services.page(t, "", 50, every=True),
        lambda t: carers.page(t, "", 50),
        lambda t: bookings.page(t, bookings.BookingOwner(), before=1 << 62, limit=50, status=None),
        lambda t: bookings.page_of_day(t, bookings.BookingOwner(), EVER, limit=50, status=None),
        lambda t: availability.diaries(t, carers.page(t, "", 50), ALL_TIME),
        lambda t: mismatches.page(t, mismatches.NEWEST, 50, resolved_too=True),
        lambda t: notifications.page(t, ("store",), "usr_1", unread_only=False, before=None, limit=50),
        lambda t: stats.day(t, day, UTC, tz_name="UTC", now=now(), latency=None),
        lambda t: payment_tasks.due(t, now()),
        payment_tasks.next_due,
        lambda t: notification_tasks.due(t, now(), 50),
        notification_tasks.next_due,
        lambda t: contact_points.devices(t, "usr_1"),
        access.revoked,
        notifications.has_new_orders,
    ]
    for question in questions:
        await store.read(question)
    for expiry in (ORDER_EXPIRY, BOOKING_EXPIRY):
        await expire_all(store, expiry, timestamp(1), now())
    await remind_all(store, 10 * 365 * 86_400, ReminderSettings(UTC, Language.ENGLISH, sends_mail=True), 1)
    await store.write(lambda t: notifications.notify_of_new_orders(t, now()))
    await store.prune(feed_rows_max=200_000, sessions_age_s_max=7 * 24 * 3600, now=now())


async def test_whatever_is_in_a_row_the_next_order_is_heard_once_and_in_order(shop: Shop) -> None:
    listeners = [Listener("store:1", "newOrder", "id"), Listener("store:2", "newOrder", "id")]
    placed: list[str] = []
    end_s = time.monotonic() + SECONDS
    restarts = 0
    while time.monotonic() < end_s or restarts < 2:
        store = shop.open()
        await store.start()
        node = Node(cast(SqliteStore, store))
        for listener in listeners:
            await listener.connect(node)
        for _ in range(RESTART_EVERY):
            names = [table for table in tables(store.dialect) if table.name not in SPARED]
            for table in shop.chance.choices(names, k=ROWS_BETWEEN_ORDERS):
                await asyncio.to_thread(shop.write_anything, table)
            placed.append((await place_one(cast(SqliteStore, store))).id)
            await until(lambda: all(placed[-1] in listener.heard(placed) for listener in listeners), 20)
            await answer_everything(store)
        await RowInspector(store).inspect_all(1e9)
        for listener in listeners:
            assert listener.heard(placed) == placed
        damaged = len(store.damaged)
        node.relay.stop()
        await node.server.close()
        await store.close()
        restarts += 1
    gaps = Counter(event[1]["reason"] for event in listeners[0].events if event[0] == "resync")
    print(  # noqa: T201 - the figures of a long run
        f"{sum(shop.written.values())} rows written, {sum(shop.refused.values())} refused, into {len(shop.written)} and"
        f" {len(shop.refused)} tables; {len(placed)} orders heard by each, {restarts} restarts, {damaged} rows damaged"
        f" at the end; gaps {dict(gaps)}"
    )
    assert sum(shop.written.values()) > 0
