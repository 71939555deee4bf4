"""What no writer can make of a payment, of an order's or a booking's: the payment axis as refusals of a trigger."""

from __future__ import annotations

from ordercast.commerce.payment_flow import PAYMENT_TRANSITIONS
from ordercast.commerce.states import PaymentStatus

from .dialects import Refusal
from .sql import literals


def payment_refusals(rule: str) -> list[Refusal]:
    """Of a row whose `payment_status` changes."""
    return [_paid_from(source, rule) for source in PaymentStatus]


def _paid_from(source: PaymentStatus, rule: str) -> Refusal:
    targets = PAYMENT_TRANSITIONS[source]
    known = f"NEW.payment_status IN ({literals(PaymentStatus)})"
    goes = f"becomes {', '.join(sorted(targets))} and nothing else" if targets else "changes no more"
    other = f"{known} AND NOT NEW.payment_status IN ({literals(targets)})" if targets else known
    return Refusal(f"{rule}: a payment that is {source} {goes}", f"OLD.payment_status = '{source}' AND {other}")
