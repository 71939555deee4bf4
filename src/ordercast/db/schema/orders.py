"""Orders as they stand, what they sold, and all that ever happened to them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Identity, Index, Table

from ordercast.commerce.states import Fulfilment, OrderStatus, PaymentStatus
from ordercast.commerce.transitions import CARRIED, OPEN, REFUNDING, reachable
from ordercast.db import domains
from ordercast.db.columns import (
    actor,
    amount,
    count,
    currency,
    entry,
    flag,
    given_moment,
    identifier,
    json_array,
    json_object,
    line,
    metadata,
    moment,
    names,
    of,
    one_of,
    partial,
    reason,
    tally,
    version,
    word,
    written_by_triggers,
)
from ordercast.db.domains import Integer

_IS_PENDING: Final = f"status = '{OrderStatus.PENDING}'"

_UNFULFILLED: Final = names(REFUNDING)
# True of orders that owe the payment provider a deed, by the rules of ``commerce.payment_flow``. A CASE, for SQLite
# sees that a question asks for what an index holds only where both are one expression.
OWING_SQL: Final = f"""\
CASE WHEN payment_status = 'authorized' THEN status NOT IN ('pending', 'on_hold') \
WHEN payment_status = 'failed' \
THEN status IN ({_UNFULFILLED}) AND (captured = 0 OR refunded + refunding < captured) \
WHEN payment_status IN ('paid', 'partially_refunded') \
THEN status IN ({_UNFULFILLED}) AND refunded + refunding < captured ELSE FALSE END"""

_FINISHED: Final = {OrderStatus.READY_FOR_PICKUP, OrderStatus.READY_FOR_DELIVERY, OrderStatus.DELIVERED}
FINISHING_SQL: Final = f"to_status IN ({names(_FINISHED)})"
"""Of the lines of history that end a preparation or a delivery."""

orders = Table(
    "orders",
    metadata,
    # The number that people say aloud is the row's own key: it orders lists and pages without another index.
    Column("number", Integer, Identity(), CheckConstraint("number > 0", name="number_positive"), primary_key=True),
    identifier("id", prefix="ord", unique=True),
    word("status", default=OrderStatus.PENDING),
    word("payment_status", default=PaymentStatus.UNPAID),
    word("fulfilment", default=Fulfilment.DELIVERY),
    version(),
    amount("subtotal"),
    amount("tax"),
    amount("shipping_fee"),
    amount("discount"),
    amount("total"),
    amount("captured"),
    amount("refunded"),
    # Promised back and asked of the payment provider, who has not confirmed it yet.
    amount("refunding"),
    currency("BDT"),
    flag("prices_include_tax", False),
    line("promo_code", optional=True),
    # No foreign key: a shop's people may be known to another back end, which signs their tokens.
    identifier("customer_id", optional=True),
    line("customer_name", optional=True),
    line("customer_email", optional=True),
    line("customer_mobile", optional=True),
    json_object("billing_info", optional=True),
    json_object("shipping_info", optional=True),
    json_array("cart_items"),
    json_object("payment_info", '{"method":"cash"}'),
    identifier("driver_id", optional=True),
    word("held_from", optional=True),
    tally("attempts"),
    # When the driver should be there, as it was estimated at the last move; told with the delivery.
    given_moment("eta_at", optional=True),
    of(domains.DIGEST, "tracking_hash", optional=True),
    # Of a guest's order that is to be paid later: a keyed hash of the address that it came from, by which those that
    # wait for the shop are counted.
    line("placed_from", optional=True),
    actor(),
    reason(),
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
    count("position", default=None, primary_key=True),
    identifier("product_id", ForeignKey("products.id")),
    count("quantity", CheckConstraint("quantity > 0", name="quantity_positive"), default=None),
    amount("unit_price"),
    amount("line_total"),
    amount("tax"),
    # Whether the line's pieces are taken from the stock already; if not, a trigger takes them.
    flag("reserved", False),
    sqlite_with_rowid=False,
)

order_history = written_by_triggers(
    Table(
        "order_history",
        metadata,
        entry(),
        identifier("order_id"),
        version(None),
        word("from_status", optional=True),
        word("to_status"),
        word("from_payment_status", optional=True),
        word("to_payment_status"),
        actor(given=True),
        reason(),
        given_moment("at"),
        Index("history_by_order", "order_id", "entry"),
        # Of what became ready or was delivered on a day; placing an order writes nothing into it.
        partial("history_of_finishing", "at", where=FINISHING_SQL),
    )
)
