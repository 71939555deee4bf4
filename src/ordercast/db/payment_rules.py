"""The payment axis of orders and bookings in the database: what no writer can make of it, and what owes a deed."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from ordercast.commerce.payables import CALLED_OFF_BOOKINGS, WAITING_BOOKINGS, WAITING_ORDERS
from ordercast.commerce.payment_flow import PAYMENT_TRANSITIONS
from ordercast.commerce.states import PaymentStatus
from ordercast.commerce.transitions import REFUNDING

from .dialects import Refusal
from .sql import literals


def _owing_sql(waiting: Iterable[StrEnum], called_off: Iterable[StrEnum]) -> str:
    """True of what owes the payment provider a deed, by the rules of ``commerce.payables`` and ``payment_flow``. A
    CASE, for SQLite sees that a question asks for what an index holds only where both are one expression.
    """
    ended = f"status IN ({literals(called_off)})"
    return (
        f"CASE WHEN payment_status = 'authorized' THEN status NOT IN ({literals(waiting)})"
        f" WHEN payment_status = 'failed' THEN {ended} AND (captured = 0 OR refunded + refunding < captured)"
        f" WHEN payment_status IN ('paid', 'partially_refunded') THEN {ended} AND refunded + refunding < captured"
        " ELSE FALSE END"
    )


ORDER_OWING_SQL: Final = _owing_sql(WAITING_ORDERS, REFUNDING)
BOOKING_OWING_SQL: Final = _owing_sql(WAITING_BOOKINGS, CALLED_OFF_BOOKINGS)


def payment_refusals(rule: str) -> list[Refusal]:
    """Of a row whose `payment_status` changes."""
    return [_paid_from(source, rule) for source in PaymentStatus]


def _paid_from(source: PaymentStatus, rule: str) -> Refusal:
    targets = PAYMENT_TRANSITIONS[source]
    known = f"NEW.payment_status IN ({literals(PaymentStatus)})"
    goes = f"becomes {', '.join(sorted(targets))} and nothing else" if targets else "changes no more"
    other = f"{known} AND NOT NEW.payment_status IN ({literals(targets)})" if targets else known
    return Refusal(f"{rule}: a payment that is {source} {goes}", f"OLD.payment_status = '{source}' AND {other}")
