"""Makes and signs sample events of providers, for ``ordercast webhook send``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ordercast.commerce.money import Money
from ordercast.commerce.sandbox import SANDBOX
from ordercast.commerce.timestamps import timestamp
from ordercast.commerce.webhook_signatures import sign_standard, sign_stripe
from ordercast.config import ConfigError, Settings

STRIPE: Final = "stripe"
HTTP: Final = "http"
CAPTURED: Final = {STRIPE: "payment_intent.succeeded", HTTP: "payment.captured", SANDBOX: "payment.captured"}
"""Each provider's event type for a full capture."""


@dataclass(frozen=True, slots=True)
class SamplePayment:
    """The payment of a sample: the provider's id, the amount, and what it pays for, if known."""

    reference: str
    amount: Money
    pays_for: tuple[str, str] | None = None
    """``order`` or ``booking``, and the id."""


def provider_called(settings: Settings, name: str | None) -> str:
    """The provider of that name; by default the one that takes cards. ``standard`` is the one that signs by Standard
    Webhooks.
    """
    if name == "standard":
        return HTTP if settings.payments_http_url else SANDBOX
    return name or settings.card_provider or SANDBOX


def sign(settings: Settings, provider: str, event_id: str, body: bytes, now_s: float) -> dict[str, str]:
    """Sign as the provider does; return the headers. Raises ConfigError if this shop would reject it."""
    match provider:
        case "stripe":
            if not settings.stripe_secret_key:
                raise ConfigError("stripe_secret_key", "must be set, or this shop knows no Stripe")
            if not settings.stripe_webhook_secret:
                raise ConfigError("stripe_webhook_secret", "must be set, or nothing of Stripe's is believed")
            return {"Stripe-Signature": sign_stripe(settings.stripe_webhook_secret, body, now_s)}
        case "http":
            if not settings.payments_http_url:
                raise ConfigError("payments_http_url", "must be set, or this shop knows no such provider")
            return sign_standard(settings.http_secrets, event_id, body, now_s)
        case _:
            if not settings.sandbox_secret:
                raise ConfigError("sandbox_webhook_secret", "must be set, or nothing of the sandbox's is believed")
            return sign_standard((settings.sandbox_secret,), event_id, body, now_s)


def sample(provider: str, kind: str, payment: SamplePayment, event_id: str, now_s: float) -> bytes:
    """The body of an event of that type; for an unknown type, with all ids of the payment."""
    if provider == STRIPE:
        created = int(now_s)
        about = _STRIPE.get(kind.partition(".")[0], _intent)(kind, payment, event_id)
        event = {"id": event_id, "object": "event", "type": kind, "created": created, "data": {"object": about}}
        return msgspec.json.encode(event)
    data: dict[str, Any] = {"payment": payment.reference, "currency": payment.amount.currency}
    if kind not in _WITHOUT_AMOUNT:
        data["amount"] = payment.amount.minor
    if kind.startswith("dispute."):
        data["id"] = f"dp_{payment.reference}"  # derived from the payment, so that the closing event matches
    elif not kind.startswith("payment.") or kind == "payment.refunded":
        data["id"] = f"re_{event_id}"
    if payment.pays_for is not None:
        noun, id_ = payment.pays_for
        data[noun] = id_
    return msgspec.json.encode({"type": kind, "timestamp": timestamp(int(now_s * 1000)), "data": data})


_WITHOUT_AMOUNT: Final = frozenset(
    {"payment.voided", "payment.failed", "dispute.opened", "dispute.won", "dispute.lost"}
)


# --- Stripe's objects -------------------------------------------------------------------------------------------------


def _intent(kind: str, payment: SamplePayment, _event_id: str) -> dict[str, Any]:
    amount, status = _in_stripes_unit(payment.amount), _INTENT_STATES.get(kind, "processing")
    return {
        "id": payment.reference,
        "object": "payment_intent",
        "amount": amount,
        "amount_received": amount if status == "succeeded" else 0,
        "amount_capturable": amount if status == "requires_capture" else 0,
        "currency": payment.amount.currency.lower(),
        "status": status,
        "metadata": _metadata(payment),
    }


_INTENT_STATES: Final = {
    "payment_intent.succeeded": "succeeded",
    "payment_intent.amount_capturable_updated": "requires_capture",
    "payment_intent.canceled": "canceled",
    "payment_intent.payment_failed": "requires_payment_method",
}


def _refund(kind: str, payment: SamplePayment, event_id: str) -> dict[str, Any]:
    return {
        "id": f"re_{event_id}",
        "object": "refund",
        "amount": _in_stripes_unit(payment.amount),
        "currency": payment.amount.currency.lower(),
        "payment_intent": payment.reference,
        "status": "failed" if kind == "refund.failed" else "succeeded",
        "metadata": {},
    }


def _of_charge(kind: str, payment: SamplePayment, event_id: str) -> dict[str, Any]:
    if not kind.startswith("charge.dispute."):
        return _refund(kind, payment, event_id)
    return {
        "id": f"dp_{payment.reference}",  # as with the others' disputes
        "object": "dispute",
        "amount": _in_stripes_unit(payment.amount),
        "currency": payment.amount.currency.lower(),
        "payment_intent": payment.reference,
        "status": "lost" if kind == "charge.dispute.closed" else "needs_response",
    }


def _session(_kind: str, payment: SamplePayment, event_id: str) -> dict[str, Any]:
    return {
        "id": f"cs_{event_id}",
        "object": "checkout.session",
        "amount_total": _in_stripes_unit(payment.amount),
        "currency": payment.amount.currency.lower(),
        "payment_intent": payment.reference,
        "payment_status": "paid",
        "metadata": _metadata(payment),
    }


def _metadata(payment: SamplePayment) -> dict[str, str]:
    if payment.pays_for is None:
        return {}
    noun, id_ = payment.pays_for
    return {f"{noun}_id": id_}


def _in_stripes_unit(amount: Money) -> int:
    from .providers.stripe.units import to_stripe  # noqa: PLC0415 - its package loads what speaks to Stripe

    return to_stripe(amount)


_STRIPE: Final[dict[str, Callable[[str, SamplePayment, str], dict[str, Any]]]] = {
    "refund": _refund,
    "charge": _of_charge,
    "checkout": _session,
}
