"""A shop that has grown: every table filled by bare SQL with `rows` rows, of which one customer, one driver, one order
and one reader have half. What is rare (open orders, tasks that are due, cards that are open) is old, and stays as few
however many rows there are: a statement that walks past the others to find it is seen by what it costs.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Column, MetaData, Table

from ordercast.db.ddl import COLUMN, metadata, sqlalchemy_table
from ordercast.db.dialects import SQLITE, Dialect
from ordercast.db.domains import Kind
from ordercast.db.feed import feed_to_number

RARE: Final = 20
"""How many rows are not like the others."""


def _hot(prefix: str) -> str:
    return f"CASE WHEN i % 2 = 0 THEN '{prefix}_hot' ELSE '{prefix}_' || i END"


def _rare(rare: str, usual: str) -> str:
    return f"CASE WHEN i <= {RARE} THEN {rare} ELSE {usual} END"


_ORDER: Final = "CASE WHEN i % 2 = 0 THEN 'ord_2' ELSE 'ord_' || i END"
# What stands in a column, as SQL of the row's number `i`; the others are distinct in each row.
_VALUES: Final[dict[str, str]] = {
    "orders.id": "'ord_' || i",
    "orders.status": _rare("CASE WHEN i % 2 = 0 THEN 'pending' ELSE 'on_hold' END", "'delivered'"),
    "orders.payment_status": "'paid'",
    "orders.fulfilment": "'delivery'",
    "orders.customer_id": _hot("cus"),
    "orders.driver_id": f"CASE WHEN i > {RARE} THEN {_hot('drv')} END",
    "orders.held_from": "NULL",
    "orders.promo_code": "CASE WHEN i % 2 = 0 THEN 'HOT' END",
    "orders.captured": "100",
    "orders.refunded": "0",
    "orders.refunding": "0",
    "orders.total": "100",
    "order_history.order_id": _ORDER,
    "order_history.from_payment_status": "'unpaid'",
    "order_history.to_payment_status": "'unpaid'",
    "order_history.from_status": "'processing'",
    "order_history.to_status": _rare("'ready_for_pickup'", "'processing'"),
    "order_lines.position": "1",
    "deliveries.order_id": _ORDER,
    "deliveries.driver_id": _hot("drv"),
    "delivery_proofs.order_id": "'ord_' || i",
    "driver_states.driver_id": "'usr_' || i",
    "driver_states.on_duty": _rare("1", "0"),
    "accounts.id": "'usr_' || i",
    "accounts.role": _rare("'driver'", "'customer'"),
    "accounts.active": "1",
    "conversations.id": "'cnv_' || i",
    "conversations.about": "'order'",
    "conversations.customer_id": _hot("cus"),
    "conversation_participants.conversation_id": "'cnv_' || i",
    "conversation_participants.whose": "CASE WHEN i % 2 = 0 THEN 'store' ELSE 'customer:cus_' || i END",
    "conversation_participants.unread": _rare("1", "0"),
    "messages.conversation_id": "CASE WHEN i % 2 = 0 THEN 'cnv_2' ELSE 'cnv_' || i END",
    "message_history.message_id": _hot("msg"),
    "customers.registered": "1",
    "customers.id": "'cus_' || i",
    "products.active": _rare("1", "0"),
    "products.tax_class": "'standard'",
    "product_history.product_id": _hot("prd"),
    "payments.payable_id": "'ord_' || i",
    "payments.kind": _rare("'authorized'", "'captured'"),
    "payments.provider": "'sandbox'",
    "refunds.payable_id": "'ord_' || i",
    "refunds.provider": "'sandbox'",
    "payment_tasks.payable_id": "'ord_' || i",
    "payment_tasks.state": _rare("'due'", "'done'"),
    "payment_tasks.kind": "'refund'",
    "payment_disputes.payable_id": "'ord_' || i",
    "payment_disputes.provider": "'sandbox'",
    "payment_webhooks.provider": "'sandbox'",
    "payment_webhooks.state": _rare(
        "CASE i % 3 WHEN 0 THEN 'due' WHEN 1 THEN 'waiting' ELSE 'failed' END", "'applied'"
    ),
    "payment_webhooks.payable_id": "'ord_' || i",
    "payment_mismatches.kind": "'captured'",
    "payment_mismatches.payable_id": "'ord_' || i",
    "payment_mismatches.resolved_at": _rare("NULL", "'2026-01-01T00:00:00Z'"),
    "payment_methods.customer_id": _rare("'cus_hot'", "'cus_' || i"),
    "sign_ins.account_id": _rare("'usr_hot'", "'usr_' || i"),
    "notifications.recipient": "CASE i % 3 WHEN 0 THEN 'store' WHEN 1 THEN 'cus_hot' ELSE 'cus_' || i END",
    "notifications.kind": "'assigned'",
    "notifications.severity": "'info'",
    "notifications.data": """'{"number":7}'""",
    "notifications.written_in": "NULL",
    "notification_reads.notification_id": "'notifications_id_' || i",
    "notification_reads.user_id": _rare("'usr_reader'", "'usr_' || i"),
    "notification_reads.recipient": "'store'",
    "notification_marks.user_id": "'usr_' || i",
    "notification_marks.unseen": "''",
    "notification_marks.recipient": "'store'",
    "contact_points.id": "'cpt_' || i",
    "contact_points.user_id": "'usr_' || i",
    "contact_points.way": "'push'",
    "contact_points.device": "'device_' || i",
    "contact_points.for_shop": _rare("1", "0"),
    "notification_tasks.way": "'push'",
    "notification_tasks.state": _rare("'due'", "'sent'"),
    "notification_tasks.user_id": "'usr_' || i",
    "notification_tasks.contact_point_id": "'cpt_' || i",
    "mirrored_orders.source": "'mongodb'",
    "mirrored_orders.status": _rare("'pending'", "'delivered'"),
    "mirrored_orders.customer_id": _hot("cus"),
    "mirrored_orders.driver_id": f"CASE WHEN i > {RARE} THEN {_hot('drv')} END",
    "mirrored_orders.gone": "0",
    "mirrored_orders.snapshot": "2",
    "feed.kind": _rare("'order.placed'", "'order.moved'"),
    "webhook_endpoints.enabled": _rare("1", "0"),
    "webhook_endpoints.disabled_by": "'admin'",
    "webhook_endpoints.failing_since": "NULL",
    "webhook_deliveries.id": "'whd_' || i",
    "webhook_deliveries.endpoint_id": "CASE WHEN i % 2 = 0 THEN 'whe_hot' ELSE 'whe_' || i END",
    "webhook_deliveries.subject": "'ord_' || i",
    "webhook_deliveries.state": _rare("'pending'", "'delivered'"),
    "webhook_attempts.delivery_id": "'whd_' || i",
    "sandbox_notices.due_at": "'2999-01-01T00:00:00Z'",
}
_SINGLE: Final = frozenset({"shop"})
"""Tables that never have a second row."""


FEED_TO_NUMBER: Final = sqlalchemy_table(feed_to_number, MetaData())


def fill(dialect: Dialect, rows: int, tables: Container[str] = metadata.tables) -> Iterator[str]:
    """The statements that fill `tables` of a migrated database, whose triggers and checks have been silenced."""
    for table in metadata.sorted_tables:
        if table.name not in tables:
            continue
        filled = FEED_TO_NUMBER if table.name == "feed" and dialect is not SQLITE else table
        yield _fill(dialect, filled, 1 if table.name in _SINGLE else rows)
        if table.name == "messages" and dialect is SQLITE:
            # Its triggers are silent; and a word that is in every message is the dearest to look for.
            yield "INSERT INTO message_entries (message_id) SELECT id FROM messages ORDER BY id"
            yield "INSERT INTO message_words (rowid, words) SELECT entry, 'parcel' FROM message_entries"
        if table.name == "orders":
            number, words = (
                ("rowid", "'parcel'") if dialect is SQLITE else ("number", "to_tsvector('simple', 'parcel')")
            )
            yield f"INSERT INTO order_words ({number}, words) SELECT number, {words} FROM orders"


def _fill(dialect: Dialect, table: Table, rows: int) -> str:
    columns = [column for column in table.columns if not column.identity]
    numbers = (
        f"WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {rows})"
        if dialect is SQLITE
        else f"WITH numbers AS (SELECT i FROM generate_series(1, {rows}) AS i)"
    )
    names = ", ".join(f'"{column.name}"' for column in columns)
    values = ", ".join(_value(dialect, column) for column in columns)
    conflict = " ON CONFLICT DO NOTHING"
    return f"{'' if dialect is SQLITE else numbers} INSERT INTO {table.name} ({names}) " + (
        f"{numbers} SELECT {values} FROM numbers WHERE TRUE{conflict}"
        if dialect is SQLITE
        else f"SELECT {values} FROM numbers{conflict}"
    )


def _value(dialect: Dialect, column: Column[Any]) -> str:
    known = _VALUES.get(f"{column.table.name}.{column.name}")
    return known if known is not None else _distinct(dialect, column)


_OF_DOMAIN: Final = {"object": "'{}'", "array": "'[]'", "currency": "'BDT'"}


def _distinct(dialect: Dialect, column: Column[Any]) -> str:
    is_sqlite = dialect is SQLITE
    kind, domain = column.info[COLUMN].kind, getattr(column.info[COLUMN].domain, "name", None)
    if domain in _OF_DOMAIN:
        return _OF_DOMAIN[domain]
    if kind in {Kind.JSON, Kind.JSON_AS_SENT}:
        return "'[]'" if is_sqlite else f"CAST('[]' AS {'json' if kind is Kind.JSON_AS_SENT else 'jsonb'})"
    if kind is Kind.BYTES:
        return f"CAST('b' || i AS {'BLOB' if is_sqlite else 'bytea'})"
    if kind in {Kind.REAL, Kind.INTEGER}:
        return "i"
    if domain == "moment":
        return moment_of(dialect, "i")
    return f"'{column.table.name}_{column.name}_' || i"


def moment_of(dialect: Dialect, i: str) -> str:
    """One second after another."""
    if dialect is SQLITE:
        return f"strftime('%Y-%m-%dT%H:%M:%fZ', 1700000000 + {i}, 'unixepoch')"
    return f"to_char(to_timestamp(1700000000 + {i}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"


TRIGGERS: Final = "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
CHECKS: Final = """
    SELECT conname, CASE conrelid WHEN 0 THEN 'DOMAIN ' || contypid::regtype ELSE 'TABLE ' || conrelid::regclass END
    FROM pg_constraint WHERE contype IN ('c', 'f') AND connamespace = current_schema()::regnamespace
"""


def silence(dialect: Dialect, triggers: Iterable[tuple[str, str]], checks: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The statements that let anything be written; `triggers` are given with their tables, and so are
    `checks`, or with their domains."""
    if dialect is SQLITE:
        yield "PRAGMA ignore_check_constraints = ON"
        yield "PRAGMA foreign_keys = OFF"
    for name, table in triggers:
        yield f"DROP TRIGGER {name}" + ("" if dialect is SQLITE else f" ON {table}")
    for name, of in checks:
        yield f"ALTER {of} DROP CONSTRAINT {name}" + (" CASCADE" if of.startswith("TABLE") else "")
