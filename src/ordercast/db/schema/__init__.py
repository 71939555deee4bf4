"""The tables, by subject."""

from ordercast.db.columns import complete, metadata
from ordercast.db.deliveries import deliveries, delivery_proofs
from ordercast.db.drivers import driver_states
from ordercast.db.erasures import erasures
from ordercast.db.events import BOOKING_EVENTS, RESERVED_EVENTS, published_events
from ordercast.db.feed import feed, feed_to_number
from ordercast.db.idempotency import idempotency
from ordercast.db.ledger import payment_disputes, payment_events, payments, refunds
from ordercast.db.meta import meta
from ordercast.db.mirrored import mirrored_orders, source_positions
from ordercast.db.mismatches import payment_mismatches
from ordercast.db.notifications.table import notification_marks, notification_reads, notifications
from ordercast.db.orders.table import order_history, order_lines, orders
from ordercast.db.payment_tasks import payment_tasks
from ordercast.db.products import product_history, products
from ordercast.db.promotions import promotions
from ordercast.db.sandbox import sandbox_notices, sandbox_payments
from ordercast.db.saved_cards import payment_methods
from ordercast.db.sessions import sessions
from ordercast.db.shop import shop

from .access import revocations, sign_ins
from .people import accounts, customers

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
