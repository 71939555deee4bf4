"""Cancels bookings that nobody confirmed before they were over, and gives their payment back."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.booking_states import BookingStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.db.expiry import TIMER, Expiry
from ordercast.db.transaction import Transaction

from . import change_status, statements


def _cancel(transaction: Transaction, booking_id: str, now: Timestamp) -> None:
    reason = "The shop did not confirm it in time."
    change_status(
        transaction, booking_id, BookingStatus.CANCELLED, TIMER, reason=reason, expected_version=None, now=now
    )


BOOKING_EXPIRY: Final = Expiry("booking", statements.UNCONFIRMED, statements.UNCONFIRMED_FOR_UPDATE, _cancel)
