"""The payment axis: its table, and what an order's end does to its payment."""

from __future__ import annotations

from typing import Final

from .states import PaymentStatus as P

PAYMENT_TRANSITIONS: Final[dict[P, frozenset[P]]] = {
    P.UNPAID: frozenset({P.AUTHORIZED, P.PAID, P.FAILED, P.VOIDED}),
    P.AUTHORIZED: frozenset({P.PAID, P.FAILED, P.VOIDED}),
    P.PAID: frozenset({P.PARTIALLY_REFUNDED, P.REFUNDED, P.DISPUTED}),
    P.PARTIALLY_REFUNDED: frozenset({P.REFUNDED, P.DISPUTED}),
    P.FAILED: frozenset({P.AUTHORIZED, P.PAID, P.VOIDED}),  # a customer may try another card
    P.DISPUTED: frozenset({P.PAID, P.PARTIALLY_REFUNDED, P.REFUNDED}),  # won, settled or lost
    P.REFUNDED: frozenset(),
    P.VOIDED: frozenset(),
}


def payment_given_back(status: P) -> P:
    """Where the payment of an order that ends unfulfilled goes: money held is refunded, a mere claim is voided."""
    if P.VOIDED in PAYMENT_TRANSITIONS[status]:
        return P.VOIDED
    if status is P.DISPUTED:
        return status  # the bank decides, not we
    return P.REFUNDED if P.REFUNDED in PAYMENT_TRANSITIONS[status] else status
