"""SQL on bookings."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.booking_states import BookingStatus
from ordercast.commerce.booking_transitions import BOOKING_TERMINAL
from ordercast.db.statement import Statement
from ordercast.db.tracking import Tracking

from .document import booking_document
from .table import TAKES_TIME_SQL, TO_REMIND_SQL, WAITING_SQL

_DOCUMENT: Final = booking_document("bookings")

# --- Making -----------------------------------------------------------------------------------------------------------

INSERT: Final = Statement("""
    INSERT INTO bookings (id, payment_status, service_id, service_name, service_name_bn, starts_at, ends_at, carer_id,
      carer_name, total, captured, currency, payment_info, customer_id, customer_name, customer_email,
      customer_mobile, note, tracking_hash, language, placed_from, actor, created_at, updated_at)
    VALUES (:id, :payment_status, :service_id, :service_name, :service_name_bn, :starts_at, :ends_at, :carer_id,
      :carer_name, :total, :captured, :currency, :payment_info, :customer_id, :customer_name, :customer_email,
      :customer_mobile, :note, :tracking_hash, :language, :placed_from, :actor, :created_at, :updated_at)
""")
# Bookings of carers that begin in a span, and the last one before it, the only one that can reach into it.
TAKEN_WITHIN: Final = Statement(f"""
    SELECT carer_id, id, starts_at, ends_at FROM bookings
    WHERE carer_id IN (@json_texts(:carer_ids)) AND {TAKES_TIME_SQL} AND starts_at >= :begin AND starts_at < :end
""")
TAKEN_BEFORE: Final = Statement(f"""
    SELECT carer_id, id, starts_at, ends_at FROM bookings
    WHERE carer_id = :carer_id AND {TAKES_TIME_SQL} AND starts_at < :begin
    ORDER BY starts_at DESC LIMIT 1
""")

# A caller's unpaid bookings that wait for the shop; conditions as in the index.
WAITING_OF_CALLER: Final = Statement(f"""
    SELECT count(*) FROM bookings WHERE placed_from = :placed_from AND {WAITING_SQL}
""")

# --- Changing ---------------------------------------------------------------------------------------------------------

STATE: Final = Statement("""
    SELECT id, status, payment_status, payment_info, version, service_id, carer_id, starts_at, ends_at, customer_id,
      actor, updated_at, total, captured, refunded, refunding, currency,
      CASE WHEN EXISTS (SELECT 1 FROM accounts WHERE accounts.id = bookings.carer_id AND active = 0) THEN 1 ELSE 0 END
    FROM bookings WHERE id = :id @for_update
""")
CHANGE: Final = Statement("""
    UPDATE bookings SET status = :new_status, payment_status = :new_payment_status, captured = :new_captured,
      refunded = :new_refunded, refunding = :new_refunding, starts_at = :new_starts_at, ends_at = :new_ends_at,
      carer_id = :new_carer_id, carer_name = :new_carer_name, version = version + 1, actor = :new_actor,
      reason = :new_reason, updated_at = :new_updated_at
    WHERE id = :booking_id
""")
CARER_NAME: Final = Statement("SELECT carer_name FROM bookings WHERE id = :id")

# --- Expiry -----------------------------------------------------------------------------------------------------------

# Until the end, for some shops confirm as they begin. The first sixteen characters are the minute.
_UNCONFIRMED: Final = f"""
    SELECT id, number FROM bookings
    WHERE status = '{BookingStatus.REQUESTED}' AND ends_at < substr(:before, 1, 16) AND number > :after
    ORDER BY number LIMIT :limit
"""
UNCONFIRMED: Final = Statement(_UNCONFIRMED)
# Those that somebody is changing just now are not unanswered.
UNCONFIRMED_FOR_UPDATE: Final = Statement(f"{_UNCONFIRMED} @for_update @postgresql(SKIP LOCKED)")

# --- Reminders --------------------------------------------------------------------------------------------------------

# Guests have no account for notifications; customers of another back end are not in the table.
_HAS_ACCOUNT: Final = """(bookings.tracking_hash IS NULL
      OR EXISTS (SELECT 1 FROM customers WHERE customers.id = bookings.customer_id))"""
_TO_REMIND: Final = f"{TO_REMIND_SQL} AND starts_at > :now AND starts_at < :before"
IS_ANY_DUE: Final = Statement(f"SELECT id FROM bookings WHERE {_TO_REMIND} LIMIT 1")
# Locked rows are left for the next round.
TO_REMIND_FOR_UPDATE: Final = Statement(f"""
    SELECT id, number, starts_at, service_name, service_name_bn, customer_id, carer_id,
      CASE WHEN {_HAS_ACCOUNT} THEN 1 ELSE 0 END, CASE WHEN customer_email IS NULL THEN 0 ELSE 1 END, language
    FROM bookings WHERE {_TO_REMIND} AND (starts_at, number) > (:after_at, :after_number)
    ORDER BY starts_at, number LIMIT :limit @for_update @postgresql(SKIP LOCKED)
""")
REMINDED: Final = Statement("UPDATE bookings SET reminded_for = starts_at WHERE id = :booking_id")

# --- Tracking ---------------------------------------------------------------------------------------------------------

TRACKING: Final = Tracking("bookings", history="booking_history", key="booking_id", ended=BOOKING_TERMINAL)
TRACKING_STATEMENTS: Final = TRACKING.statements

# --- Looking ----------------------------------------------------------------------------------------------------------

DOCUMENT: Final = Statement(f"SELECT {_DOCUMENT}, customer_id, carer_id FROM bookings WHERE id = :id")
HISTORY: Final = Statement("""
    SELECT entry, version, from_status, to_status, from_payment_status, to_payment_status, from_starts_at, starts_at,
      from_carer_id, carer_id, actor, reason, at
    FROM booking_history WHERE booking_id = :booking_id AND entry > :after ORDER BY entry LIMIT :limit
""")


def _newest(of: str = "") -> Statement:
    # One statement per filter: an optional filter would keep SQLite from using the index.
    return Statement(f"""
        SELECT number, {_DOCUMENT} FROM bookings
        WHERE number < :before {of} ORDER BY number DESC LIMIT :limit
    """)


BEFORE: Final = _newest()
WITH_STATUS_BEFORE: Final = _newest("AND status = :status")
OF_CUSTOMER_BEFORE: Final = _newest("AND customer_id = :customer_id")
OF_CUSTOMER_WITH_STATUS_BEFORE: Final = _newest("AND customer_id = :customer_id AND status = :status")
OF_CARER_BEFORE: Final = _newest("AND carer_id = :carer_id")
OF_CARER_WITH_STATUS_BEFORE: Final = _newest("AND carer_id = :carer_id AND status = :status")


def _of_day(of: str = "") -> Statement:
    return Statement(f"""
        SELECT starts_at, number, {_DOCUMENT} FROM bookings
        WHERE starts_at >= :begin AND starts_at < :end AND (starts_at, number) > (:after_at, :after)
          AND (CAST(:status AS text) = '' OR status = :status) {of}
        ORDER BY starts_at, number LIMIT :limit
    """)


OF_DAY: Final = _of_day()
OF_CUSTOMER_OF_DAY: Final = _of_day("AND customer_id = :customer_id")
OF_CARER_OF_DAY: Final = _of_day("AND carer_id = :carer_id")
