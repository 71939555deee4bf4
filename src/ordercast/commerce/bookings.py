"""Bookings: the request, the document, and the decision about a new one. JSON names are camelCase."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Annotated, Final

from msgspec import Meta, Struct

from .booking_flow import BookingSlot
from .booking_states import BookingStatus
from .booking_transitions import BOOKING_ROLES
from .errors import InvalidField, NotPermitted, TotalDiffers
from .ids import BookingId
from .money import PRICE_MINOR_MAX, Money
from .orders import CardPayment, CashPayment, CustomerInfo, PaymentInfo, PublicCustomerInfo, SavedCardPayment
from .payments import PaymentTaken
from .people import STAFF, Actor
from .services import DAYS_AHEAD_MAX, Service
from .slots import DAY_MINUTES, Diary, Span, is_free, starts_of
from .states import PaymentStatus
from .timestamps import Timestamp

NOTE_MAX: Final = 1_000

Moment = Annotated[datetime, Meta(tz=True)]
ServiceId = Annotated[str, Meta(min_length=1, max_length=64)]
CarerId = Annotated[str, Meta(min_length=1, max_length=255)]


class BookService(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Request for a booking. The price is ours; `total` is only compared with it."""

    service_id: ServiceId
    starts_at: Moment
    carer_id: CarerId | None = None
    """The carer; any free one by default."""
    customer_info: CustomerInfo
    payment_info: CashPayment | CardPayment | SavedCardPayment = CashPayment()
    note: Annotated[str, Meta(max_length=NOTE_MAX)] = ""
    """Note for the carer."""
    total: Annotated[int, Meta(ge=0, le=PRICE_MINOR_MAX)] | None = None


class Booking(Struct, frozen=True, kw_only=True, rename="camel"):
    """A booking as the API and the feed have it. Sums are minor units of `currency`."""

    id: str
    number: int
    status: BookingStatus
    payment_status: PaymentStatus
    version: int
    service_id: str
    service_name: str
    service_name_bn: str
    starts_at: str
    ends_at: str
    carer_id: str
    carer_name: str | None
    total: int
    currency: str
    amount_paid: int
    """Captured or handed over so far."""
    amount_refunded: int
    amount_refunding: int
    """Being refunded, not yet confirmed by the provider."""
    customer_info: PublicCustomerInfo
    payment_info: PaymentInfo
    note: str | None
    customer_id: str | None
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class BookingPlaced:
    """A decided booking, to be inserted."""

    id: BookingId
    command: BookService
    service: Service
    slot: BookingSlot
    carer_name: str
    payment: PaymentTaken
    customer_id: str | None
    actor: Actor
    now: Timestamp

    @property
    def captured(self) -> int:
        """The sum captured already, in minor units."""
        return self.service.price if self.payment.status is PaymentStatus.PAID else 0


def check_booking(command: BookService, service: Service, actor: Actor) -> None:
    """Check a request. Raises NotPermitted, InvalidField for a service that cannot be booked, or TotalDiffers."""
    if actor.role not in BOOKING_ROLES:
        raise NotPermitted(actor, "book a service")
    if not service.active:
        raise InvalidField("serviceId", "This service cannot be booked now.")
    if command.carer_id is not None and command.carer_id not in service.carer_ids:
        raise InvalidField("carerId", "This carer does not do this service.")
    if command.total is not None and command.total != service.price:
        raise TotalDiffers(Money(command.total, service.currency), Money(service.price, service.currency))


def minute_wanted(field: str, at: datetime, now_minute: int) -> int:
    """The requested Unix minute. Raises InvalidField for a fraction, the past, or too far a future."""
    seconds = at.timestamp()
    if seconds % 60:
        raise InvalidField(field, "A booking begins with a whole minute.")
    minute = int(seconds) // 60
    if minute <= now_minute:
        raise InvalidField(field, "This time has gone by.")
    if minute > now_minute + DAYS_AHEAD_MAX * DAY_MINUTES:
        raise InvalidField(field, f"Nothing is booked more than {DAYS_AHEAD_MAX} days ahead.")
    return minute


def is_bookable(diary: Diary, service: Service, start: int, actor: Actor, zone: tzinfo) -> bool:
    """Whether the carer can be booked from that minute on; staff may book outside of slots."""
    wanted = Span(start, start + service.duration_minutes)
    if not is_free(diary, wanted, zone):
        return False
    return actor.role in STAFF or start in starts_of(diary, service.offer, Span(start, start + 1), zone)


def least_busy(diaries: list[Diary], service: Service) -> Diary | None:
    """Choose the free carer with the fewest bookings around that time; among equals, the first of the service."""
    return min(diaries, key=lambda diary: (len(diary.booked), service.carer_ids.index(diary.carer_id)), default=None)
