"""Orders as they stand, what they sold, and all that ever happened to them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table
from sqlalchemy import text as sql

from ordercast.commerce.states import Fulfilment, OrderStatus, PaymentStatus
from ordercast.commerce.transitions import CARRIED, OPEN, UNFULFILLED, reachable

from .columns import (
    EXTERNAL_ACTOR,
    Bytes,
    Integer,
    Text,
    amount,
    flag,
    json_text,
    metadata,
    moment,
    names,
    new_id,
    one_of,
    partial,
)

_IS_PENDING: Final = f"status = '{OrderStatus.PENDING}'"

_UNFULFILLED: Final = names(UNFULFILLED)
# True of orders that owe the payment provider a deed, by the rules of ``commerce.payment_flow``. A CASE, for SQLite
# sees that a question asks for what an index holds only where both are one expression.
OWING_SQL: Final = f"""\
CASE WHEN payment_status = 'authorized' THEN status NOT IN ('pending', 'on_hold') \
WHEN payment_status = 'failed' THEN status IN ({_UNFULFILLED}) \
WHEN payment_status IN ('paid', 'partially_refunded') \
THEN status IN ({_UNFULFILLED}) AND refunded + refunding < captured ELSE FALSE END"""

_FINISHED: Final = {OrderStatus.READY_FOR_PICKUP, OrderStatus.READY_FOR_DELIVERY, OrderStatus.DELIVERED}
FINISHING_SQL: Final = f"to_status IN ({names(_FINISHED)})"
"""Of the lines of history that end a preparation or a delivery."""

orders = Table(
    "orders",
    metadata,
    # The number that people say aloud is the row's own key: it orders lists and pages without another index.
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True, server_default=new_id("ord")),
    Column("status", Text, nullable=False, server_default=OrderStatus.PENDING),
    Column("payment_status", Text, nullable=False, server_default=PaymentStatus.UNPAID),
    Column("fulfilment", Text, nullable=False, server_default=Fulfilment.DELIVERY),
    Column("version", Integer, nullable=False, server_default=sql("1")),
    amount("subtotal"),
    amount("tax"),
    amount("shipping_fee"),
    amount("discount"),
    amount("total"),
    amount("captured"),
    amount("refunded"),
    # Promised back and asked of the payment provider, who has not confirmed it yet.
    amount("refunding"),
    Column("currency", Text, nullable=False, server_default="BDT"),
    flag("prices_include_tax", False),
    Column("promo_code", Text),
    # No foreign key: a shop's people may be known to another back end, which signs their tokens.
    Column("customer_id", Text),
    Column("customer_name", Text),
    Column("customer_email", Text),
    Column("customer_mobile", Text),
    json_text("billing_info"),
    json_text("shipping_info"),
    json_text("cart_items", "[]"),
    json_text("payment_info", '{"method":"cash"}'),
    Column("driver_id", Text),
    Column("held_from", Text),
    Column("attempts", Integer, nullable=False, server_default=sql("0")),
    # When the driver should be there, as it was estimated at the last move; told with the delivery.
    Column("eta_at", Text),
    Column("tracking_hash", Bytes),
    # Of a guest's order that is to be paid later: a keyed hash of the address that it came from, by which those that
    # wait for the shop are counted.
    Column("placed_from", Text),
    Column("actor", Text, nullable=False, server_default=EXTERNAL_ACTOR),
    Column("reason", Text),
    moment("created_at"),
    moment("updated_at"),
    CheckConstraint("captured <= total", name="captured_within_total"),
    CheckConstraint("refunded + refunding <= captured", name="refunded_within_captured"),
    one_of("status", OrderStatus),
    one_of("payment_status", PaymentStatus),
    one_of("fulfilment", Fulfilment),
    one_of("held_from", OPEN),
    CheckConstraint(f"(status = '{OrderStatus.ON_HOLD}') = (held_from IS NOT NULL)", name="order_held_from"),
    # An order that another program wrote may tell its total alone.
    CheckConstraint(
        "subtotal = 0 OR total = subtotal - discount + shipping_fee + tax * (1 - prices_include_tax)",
        name="order_sums",
    ),
    # A new order is pending, and so spared the longer questions.
    CheckConstraint(
        f"{_IS_PENDING} OR driver_id IS NOT NULL OR coalesce(held_from, status) NOT IN ({names(CARRIED)})",
        name="order_has_driver",
    ),
    *(
        CheckConstraint(
            f"{_IS_PENDING} OR fulfilment <> '{kind}' OR coalesce(held_from, status) IN ({names(reachable(kind))})",
            name=f"order_for_{kind}",
        )
        for kind in Fulfilment
    ),
    Index("orders_by_customer", "customer_id", "number"),
    # Of somebody's hundred thousand orders the three on hold: along either of the others every one would be looked at.
    Index("orders_by_customer_status", "customer_id", "status", "number"),
    Index("orders_by_status", "status", "number"),
    Index("orders_by_time", "created_at"),
    partial("orders_by_driver", "driver_id", "number", where="driver_id IS NOT NULL"),
    partial("orders_by_driver_status", "driver_id", "status", "number", where="driver_id IS NOT NULL"),
    partial("orders_by_promotion", "promo_code", "customer_id", "status", where="promo_code IS NOT NULL"),
    partial("orders_by_tracking_hash", "tracking_hash", unique=True, where="tracking_hash IS NOT NULL"),
    partial(
        "orders_waiting_by_caller",
        "placed_from",
        where=f"placed_from IS NOT NULL AND {_IS_PENDING} AND payment_status = '{PaymentStatus.UNPAID}'",
    ),
    # Where another program's change may have left something to ask of the payment provider.
    partial("orders_owing", "number", where=OWING_SQL),
    sqlite_autoincrement=True,
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_number", Integer, ForeignKey("orders.number"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("product_id", Text, ForeignKey("products.id"), nullable=False),
    Column("quantity", Integer, CheckConstraint("quantity > 0", name="quantity_positive"), nullable=False),
    amount("unit_price"),
    amount("line_total"),
    amount("tax"),
    # Whether the line's pieces are taken from the stock already; if not, a trigger takes them.
    Column("reserved", Integer, nullable=False, server_default=sql("0")),
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
    Index("history_by_order", "order_id", "entry"),
    # Of what became ready or was delivered on a day; placing an order writes nothing into it.
    partial("history_of_finishing", "at", where=FINISHING_SQL),
)
