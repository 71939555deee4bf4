"""Bookings as they stand, and all that ever happened to them."""

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
# Whoever is reminded of one that was moved since is reminded again.
# A CASE, for SQLite sees that a question asks for what an index holds only where both are one expression.
TO_REMIND_SQL: Final = f"""\
CASE WHEN status IN ({literals(COMING)}) THEN reminded_for IS NULL OR reminded_for <> starts_at ELSE FALSE END"""
WAITING_SQL: Final = (
    f"placed_from IS NOT NULL AND status = '{BookingStatus.REQUESTED}' AND payment_status = '{PaymentStatus.UNPAID}'"
)


def _whole_minute(column: str) -> str:
    """The condition that a moment is a whole minute: so its first sixteen characters say all of it."""
    return f"substr({column}, 17) IN (':00.000Z', ':00Z')"


bookings = table(
    "bookings",
    # The number that people say aloud is the row's own key: it orders lists and pages without another index.
    numbered("number"),
    identifier("id", prefix="bkg", unique=True),
    word("status", default=BookingStatus.REQUESTED),
    word("payment_status", default=PaymentStatus.UNPAID),
    version(),
    # What was booked stays as it was then, whatever becomes of the service and of the carer's account.
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
    # Promised back and asked of the payment provider, who has not confirmed it yet.
    amount("refunding"),
    currency("BDT"),
    json_object("payment_info", '{"method":"cash"}'),
    identifier("customer_id", optional=True),
    line("customer_name", optional=True),
    line("customer_email", optional=True),
    line("customer_mobile", optional=True),
    text("note", optional=True),
    of(domains.DIGEST, "tracking_hash", optional=True),
    # Of a guest's that is to be paid later: a keyed hash of the address that it came from, by which those that wait for
    # the shop are counted.
    line("placed_from", optional=True),
    # In which its customer is mailed of it; the shop's, where nothing is said.
    word("language", optional=True),
    # The beginning of which its people were reminded last.
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
    # A day's, in the order in which they are.
    index("bookings_by_time", "starts_at", "number"),
    index("bookings_by_customer_time", "customer_id", "starts_at", "number"),
    index("bookings_by_carer_time", "carer_id", "starts_at", "number"),
    # What a carer's time is taken by, of which no two overlap: the last that begins before a moment tells whether
    # anything reaches over it.
    index("bookings_taking_time", "carer_id", "starts_at", where=TAKES_TIME_SQL),
    index("bookings_to_remind", "starts_at", "number", where=TO_REMIND_SQL),
    index("bookings_waiting_by_caller", "placed_from", where=WAITING_SQL),
    # Where another program's change may have left something to ask of the payment provider.
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
    # When and with whom it had been, where that changed, and then was.
    given_moment("from_starts_at", optional=True),
    given_moment("starts_at"),
    identifier("from_carer_id", optional=True),
    identifier("carer_id"),
    actor(given=True),
    reason(),
    given_moment("at"),
    index("history_by_booking", "booking_id", "entry"),
)
