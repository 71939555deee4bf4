"""Database rules of payments: the payment state machine, and which rows require a provider action."""

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
    """SQL condition: a provider action is required, by the rules of ``commerce.payables`` and ``payment_flow``. A CASE,
    as SQLite uses a partial index only for the same expression.
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
    """Checks of a change of `payment_status`."""
    return [_paid_from(source, rule) for source in PaymentStatus]


def _paid_from(source: PaymentStatus, rule: str) -> Refusal:
    targets = PAYMENT_TRANSITIONS[source]
    known = f"NEW.payment_status IN ({literals(PaymentStatus)})"
    goes = f"becomes {', '.join(sorted(targets))} and nothing else" if targets else "changes no more"
    other = f"{known} AND NOT NEW.payment_status IN ({literals(targets)})" if targets else known
    return Refusal(f"{rule}: a payment that is {source} {goes}", f"OLD.payment_status = '{source}' AND {other}")
