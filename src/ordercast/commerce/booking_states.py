"""Booking statuses and their labels. Payment statuses are those of orders."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from .errors import UnknownStatus
from .ids import BookingId
from .states import PaymentMethod, PaymentState, PaymentStatus


class BookingStatus(StrEnum):
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    """The customer was not there."""


@dataclass(frozen=True, slots=True)
class BookingState:
    """The part of a booking that decisions read."""

    noun: ClassVar[str] = "booking"
    a_noun: ClassVar[str] = "a booking"

    id: BookingId
    status: BookingStatus
    payment_status: PaymentStatus
    payment_method: PaymentMethod
    version: int
    service_id: str
    carer_id: str
    starts_at: str
    ends_at: str
    customer_id: str | None = None
    changed_by: str = ""
    """The last actor, as history records one."""
    changed_at: str = ""
    total: int = 0
    captured: int = 0
    refunded: int = 0
    refunding: int = 0
    currency: str = ""
    carer_left: bool = False
    """The carer's account is closed; one of another back end has none."""

    @property
    def payment(self) -> PaymentState:
        return PaymentState(self.payment_status, self.total, self.captured, self.refunded, self.refunding)


BOOKING_LABELS: Final[dict[BookingStatus, dict[str, str]]] = {
    BookingStatus.REQUESTED: {"en": "Waiting for confirmation", "bn": "নিশ্চিতকরণের অপেক্ষায়"},
    BookingStatus.CONFIRMED: {"en": "Confirmed", "bn": "নিশ্চিত"},
    BookingStatus.IN_PROGRESS: {"en": "In progress", "bn": "চলছে"},
    BookingStatus.COMPLETED: {"en": "Completed", "bn": "সম্পন্ন"},
    BookingStatus.CANCELLED: {"en": "Cancelled", "bn": "বাতিল"},
    BookingStatus.NO_SHOW: {"en": "Nobody was there", "bn": "কেউ উপস্থিত ছিলেন না"},
}

_BY_NAME: Final = {str(status): status for status in BookingStatus}


def booking_status(name: str) -> BookingStatus:
    """Parse a status. Raises UnknownStatus."""
    found = _BY_NAME.get(name)
    if found is None:
        raise UnknownStatus(name, "booking")
    return found
