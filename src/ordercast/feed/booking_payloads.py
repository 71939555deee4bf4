"""The payloads of bookings for staff, customer, guest (tracking link) and carer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import msgspec

from ordercast.commerce.masking import booking_shown_to, masked_booking, public_actor
from ordercast.commerce.people import Actor, Role
from ordercast.db import Change, ChangeKind, read_json

from .event_types import BookingUpdatePayload, NewBookingPayload, PaymentUpdatePayload
from .gaps import UnroutableRow
from .payloads import has_new_payment, payment_change

_CARER: Final = Actor(Role.CARER)


class BookingChange(msgspec.Struct, frozen=True):
    """A booking before and after one committed change."""

    change: Change
    before: dict[str, Any] | None
    after: dict[str, Any]
    event_id: str = ""

    @classmethod
    def of(cls, change: Change) -> BookingChange:
        """Parse a row of the feed. Raises ValueError for a damaged booking."""
        if change.after is None:
            raise UnroutableRow("there is no booking in it")
        before = None if change.before is None else _checked(read_json(change.before))
        return cls(change, before, _checked(read_json(change.after)))

    def with_event_id(self, event_id: str) -> BookingChange:
        return BookingChange(self.change, self.before, self.after, event_id)

    @property
    def is_new(self) -> bool:
        return self.change.kind == ChangeKind.BOOKING_PLACED

    @property
    def has_new_payment(self) -> bool:
        return self.before is not None and has_new_payment(self.before, self.after)


# Fields that payloads use, and their types.
_TEXTS: Final = (
    "id", "status", "paymentStatus", "serviceId", "serviceName", "startsAt", "endsAt", "carerId", "currency",
)  # fmt: skip


def _checked(booking: Any) -> dict[str, Any]:
    """Validate a booking's document. Raises UnroutableRow."""
    if not (
        isinstance(booking, dict)
        and all(type(booking.get(name)) is str for name in _TEXTS)
        and type(booking.get("number")) is int
        and type(booking.get("total")) is int
        and type(booking.get("customerInfo")) is dict
    ):
        raise UnroutableRow("it is no booking")
    return booking


Shown = Callable[[dict[str, Any]], dict[str, Any]]


def _whole(booking: dict[str, Any]) -> dict[str, Any]:
    return booking


def _for_carer(booking: dict[str, Any]) -> dict[str, Any]:
    return booking_shown_to(_CARER, booking)


def _new(change: BookingChange, shown: Shown) -> NewBookingPayload:
    booking = shown(change.after)
    return {
        "id": change.event_id,
        "seq": change.change.seq,
        "version": change.change.version,
        "at": change.change.at,
        "bookingId": booking["id"],
        "number": booking["number"],
        "userId": booking.get("customerId"),
        "status": booking["status"],
        "paymentStatus": booking["paymentStatus"],
        "serviceId": booking["serviceId"],
        "serviceName": booking["serviceName"],
        "startsAt": booking["startsAt"],
        "endsAt": booking["endsAt"],
        "carerId": booking["carerId"],
        "carerName": booking.get("carerName"),
        "customerName": booking["customerInfo"].get("name"),
        "total": booking["total"],
        "currency": booking["currency"],
        "booking": booking,
    }


def _updated(change: BookingChange, shown: Shown, actor: str, reason: str | None) -> BookingUpdatePayload:
    before = change.before or {}
    return {
        **_new(change, shown),
        "kind": change.change.kind.partition(".")[2],
        "oldStatus": before.get("status"),
        "oldPaymentStatus": before.get("paymentStatus"),
        "oldStartsAt": before.get("startsAt"),
        "oldCarerId": before.get("carerId"),
        "actor": actor,
        "reason": reason,
    }


def _publicly_updated(change: BookingChange, shown: Shown) -> BookingUpdatePayload:
    """With the actor's role only, and without staff's reasons."""
    return _updated(change, shown, *public_actor(change.change.actor, change.change.reason))


def payment_updated(change: BookingChange) -> PaymentUpdatePayload:
    """As for an order, for staff and the customer; with `bookingId`."""
    assert change.before is not None
    stamp = {
        "id": change.event_id,
        "seq": change.change.seq,
        "bookingId": change.after["id"],
        "number": change.after["number"],
        "version": change.change.version,
        "at": change.change.at,
    }
    return cast("PaymentUpdatePayload", {**stamp, **payment_change(change.before, change.after)})


# --- By who hears them ------------------------------------------------------------------------------------------------


def new_for_store(change: BookingChange) -> NewBookingPayload:
    return _new(change, _whole)


def new_for_customer(change: BookingChange) -> NewBookingPayload:
    return _new(change, _whole)


def new_for_guest(change: BookingChange) -> NewBookingPayload:
    return _new(change, masked_booking)


def new_for_carer(change: BookingChange) -> NewBookingPayload:
    return _new(change, _for_carer)


def update_for_store(change: BookingChange) -> BookingUpdatePayload:
    return _updated(change, _whole, change.change.actor, change.change.reason)


def update_for_customer(change: BookingChange) -> BookingUpdatePayload:
    return _publicly_updated(change, _whole)


def update_for_guest(change: BookingChange) -> BookingUpdatePayload:
    return _publicly_updated(change, masked_booking)


def update_for_carer(change: BookingChange) -> BookingUpdatePayload:
    """As `update_for_customer`, with the customer's own reason."""
    return _publicly_updated(change, _for_carer)
