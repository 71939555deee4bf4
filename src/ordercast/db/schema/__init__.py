"""The tables, by subject."""

from ordercast.db.columns import complete, metadata
from ordercast.db.drivers import driver_states

from .access import revocations, sign_ins
from .answers import idempotency, meta, sessions
from .catalogue import product_history, products
from .deliveries import deliveries, delivery_proofs
from .feed import BOOKING_EVENTS, RESERVED_EVENTS, feed, feed_to_number, published_events
from .mirrored import mirrored_orders, source_positions
from .notifications import notification_marks, notification_reads, notifications
from .orders import order_history, order_lines, orders
from .payments import (
    payment_disputes,
    payment_events,
    payment_methods,
    payment_mismatches,
    payment_tasks,
    payments,
    refunds,
)
from .people import accounts, customers
from .privacy import erasures
from .promotions import promotions
from .sandbox import sandbox_notices, sandbox_payments
from .shop import shop

for _table in (*metadata.sorted_tables, feed_to_number):
    if "strict" not in _table.info:
        complete(_table)

__all__ = [
    "BOOKING_EVENTS",
    "RESERVED_EVENTS",
    "accounts",
    "customers",
    "deliveries",
    "delivery_proofs",
    "driver_states",
    "erasures",
    "feed",
    "feed_to_number",
    "idempotency",
    "meta",
    "metadata",
    "mirrored_orders",
    "notification_marks",
    "notification_reads",
    "notifications",
    "order_history",
    "order_lines",
    "orders",
    "payment_disputes",
    "payment_events",
    "payment_methods",
    "payment_mismatches",
    "payment_tasks",
    "payments",
    "product_history",
    "products",
    "promotions",
    "published_events",
    "refunds",
    "revocations",
    "sandbox_notices",
    "sandbox_payments",
    "sessions",
    "shop",
    "sign_ins",
    "source_positions",
]
