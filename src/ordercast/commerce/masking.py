"""Masks orders, bookings and their history for others than staff: guests (tracking links are forwarded, printed and
stored), drivers (only what a delivery needs, only while it does), and carers.
"""

from __future__ import annotations

from typing import Any, Final

from .booking_transitions import BOOKING_TERMINAL
from .people import INSIDERS, STAFF, Actor, Role
from .states import PaymentMethod
from .transitions import TERMINAL

_HIDDEN: Final = "•••"
# The fields for drivers, listed one by one, so that a new field is not shown by accident.
_NOBODYS: Final = (
    "id", "number", "status", "paymentStatus", "fulfilment", "version", "subtotal", "tax", "shippingFee", "discount",
    "total", "currency", "amountPaid", "amountRefunded", "amountRefunding", "pricesIncludeTax", "cartItems", "driverId",
    "heldFrom", "createdAt", "updatedAt", "statusSince", "promisedAt",
    "requestedTime",
)  # fmt: skip
_AREA: Final = frozenset({"city", "postcode", "country"})
# About a kilometre: enough to choose a delivery, too little to find a door.
_AREA_DECIMALS: Final = 2
# Enough to recognize an order by; the rest says where somebody lives.
_SHOWN_OF_ADDRESS: Final = frozenset({"city", "country"})


def masked(order: dict[str, Any]) -> dict[str, Any]:
    """A copy of an order's document with the customer masked."""
    return {
        **order,
        "customerId": None,
        "customerInfo": _person(order.get("customerInfo")),
        "billingInfo": _address(order.get("billingInfo")),
        "shippingInfo": _address(order.get("shippingInfo")),
    }


def masked_booking(booking: dict[str, Any]) -> dict[str, Any]:
    """A copy of a booking's document for its tracking link: masked, without the note."""
    return {
        **booking,
        "customerId": None,
        "customerInfo": _person(booking.get("customerInfo")),
        "note": None,
    }


def booking_shown_to(actor: Actor, booking: dict[str, Any], *, today: dict[str, Any] | None = None) -> dict[str, Any]:
    """A booking's document as the actor may see it: unmasked, except for carers. Their own, while it is open, lacks the
    customer's account and mail address; others and closed ones are masked as for its tracking link. `today` is the
    current document, which decides that, if `booking` is an earlier one.
    """
    if actor.role is not Role.CARER:
        return booking
    stands = today or booking
    is_theirs = not actor.id or stands.get("carerId") == actor.id
    if not is_theirs or stands.get("status") in BOOKING_TERMINAL:
        booking = masked_booking(booking)
    info = booking.get("customerInfo") or {}
    return {**booking, "customerId": None, "customerInfo": {**info, "email": None}}


def shown_to(actor: Actor, order: dict[str, Any], *, today: dict[str, Any] | None = None) -> dict[str, Any]:
    """An order's document for an authorized actor: whole, but for drivers.

    The assigned driver sees recipient, phone, address and the cash to collect. While it waits for a driver they see
    roughly where it goes; after its end, or when another driver has it, only the town. `today` is the current order, if
    `order` is an older state.
    """
    if actor.role is not Role.DRIVER:
        return order
    shown: dict[str, Any] = {name: order[name] for name in _NOBODYS if name in order}
    info, payment = order.get("customerInfo") or {}, order.get("paymentInfo") or {}
    is_cash = payment.get("method") == PaymentMethod.CASH
    owed = max(0, (order.get("total") or 0) - (order.get("amountPaid") or 0)) if is_cash else 0
    person = {"name": info.get("name"), "mobile": info.get("mobile")}
    shipping = order.get("shippingInfo")
    if not delivers(actor, today or order):
        owed, person = 0, {"name": None, "mobile": None}
        if isinstance(lines := shown.get("cartItems"), list):
            shown["cartItems"] = [_without_note(line) for line in lines]
        stands = today or order
        is_offered = stands.get("driverId") is None and stands["status"] not in TERMINAL
        shipping = _area(shipping, _AREA if is_offered else _SHOWN_OF_ADDRESS)
    return {
        **shown,
        "promoCode": None,
        "customerId": None,
        "customerInfo": {**person, "email": None},
        "billingInfo": None,
        "shippingInfo": shipping,
        "paymentInfo": {"method": payment.get("method")},
        "amountToCollect": owed,
    }


def delivers(actor: Actor, order: dict[str, Any]) -> bool:
    """Whether the actor is the order's driver, from assignment to its end."""
    return actor.role is Role.DRIVER and order.get("driverId") == actor.id and order["status"] not in TERMINAL


def move_shown_to(actor: Actor, order: dict[str, Any], moved_by: str, reason: str | None) -> tuple[str, str | None]:
    """The actor and reason of a transition for an authorized actor."""
    if actor.role in (Role.CUSTOMER, Role.GUEST):
        return public_actor(moved_by, reason)
    if actor.role is not Role.DRIVER or moved_by == str(actor):
        return moved_by, reason
    role = moved_by.partition(":")[0]
    if not delivers(actor, order):
        return role, None
    return (moved_by if role in INSIDERS else role), reason


def public_actor(actor: str, reason: str | None) -> tuple[str, str | None]:
    """The actor and reason of a transition for the buyer: the role only, and no reason of staff."""
    role = actor.partition(":")[0]
    return role, None if role in STAFF else reason


def _person(customer: dict[str, Any] | None) -> dict[str, Any]:
    shown = customer or {}
    return {
        **shown,
        "name": _name(shown.get("name")),
        "email": _email(shown.get("email")),
        "mobile": _mobile(shown.get("mobile")),
    }


def _name(name: str | None) -> str | None:
    return None if name is None else " ".join(part[:1] + _HIDDEN for part in name.split())


def _email(email: str | None) -> str | None:
    if email is None:
        return None
    mailbox, _, domain = email.partition("@")
    return f"{mailbox[:1]}{_HIDDEN}@{domain[:1]}{_HIDDEN}"


def _mobile(mobile: str | None) -> str | None:
    return None if mobile is None else _HIDDEN + mobile[-2:]


def _address(address: dict[str, Any] | None) -> dict[str, Any] | None:
    shown = _area(address, _SHOWN_OF_ADDRESS)
    return None if address is None or shown is None else {**shown, "name": _name(address.get("name"))}


def _without_note(line: Any) -> Any:
    """A line without what the buyer wrote: whoever does not bring it need not read it."""
    return {key: value for key, value in line.items() if key != "note"} if isinstance(line, dict) else line


def _area(address: dict[str, Any] | None, shown: frozenset[str]) -> dict[str, Any] | None:
    """An address with only the `shown` fields; without the postcode the location is left out too."""
    if address is None:
        return None
    place = address.get("location")
    area = {key: value if key in shown else _HIDDEN for key, value in address.items() if key != "location"}
    if place is None or "postcode" not in shown:
        return area
    return {**area, "location": {axis: round(place[axis], _AREA_DECIMALS) for axis in ("lat", "lng")}}
