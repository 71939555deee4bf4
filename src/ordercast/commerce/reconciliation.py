"""Compares payments with the provider's records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from .money import Money
from .payments import ProviderPayment
from .states import PaymentState
from .states import PaymentStatus as P


class MismatchKind(StrEnum):
    """The kind of difference; an order has at most one open mismatch of each."""

    UNKNOWN_PAYMENT = "unknown_payment"
    CURRENCY = "currency"
    CAPTURED = "captured"
    REFUNDED = "refunded"
    HELD = "held"
    DISPUTED = "disputed"
    PAID_IN_PART = "paid_in_part"
    TASK_REFUSED = "task_refused"
    IMPOSSIBLE_MOVE = "impossible_move"
    REFUND_FAILED = "refund_failed"
    WEBHOOK_FAILED = "webhook_failed"
    """An event of the provider failed permanently."""


# Kinds that a comparison raises and resolves.
COMPARED: Final = frozenset(
    {
        MismatchKind.UNKNOWN_PAYMENT,
        MismatchKind.CURRENCY,
        MismatchKind.CAPTURED,
        MismatchKind.REFUNDED,
        MismatchKind.HELD,
        MismatchKind.DISPUTED,
    }
)


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One difference between our record and the provider's."""

    kind: MismatchKind
    ours: Any
    theirs: Any
    sentence: str


def discrepancies(payment: PaymentState, currency: str, theirs: ProviderPayment | None) -> Iterator[Discrepancy]:
    """Yield all differences; `theirs` is None if the provider has no such payment."""
    if theirs is None:
        yield Discrepancy(
            MismatchKind.UNKNOWN_PAYMENT, str(payment.status), None, "The provider knows nothing of this payment."
        )
        return
    if theirs.currency != currency:
        sentence = f"The order is in {currency}, the provider's payment in {theirs.currency}."
        yield Discrepancy(MismatchKind.CURRENCY, currency, theirs.currency, sentence)
        return
    yield from _sums(MismatchKind.CAPTURED, payment.captured, theirs.captured, currency)
    # Providers may count pending refunds or not.
    if not payment.refunded <= theirs.refunded <= payment.refunded + payment.refunding:
        yield from _sums(MismatchKind.REFUNDED, payment.refunded, theirs.refunded, currency)
    # An authorization may outlive a refused capture; it is voided at the order's end.
    if theirs.is_held is not (payment.status is P.AUTHORIZED) and payment.status is not P.FAILED:
        yield _answers(MismatchKind.HELD, payment.status is P.AUTHORIZED, theirs.is_held, "is held by the provider")
    if theirs.is_disputed is not (payment.status is P.DISPUTED) and payment.status is not P.REFUNDED:
        yield _answers(MismatchKind.DISPUTED, payment.status is P.DISPUTED, theirs.is_disputed, "is disputed")


def _sums(kind: MismatchKind, ours: int, theirs: int, currency: str) -> Iterator[Discrepancy]:
    if ours != theirs:
        sentence = f"We have {Money(ours, currency)} {kind}, the provider {Money(theirs, currency)}."
        yield Discrepancy(kind, ours, theirs, sentence)


def _answers(kind: MismatchKind, ours: bool, theirs: bool, what: str) -> Discrepancy:
    here, there = ("yes" if answer else "no" for answer in (ours, theirs))
    return Discrepancy(kind, ours, theirs, f"Whether the payment {what}: {here} here, {there} there.")
