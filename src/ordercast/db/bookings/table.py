"""Tables: bookings and their history."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.booking_states import BookingStatus
from ordercast.commerce.booking_transitions import COMING, TAKING_TIME
from ordercast.commerce.states import PaymentStatus
from ordercast.db import domains
from ordercast.db.columns import (
    actor,
    amount,
    check,
    currency,
    entry,
    given_moment,
    identifier,
    index,
    json_object,
    line,
    moment,
    numbered,
    of,
    one_of,
    reason,
    table,
    text,
    version,
    word,
)
from ordercast.db.payment_rules import BOOKING_OWING_SQL
from ordercast.db.sql import literals

TAKES_TIME_SQL: Final = f"status IN ({literals(TAKING_TIME)})"
# A booking that was rescheduled since is due again.
TO_REMIND_SQL: Final = f"""\
CASE WHEN status IN ({literals(COMING)}) THEN reminded_for IS NULL OR reminded_for <> starts_at ELSE FALSE END"""
WAITING_SQL: Final = (
    f"placed_from IS NOT NULL AND status = '{BookingStatus.REQUESTED}' AND payment_status = '{PaymentStatus.UNPAID}'"
)


def _whole_minute(column: str) -> str:
    """SQL condition that a timestamp is a whole minute, so that its first sixteen characters are enough."""
    return f"substr({column}, 17) IN (':00.000Z', ':00Z')"


bookings = table(
    "bookings",
    # The number that people use is the primary key, so lists need no other index.
    numbered("number"),
    identifier("id", prefix="bkg", unique=True),
    word("status", default=BookingStatus.REQUESTED),
    word("payment_status", default=PaymentStatus.UNPAID),
    version(),
    # A copy: it stays when the service or the carer's account changes.
    identifier("service_id"),
    line("service_name", default=""),
    line("service_name_bn", default=""),
    given_moment("starts_at"),
    given_moment("ends_at"),
    identifier("carer_id"),
    line("carer_name", optional=True),
    amount("total"),
    amount("captured"),
    amount("refunded"),
    # Being refunded, not yet confirmed by the provider.
    amount("refunding"),
    currency("BDT"),
    json_object("payment_info", '{"method":"cash"}'),
    identifier("customer_id", optional=True),
    line("customer_name", optional=True),
    line("customer_email", optional=True),
    line("customer_mobile", optional=True),
    text("note", optional=True),
    of(domains.DIGEST, "tracking_hash", optional=True),
    # For a guest's unpaid booking: the hashed address it came from, for the limits.
    line("placed_from", optional=True),
    # The language of mails to the customer; the shop's by default.
    word("language", optional=True),
    # The beginning for which reminders were sent.
    given_moment("reminded_for", optional=True),
    actor(),
    reason(),
    moment("created_at"),
    moment("updated_at"),
    one_of("status", BookingStatus),
    one_of("payment_status", PaymentStatus),
    check("captured_within_booking", "captured <= total"),
    check("refunded_within_booking", "refunded + refunding <= captured"),
    check("booking_in_minutes", f"{_whole_minute('starts_at')} AND {_whole_minute('ends_at')}"),
    check("booking_has_time", "substr(ends_at, 1, 16) > substr(starts_at, 1, 16)"),
    index("bookings_by_customer", "customer_id", "number"),
    index("bookings_by_customer_status", "customer_id", "status", "number"),
    index("bookings_by_carer", "carer_id", "number"),
    index("bookings_by_carer_status", "carer_id", "status", "number"),
    index("bookings_by_status", "status", "number"),
    # For a day's list.
    index("bookings_by_time", "starts_at", "number"),
    index("bookings_by_customer_time", "customer_id", "starts_at", "number"),
    index("bookings_by_carer_time", "carer_id", "starts_at", "number"),
    # Bookings that occupy a carer; they do not overlap, so the last one before a time shows whether it is free.
    index("bookings_taking_time", "carer_id", "starts_at", where=TAKES_TIME_SQL),
    index("bookings_to_remind", "starts_at", "number", where=TO_REMIND_SQL),
    index("bookings_waiting_by_caller", "placed_from", where=WAITING_SQL),
    # Where another program's change may require an action of the provider.
    index("bookings_owing", "number", where=BOOKING_OWING_SQL),
    index("bookings_by_tracking_hash", "tracking_hash", unique=True, where="tracking_hash IS NOT NULL"),
    autoincrement=True,
)

booking_history = table(
    "booking_history",
    entry(),
    identifier("booking_id"),
    version(None),
    word("from_status", optional=True),
    word("to_status"),
    word("from_payment_status", optional=True),
    word("to_payment_status"),
    # The former time and carer, if they changed.
    given_moment("from_starts_at", optional=True),
    given_moment("starts_at"),
    identifier("from_carer_id", optional=True),
    identifier("carer_id"),
    actor(given=True),
    reason(),
    given_moment("at"),
    index("history_by_booking", "booking_id", "entry"),
)
