"""The tables, by subject."""

from .access import revocations, sign_ins
from .answers import idempotency, meta, sessions
from .catalogue import products
from .columns import EXTERNAL_ACTOR, NOW_SQL, metadata
from .feed import RESERVED_EVENTS, feed, published_events
from .orders import order_history, order_lines, orders
from .people import accounts, customers

__all__ = [
    "EXTERNAL_ACTOR",
    "NOW_SQL",
    "RESERVED_EVENTS",
    "accounts",
    "customers",
    "feed",
    "idempotency",
    "meta",
    "metadata",
    "order_history",
    "order_lines",
    "orders",
    "products",
    "published_events",
    "revocations",
    "sessions",
    "sign_ins",
]
