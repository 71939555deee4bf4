"""Parses Stripe's events into facts. Types not listed here do not concern us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from ordercast.commerce.errors import WebhookRefused
from ordercast.commerce.payments import (
    Authorized,
    Captured,
    DisputeClosed,
    DisputeOpened,
    Fact,
    Failed,
    ProviderEvent,
    Refunded,
    RefundFact,
    RefundFailed,
    RefundPending,
    Voided,
)

from .units import from_stripe

# Stored and logged.
Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f-\x9f]+\Z")]
Sum = Annotated[int, Meta(ge=0, le=10**15)]


class _Object(Struct, frozen=True):
    """A PaymentIntent, Refund or Dispute: the fields that we read."""

    id: Name
    status: str | None = None
    amount: Sum | None = None
    amount_received: Sum | None = None
    amount_capturable: Sum | None = None
    currency: str | None = None
    payment_intent: str | None = None
    amount_total: Sum | None = None
    payment_status: str | None = None
    metadata: dict[str, str] | None = None


class _StripeData(Struct, frozen=True):
    object: msgspec.Raw = msgspec.Raw(b"{}")


class _StripeEvent(Struct, frozen=True):
    id: Name
    type: Name
    data: _StripeData = _StripeData()
    """Absent in thin events, whose types we do not read."""


_EVENT: Final = msgspec.json.Decoder(_StripeEvent)
_OBJECT: Final = msgspec.json.Decoder(_Object)


def read_event(body: bytes) -> ProviderEvent:
    """Parse a verified event. Raises WebhookRefused if it is no Stripe event."""
    try:
        event = _EVENT.decode(body)
        read = _READ.get(event.type)
        if read is None:
            return ProviderEvent(event.id, event.type, None, None)
        about = _OBJECT.decode(event.data.object)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise WebhookRefused("This is not one of Stripe's events.") from None
    payment = about.id if event.type.startswith("payment_intent.") else about.payment_intent
    currency = None if about.currency is None else about.currency.upper()
    return ProviderEvent(event.id, event.type, payment, read(about), currency, _pays_for(about))


# Metadata names that other programs use in their PaymentIntents or Checkout Sessions.
_NAMES_IT: Final = ("order_id", "booking_id", "orderId", "bookingId")


def _pays_for(about: _Object) -> str | None:
    """The payable of another program's payment. Ours carry our key."""
    named = about.metadata or {}
    if "key" in named:
        return None
    return next((named[name] for name in _NAMES_IT if named.get(name)), None)


def _captured(intent: _Object) -> Fact | None:
    return Captured(_in_iso(intent.amount_received, intent)) if intent.amount_received else None


def _session_paid(session: _Object) -> Fact | None:
    is_paid = session.payment_status == "paid" and session.amount_total
    return Captured(_in_iso(session.amount_total or 0, session)) if is_paid else None


def _in_iso(amount: int, about: _Object) -> int:
    """The amount in ISO 4217's minor unit."""
    return amount if about.currency is None else from_stripe(amount, about.currency)


ENDED_REFUNDS: Final = frozenset({"failed", "canceled"})


def _refund(refund: _Object) -> RefundFact | None:
    if refund.status in ENDED_REFUNDS:
        return _refund_failed(refund)
    if not refund.amount:
        return None
    # Without status, `pending`, `requires_action` and future ones: not refunded yet.
    made = Refunded if refund.status == "succeeded" else RefundPending
    return made(refund.id, _in_iso(refund.amount, refund), _task_of(refund))


def _refund_failed(refund: _Object) -> RefundFailed:
    return RefundFailed(refund.id, _in_iso(refund.amount or 0, refund), _task_of(refund))


def _task_of(refund: _Object) -> str | None:
    return (refund.metadata or {}).get("task_id")


def _dispute(dispute: _Object) -> Fact | None:
    # An inquiry takes no money and may not become a dispute.
    return None if (dispute.status or "").startswith("warning_") else DisputeOpened(dispute.id)


def _closed(dispute: _Object) -> Fact | None:
    return DisputeClosed(dispute.id, dispute.status == "won") if dispute.status in {"won", "lost"} else None


_READ: Final[dict[str, Callable[[_Object], Fact | None]]] = {
    "payment_intent.amount_capturable_updated": lambda intent: Authorized() if intent.amount_capturable else None,
    "payment_intent.succeeded": _captured,
    "payment_intent.canceled": lambda _: Voided(),
    "payment_intent.payment_failed": lambda _: Failed(),
    "checkout.session.completed": _session_paid,
    "checkout.session.async_payment_succeeded": _session_paid,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund_failed,
    "charge.refund.updated": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _closed,
}
