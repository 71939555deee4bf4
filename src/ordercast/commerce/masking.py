"""An order as whoever holds its tracking link may see it: links are forwarded, printed and left in histories. And its
moves as its buyer may see them.
"""

from __future__ import annotations

from typing import Any, Final

from .people import STAFF

_HIDDEN: Final = "•••"
# Enough for a buyer to know the order again by; the rest of an address says where somebody lives.
_SHOWN_OF_ADDRESS: Final = frozenset({"city", "country"})


def masked(order: dict[str, Any]) -> dict[str, Any]:
    """A copy of the order's document with the person in it no more than hinted at."""
    customer = order.get("customerInfo") or {}
    return {
        **order,
        "customerId": None,
        "customerInfo": {
            **customer,
            "name": _name(customer.get("name")),
            "email": _email(customer.get("email")),
            "mobile": _mobile(customer.get("mobile")),
        },
        "billingInfo": _address(order.get("billingInfo")),
        "shippingInfo": _address(order.get("shippingInfo")),
    }


def told_outside(actor: str, reason: str | None) -> tuple[str, str | None]:
    """Who made a move and why, as the buyer is told: in which role, not who it was, and not the staff's reasons."""
    role = actor.partition(":")[0]
    return role, None if role in STAFF else reason


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
    if address is None:
        return None
    shown = {key: value if key in _SHOWN_OF_ADDRESS else _HIDDEN for key, value in address.items()}
    return {**shown, "name": _name(address.get("name"))}
