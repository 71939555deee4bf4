"""Placing, moving and listing orders."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.states import OrderStatus, PaymentStatus
from ordercast.commerce.transitions import TERMINAL
from ordercast.db.statement import BulkStatement, Statement
from ordercast.db.tracking import Tracking

from .document import order_document
from .table import OF_GUEST_SQL

_DOCUMENT: Final = order_document("orders")

# --- Placing ----------------------------------------------------------------------------------------------------------

# What it leaves out keeps its default.
INSERT: Final = BulkStatement("""
    INSERT INTO orders @bulk_values(
      id ordercast_id, payment_status ordercast_word, fulfilment ordercast_word, subtotal bigint, tax bigint,
      shipping_fee bigint, discount bigint, total bigint, captured bigint, currency ordercast_currency,
      prices_include_tax bigint, promo_code ordercast_line, customer_id ordercast_id, customer_name ordercast_line,
      customer_email ordercast_line, customer_mobile ordercast_line, billing_info ordercast_object,
      shipping_info ordercast_object, cart_items ordercast_array, payment_info ordercast_object,
      tracking_hash ordercast_digest, actor ordercast_line, placed_from ordercast_line,
      requested_time ordercast_moment, created_at ordercast_moment, updated_at ordercast_moment)
""")
INSERT_LINES: Final = Statement("""
    INSERT INTO order_lines (order_number, position, product_id, quantity, unit_price, line_total, tax, reserved)
    @json_rows(:rows, order_number bigint, position ordercast_count, product_id ordercast_id,
      quantity ordercast_count, unit_price bigint, line_total bigint, tax bigint, reserved bigint)
""")
# The conditions on the status as the index has them.
WAITING_OF_CALLERS: Final = Statement(f"""
    SELECT orders.placed_from, count(DISTINCT orders.number), sum(order_lines.quantity)
    FROM orders JOIN order_lines ON order_lines.order_number = orders.number
    WHERE orders.placed_from IN (@json_texts(:callers)) AND orders.placed_from IS NOT NULL
      AND orders.status = '{OrderStatus.PENDING}' AND orders.payment_status = '{PaymentStatus.UNPAID}'
    GROUP BY orders.placed_from
""")

# --- Changing ---------------------------------------------------------------------------------------------------------

STATE: Final = Statement("""
    SELECT id, status, payment_status, payment_info, fulfilment, version, held_from, driver_id, customer_id, attempts,
      actor, updated_at, total, captured, refunded, refunding, currency,
      requested_time
    FROM orders WHERE id = :id @for_update
""")
CHANGE_STATUS: Final = Statement("""
    UPDATE orders SET status = :new_status, payment_status = :new_payment_status, version = version + 1,
      captured = :new_captured, refunded = :new_refunded, refunding = :new_refunding, driver_id = :new_driver_id,
      held_from = :new_held_from, attempts = :new_attempts, eta_at = :new_eta_at, actor = :new_actor,
      reason = :new_reason, updated_at = :new_updated_at,
      status_since = coalesce(:moved_at, status_since), promised_at = coalesce(:new_promised_at, promised_at)
    WHERE id = :order_id
""")
CHANGE_PROMISE: Final = Statement("""
    UPDATE orders SET promised_at = :new_promised_at, version = version + 1, actor = :new_actor, reason = :new_reason,
      updated_at = :new_updated_at
    WHERE id = :order_id
""")
# Of guests: what was placed without an account, by nobody who has one by now. The condition as the index has it.
_NOBODYS: Final = "NOT EXISTS (SELECT * FROM accounts WHERE accounts.id = orders.customer_id)"
UNCLAIMED: Final = Statement(f"""
    SELECT id, promo_code FROM orders
    WHERE {OF_GUEST_SQL} AND lower(customer_email) = :email AND {_NOBODYS}
    ORDER BY number LIMIT :limit
