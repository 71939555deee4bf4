"""The tables. Every default here serves a plain INSERT by another program as well as ours."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    BLOB,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as sql

from ordercast.commerce.ids import ALPHABET
from ordercast.commerce.money import PRICE_MINOR_MAX
from ordercast.commerce.people import Role
from ordercast.commerce.states import Fulfilment, OrderStatus, PaymentStatus

metadata: Final = MetaData()

NOW_SQL: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
EXTERNAL_ACTOR: Final = "db:external"

# Names that a Socket.IO client gives to its own life, and `error`, on which Node's emitters throw.
RESERVED_EVENTS: Final = (
    "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener", "error",
)  # fmt: skip
_RESERVED: Final = ", ".join(f"'{name}'" for name in RESERVED_EVENTS)


def _id_default(prefix: str) -> str:
    """The SQL twin of ``commerce.ids.new_id``: ten characters of time, sixteen of chance."""
    now_ms = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
    time = [f"substr('{ALPHABET}', ({now_ms} >> {shift} & 31) + 1, 1)" for shift in range(45, -1, -5)]
    chance = [f"substr('{ALPHABET}', (random() & 31) + 1, 1)"] * 16
    return f"'{prefix}_' || {' || '.join([*time, *chance])}"


def _one_of(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    names = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({names})", name=f"{column}_known")


def _amount(name: str) -> Column[int]:
    check = CheckConstraint(f"{name} >= 0", name=f"{name}_not_negative")
    return Column(name, Integer, check, nullable=False, server_default=sql("0"))


def _json(name: str, default: str | None = None) -> Column[str]:
    # Older SQLite calls NULL invalid.
    check = CheckConstraint(f"{name} IS NULL OR json_valid({name})", name=f"{name}_is_json")
    return Column(name, Text, check, nullable=default is None, server_default=default)


def _array(name: str) -> Column[str]:
    # A CASE, for json_type of what is no JSON is an error rather than a refusal.
    check = f"CASE WHEN json_valid({name}) THEN json_type({name}) = 'array' ELSE 0 END"
    return Column(name, Text, CheckConstraint(check, name=f"{name}_is_array"), nullable=False, server_default="[]")


def _moment(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=sql(f"({NOW_SQL})"))


products = Table(
    "products",
    metadata,
    Column("id", Text, primary_key=True, server_default=sql(f"({_id_default('prd')})")),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("name_bn", Text, nullable=False, server_default=""),
    Column("description", Text, nullable=False, server_default=""),
    Column("description_bn", Text, nullable=False, server_default=""),
    Column(
        "price", Integer, CheckConstraint(f"price BETWEEN 0 AND {PRICE_MINOR_MAX}", name="price_bounds"), nullable=False
    ),
    Column("currency", Text, nullable=False, server_default="BDT"),
    Column("stock", Integer, CheckConstraint("stock >= 0", name="stock_not_negative"), nullable=False),
    Column("tax_class", Text, nullable=False, server_default="standard"),
    Column("image", Text, nullable=False, server_default=""),
)

customers = Table(
    "customers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    # A guest who types the address of an account holder must not become that person, nor rename them.
    Column("registered", Integer, nullable=False, server_default=sql("0")),
    Column("name", Text, nullable=False),
    Column("mobile", Text, nullable=False, server_default=""),
    _moment("created_at"),
    UniqueConstraint("email", "registered", name="customer_email_once"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("active", Integer, nullable=False, server_default=sql("1")),
    _moment("created_at"),
    _one_of("role", [Role.ADMIN, Role.STORE, Role.CUSTOMER, Role.DRIVER]),
)

orders = Table(
    "orders",
    metadata,
    # The number that people say aloud is the row's own key: it orders lists and pages without another index.
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True, server_default=sql(f"({_id_default('ord')})")),
    Column("status", Text, nullable=False, server_default=OrderStatus.PENDING),
    Column("payment_status", Text, nullable=False, server_default=PaymentStatus.UNPAID),
    Column("fulfilment", Text, nullable=False, server_default=Fulfilment.DELIVERY),
    Column("version", Integer, nullable=False, server_default=sql("1")),
    _amount("subtotal"),
    _amount("tax"),
    _amount("shipping_fee"),
    _amount("discount"),
    _amount("total"),
    Column("currency", Text, nullable=False, server_default="BDT"),
    # No foreign key: a shop's people may be known to another back end, which signs their tokens.
    Column("customer_id", Text),
    Column("customer_name", Text),
    Column("customer_email", Text),
    Column("customer_mobile", Text),
    _json("billing_info"),
    _json("shipping_info"),
    _json("cart_items", "[]"),
    _json("payment_info", '{"method":"cash"}'),
    Column("driver_id", Text),
    Column("held_from", Text),
    Column("attempts", Integer, nullable=False, server_default=sql("0")),
    Column("tracking_hash", BLOB),
    Column("actor", Text, nullable=False, server_default=EXTERNAL_ACTOR),
    Column("reason", Text),
    _moment("created_at"),
    _moment("updated_at"),
    _one_of("status", OrderStatus),
    _one_of("payment_status", PaymentStatus),
    _one_of("fulfilment", Fulfilment),
    _one_of("held_from", OrderStatus),
    Index("orders_by_customer", "customer_id", "number"),
    Index("orders_by_status", "status", "number"),
    Index("orders_by_driver", "driver_id", "number", sqlite_where=sql("driver_id IS NOT NULL")),
    Index("orders_by_tracking_hash", "tracking_hash", unique=True, sqlite_where=sql("tracking_hash IS NOT NULL")),
    sqlite_autoincrement=True,
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_number", Integer, ForeignKey("orders.number"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("product_id", Text, ForeignKey("products.id"), nullable=False),
    Column("quantity", Integer, CheckConstraint("quantity > 0", name="quantity_positive"), nullable=False),
    _amount("unit_price"),
    _amount("line_total"),
    _amount("tax"),
    sqlite_with_rowid=False,
)

order_history = Table(
    "order_history",
    metadata,
    Column("entry", Integer, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("from_status", Text),
    Column("to_status", Text, nullable=False),
    Column("from_payment_status", Text),
    Column("to_payment_status", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("at", Text, nullable=False),
    Index("history_by_order", "order_id", "version"),
)

published_events = Table(
    "published_events",
    metadata,
    Column("id", Text, primary_key=True, server_default=sql(f"({_id_default('evt')})")),
    Column("event", Text, CheckConstraint(f"event NOT IN ({_RESERVED})", name="event_not_reserved"), nullable=False),
    _array("rooms"),
    _array("args"),
    Column("actor", Text, nullable=False, server_default=EXTERNAL_ACTOR),
    _moment("created_at"),
    Index("published_events_by_age", "created_at"),
)

feed = Table(
    "feed",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("at", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    # A number once given out is never given again, not even when the newest rows were pruned.
    sqlite_autoincrement=True,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", BLOB, nullable=False),
    Column("answer", Text, nullable=False),
    _moment("created_at"),
    Index("idempotency_by_age", "created_at"),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("pid", Text, primary_key=True),
    Column("sid", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("identity", BLOB, nullable=False),
    Column("rooms", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Index("sessions_by_age", "seen_at"),
    sqlite_with_rowid=False,
)

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
