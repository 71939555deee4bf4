"""Every statement costs what it answers, whatever was kept: each is held to its indexes on both databases.

A new statement is held to them by being there. One that looks at more than it answers stands in a list below, with the
reason for which that is bounded.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

import psycopg
import pytest

from ordercast.db import dialects
from ordercast.db.ddl import metadata
from ordercast.db.migrate import upgrade
from ordercast.db.sqlite.connection import connect
from tests.postgres import Postgres

from . import growth
from .test_statements import Anything, texts

Costs: TypeAlias = dict[str, tuple[int, int]]

# --- Named exceptions -------------------------------------------------------------------------------------------------

NEVER_GROW: Final = frozenset({"shop"})

LOOKS_AT_MORE: Final[dict[str, str]] = {
    "products.ADD": "SQLite looks for the lines of a missing product only where one is missing",
    "orders.UNCLAIMED": "what was ordered with one address, found by its index; PostgreSQL guesses that it is more",
    "drivers.FREE": "its index holds only the drivers who are on duty",
    "accounts.EMAILS_WITH_HASH": "of the demo, which has a dozen accounts",
    "accounts.REPLACE_HASH": "of the demo, which has a dozen accounts",
    "accounts.AN_ADMIN": "its index holds only the admins, and the first will do",
    "payment_webhooks.PAYMENT_HAS_COME": "its index holds only those that wait, and that came lately",
    "accounts.OF_STAFF": "its index holds only the shop's people",
    "payment_tasks.ORDERS_OWING": "its index holds only the orders that owe something",
    "payment_tasks.BOOKINGS_OWING": "as of orders",
    "deliveries.CARRIED": "what one driver has with them, sorted",
    "orders.WAITING_OF_CALLERS": "what guests have waiting, which is bounded (commerce.unpaid_limits)",
    "stats.BY_MINUTE": "a day's orders, for a twentieth of the time at most (api.figures, feed.live_stats)",
    "stats.BOOKINGS_BY_STATUS": "as by_minute, of bookings",
    "stats.DURATIONS": "a day's, as by_minute",
    "stats.OPEN_AGES": "the orders that wait, as by_minute",
    "privacy.EXPORT_PAGE.sign_ins": "an account has twenty at most",
    "privacy.EXPORT_PAGE.notification_reads": "what one customer has read one by one, while it is kept",
    "privacy.EXPORT_PAGE.notification_marks": "how often one customer has read everything, while it is kept",
    "privacy.EXPORT_PAGE.message_history": "what one customer's messages were, sorted for each page",
    "privacy.EXPORT_PAGE.messages": "the messages of one customer's conversations, sorted for each page",
    "privacy.EXPORT_PAGE.conversation_participants": "one customer's conversations, sorted for each page",
    "privacy.EXPORT_PAGE.order_history": "all that became of two hundred orders",
    "privacy.EXPORT_PAGE.booking_history": "all that became of what one customer booked",
    "privacy.EXPORT_PAGE.deliveries": "all that became of two hundred orders",
    "privacy.EXPORT_PAGE.contact_points": "somebody has twenty devices at most, and a guest's order as many",
    "notification_tasks.IS_OUTDATED": "what one recipient was told while a task waited, which is given up after a day",
    "privacy.FEED_KEYS": "all that is kept of the feed, once for who is forgotten, in a reader",
    "privacy.ANSWERS": "all answers that are kept, a day's, as feed_keys",
    "privacy.WEBHOOKS": "all that is kept of deliveries, a month's, as feed_keys",
    "privacy.SESSIONS": "all sessions that are kept, a week's, as feed_keys",
}
OF_ONE_CUSTOMER: Final = re.compile(r"privacy\.(IDENTITY|ERASE|TRACKED|IS_KNOWN|SESSIONS)\b")
"""What is told or forgotten of somebody is all of theirs; it is found by indexes, but not in pages."""

# --- SQLite -----------------------------------------------------------------------------------------------------------

SMALL, LARGE = 2_000, 20_000
# What another level of an index costs, for each of a page's rows.
MORE_STEPS_MAX: Final = 600
# Far more than a page; it ends what would not end.
STEPS_MAX: Final = 200_000
STEPS: Final = 20

# What the statements are asked for: of who has most, what is rarest; and nothing that is there for what is left out.
VALUES: Final[dict[str, Any]] = {
    "conversation_id": "cnv_2",
    "message_id": "msg_hot",
    "whose": "store",
    "customer_id": "cus_hot",
    "endpoint_id": "whe_hot",
    "delivery_id": "whd_2",
    "driver_id": "drv_hot",
    "order_id": "ord_2",
    "payable_id": "ord_2",
    "product_id": "prd_hot",
    "account_id": "usr_hot",
    "user_id": "usr_reader",
    "recipient": "store",
    "status": "on_hold",
    "code": "HOT",
    "limit": 50,
    "window": 100,
    "ids": '["ord_2"]',
    "pids": '["a"]',
    "recipients": '["store"]',
    "rows": "[]",
    "after": 0,
    "lowest": 0,
    "through": 0,
    "mark": 10**12,
    "now": "2023-11-14T22:13:21.000Z",
    "since": "2999",
    "after_at": "2999",
    "begin": "2999",
    "end": "2999",
    "snapshot": 2,
    "source": "mongodb",
    "provider": "sandbox",
    "kind": "refund",
}
_OLDEST_FIRST: Final = [
    f"{whose}{status}AFTER"
    for whose in ("", "OF_CUSTOMER_", "OF_DRIVER_", "TO_TAKE_")
    for status in ("", "WITH_STATUS_")
]
OF_STATEMENTS: Final[dict[str, Any]] = {
    # Lists go by numbers, or by texts that are in order.
    "orders.cursor": 10**15,
    "mirrored.cursor": 2 * 10**15,
    **{f"{module}.{name}.cursor": 0 for module in ("orders", "mirrored") for name in _OLDEST_FIRST},
    "notifications.before": 10**15,
    **{f"privacy.EXPORT_PAGE.{table}.after": "" for table in ("customers", "accounts", "sign_ins", "payment_methods")},
    **{f"privacy.EXPORT_PAGE.{table}.after": "" for table in ("notification_reads", "erasures")},
    **{
        f"privacy.EXPORT_PAGE.{table}.after": "" for table in ("conversations", "conversation_participants", "messages")
    },
    "mismatches.before": "~",
    "message_search.words": "parcel",
    "order_search.words": "parcel",
    "order_search.lowest": 0,
    "order_search.highest": 10**15,
    "order_search.numbers": "[[2]]",
    "order_search.statuses": '["delivered"]',
    "message_search.before": None,
    "message_search.conversation_id": None,
    "payment_webhooks.BEFORE.before": "~",
    "payment_webhooks.WITH_STATE_BEFORE.before": "~",
    "payment_webhooks.state": "failed",
    "webhooks.BEFORE.before": 10**15,
    "webhooks.OF_STATE_BEFORE.before": 10**15,
    **{f"webhooks.{name}.after": "" for name in ("AFTER", "ENABLED_AFTER", "STOPPED", "ADMINS")},
    "products.after": "",
    "products.HISTORY.after": 0,
    "promotions.after": "",
    "accounts.after": "",
    "drivers.after": "",
    "revocations.after": "",
    "shop.after": "",
    # What is pruned is what is older than anything.
    "notifications.read_before": "2999",
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("plans") / "shop.db"
    upgrade(path)
    with closing(connect(path)) as connection:
        yield connection


@pytest.mark.parametrize("name", texts(dialects.SQLITE))
def test_sqlite_searches_indexes_and_sorts_nothing(empty: sqlite3.Connection, name: str) -> None:
    plan = [row[3] for row in empty.execute(f"EXPLAIN QUERY PLAN {texts(dialects.SQLITE)[name]}", Anything())]
    walked = {match[1] for step in plan if (match := re.match(r"SCAN (\w+)", step))}
    faults = [*(walked & metadata.tables.keys() - NEVER_GROW), *(step for step in plan if "TEMP B-TREE" in step)]
    assert not faults or name in LOOKS_AT_MORE or OF_ONE_CUSTOMER.match(name), plan


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> Costs:
    """The steps of each statement in a small and in a large shop."""
    small, large = (_costs(tmp_path_factory.mktemp("grown") / "shop.db", rows) for rows in (SMALL, LARGE))
    return {name: (small[name], large[name]) for name in small}


def _costs(path: Path, rows: int) -> dict[str, int]:
    upgrade(path)
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        triggers = connection.execute("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for statement in growth.silence(dialects.SQLITE, triggers, ()):
            connection.execute(statement)
        connection.execute("BEGIN")
        for statement in growth.fill(dialects.SQLITE, rows):
            connection.execute(statement)
        connection.execute("COMMIT")
        return {name: _steps(connection, name, text) for name, text in texts(dialects.SQLITE).items()}


def _steps(connection: sqlite3.Connection, name: str, text: str) -> int:
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += STEPS
        return steps > STEPS_MAX

    connection.execute("BEGIN")
    connection.set_progress_handler(count, STEPS)
    try:
        # A row that is there already was found by its key.
        with suppress(sqlite3.IntegrityError):
            connection.execute(text, _values(name, re.findall(r":(\w+)", text))).fetchall()
    except sqlite3.OperationalError:
        assert steps > STEPS_MAX, name
    finally:
        connection.set_progress_handler(None, 0)
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return steps


def _values(name: str, parameters: list[str]) -> dict[str, Any]:
    group = name.partition(".")[0]
    return {
        parameter: OF_STATEMENTS.get(
            f"{name}.{parameter}", OF_STATEMENTS.get(f"{group}.{parameter}", VALUES.get(parameter, "1"))
        )
        for parameter in parameters
    }


@pytest.mark.parametrize("name", texts(dialects.SQLITE))
def test_sqlite_takes_no_more_steps_in_a_shop_ten_times_as_large(costs: Costs, name: str) -> None:
    small, large = costs[name]
    is_flat = large <= small * 1.25 + MORE_STEPS_MAX
    assert is_flat or name in LOOKS_AT_MORE or OF_ONE_CUSTOMER.match(name), (small, large)


def test_no_exception_is_named_that_is_none() -> None:
    assert LOOKS_AT_MORE.keys() <= texts(dialects.SQLITE).keys()


# --- PostgreSQL -------------------------------------------------------------------------------------------------------

# Of two million: what is rare, as the planner sees it.
ROWS_MAX: Final = 100 * growth.RARE
# What reads all its rows before it gives the first one: a limit above it bounds nothing below.
GATHERS: Final = frozenset({"Sort", "Aggregate", "Hash", "ModifyTable", "Materialize", "SetOp", "WindowAgg", "Unique"})


@pytest.fixture(scope="module")
def grown(postgres_server: Postgres, postgres_template: str) -> Iterator[psycopg.Connection]:
    name = postgres_server.new_database(postgres_template)
    with psycopg.connect(postgres_server.url(name), autocommit=True) as connection:
        triggers = connection.execute(growth.TRIGGERS).fetchall()
        checks = connection.execute(growth.CHECKS).fetchall()
        for statement in growth.silence(dialects.POSTGRESQL, triggers, checks):
            connection.execute(statement.encode())
        for statement in growth.fill(dialects.POSTGRESQL, LARGE):
            connection.execute(statement.encode())
        connection.execute("VACUUM ANALYZE")
        # The planner takes the rows to a page from here: it sees two million of each.
        connection.execute("UPDATE pg_class SET reltuples = reltuples * 100 WHERE relkind IN ('r', 'i')")
        yield connection
    postgres_server.drop(name)


@pytest.mark.parametrize("name", texts(dialects.POSTGRESQL))
def test_postgresql_reads_a_page_along_an_index(grown: psycopg.Connection, name: str) -> None:
    text = texts(dialects.POSTGRESQL)[name]
    values = {key: str(value) for key, value in _values(name, re.findall(r"%\((\w+)\)s", text)).items()}
    row = grown.execute(f"EXPLAIN (FORMAT JSON) {text}".encode(), values).fetchone()
    assert row is not None
    faults = list(_faults(row[0][0]["Plan"], is_limited=False))
    assert not faults or name in LOOKS_AT_MORE or OF_ONE_CUSTOMER.match(name), faults


def _faults(plan: dict[str, Any], *, is_limited: bool) -> Iterator[str]:
    kind, table = plan["Node Type"], plan.get("Relation Name")
    if table in metadata.tables.keys() - NEVER_GROW and kind != "ModifyTable":
        if kind == "Seq Scan":
            yield f"reads all of {table}"
        elif plan["Plan Rows"] > ROWS_MAX and not is_limited:
            yield f"reads {plan['Plan Rows']} rows of {table} along {plan.get('Index Name')}"
    limits = (is_limited or kind == "Limit") and kind not in GATHERS
    for part in plan.get("Plans", ()):
        yield from _faults(part, is_limited=limits)