""")
# Whoever comes second finds that it is somebody's.
CLAIM: Final = Statement(f"""
    UPDATE orders SET customer_id = :new_customer_id, actor = :new_actor, reason = :new_reason,
      updated_at = :new_updated_at, version = version + 1
    WHERE id = :order_id AND {_NOBODYS}
""")
_PENDING: Final = f"""
    SELECT id, number FROM orders
    WHERE status = '{OrderStatus.PENDING}' AND updated_at < :before AND number > :after
      AND (requested_time IS NULL OR requested_time < :before)
    ORDER BY number LIMIT :limit
"""
PENDING_SINCE: Final = Statement(_PENDING)
# Those that somebody is changing just now are not unanswered.
PENDING_SINCE_FOR_UPDATE: Final = Statement(f"{_PENDING} @for_update @postgresql(SKIP LOCKED)")

# --- Tracking ---------------------------------------------------------------------------------------------------------

TRACKING: Final = Tracking("orders", history="order_history", key="order_id", ended=TERMINAL)
TRACKING_STATEMENTS: Final = TRACKING.statements
PLACED_AS: Final = Statement("""
    SELECT id, number, customer_email, customer_mobile, tracking_hash FROM orders WHERE number = :number
""")

# --- Looking ----------------------------------------------------------------------------------------------------------

DOCUMENT: Final = Statement(f"SELECT {_DOCUMENT}, customer_id, driver_id, status FROM orders WHERE id = :id")
HISTORY: Final = Statement("""
    SELECT entry, version, from_status, to_status, from_payment_status, to_payment_status, actor, reason, at,
      promised_at
    FROM order_history WHERE order_id = :order_id AND entry > :after ORDER BY entry LIMIT :limit
""")


def _newest(of: str = "") -> Statement:
    # One statement per filter: a filter that may be absent would keep SQLite from using its index.
    return Statement(f"""
        SELECT number, {_DOCUMENT} FROM orders
        WHERE number < :cursor {of} ORDER BY number DESC LIMIT :limit
    """)


def _oldest(of: str = "") -> Statement:
    return Statement(f"""
        SELECT number, {_DOCUMENT} FROM orders
        WHERE number > :cursor {of} ORDER BY number LIMIT :limit
    """)


_OF_STATUS: Final = "AND status = :status"
_OF_CUSTOMER: Final = "AND customer_id = :customer_id"
_OF_DRIVER: Final = "AND driver_id = :driver_id"
_TO_TAKE: Final = f"AND driver_id IS NULL AND status = '{OrderStatus.READY_FOR_DELIVERY}'"

BEFORE: Final = _newest()
WITH_STATUS_BEFORE: Final = _newest(_OF_STATUS)
OF_CUSTOMER_BEFORE: Final = _newest(_OF_CUSTOMER)
OF_CUSTOMER_WITH_STATUS_BEFORE: Final = _newest(f"{_OF_CUSTOMER} {_OF_STATUS}")
OF_DRIVER_BEFORE: Final = _newest(_OF_DRIVER)
OF_DRIVER_WITH_STATUS_BEFORE: Final = _newest(f"{_OF_DRIVER} {_OF_STATUS}")
TO_TAKE_BEFORE: Final = _newest(_TO_TAKE)
AFTER: Final = _oldest()
WITH_STATUS_AFTER: Final = _oldest(_OF_STATUS)
OF_CUSTOMER_AFTER: Final = _oldest(_OF_CUSTOMER)
OF_CUSTOMER_WITH_STATUS_AFTER: Final = _oldest(f"{_OF_CUSTOMER} {_OF_STATUS}")
OF_DRIVER_AFTER: Final = _oldest(_OF_DRIVER)
OF_DRIVER_WITH_STATUS_AFTER: Final = _oldest(f"{_OF_DRIVER} {_OF_STATUS}")
TO_TAKE_AFTER: Final = _oldest(_TO_TAKE)
