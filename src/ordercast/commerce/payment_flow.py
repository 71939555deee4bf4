"""The payment axis: its table, where facts lead on it, and what an order's way makes us owe the provider."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from .errors import NotRefundable, RefundTooLarge
from .money import Money
from .states import PaymentMethod, PaymentState
from .states import PaymentStatus as P

PAYMENT_TRANSITIONS: Final[dict[P, frozenset[P]]] = {
    P.UNPAID: frozenset({P.AUTHORIZED, P.PAID, P.FAILED, P.VOIDED}),
    P.AUTHORIZED: frozenset({P.PAID, P.FAILED, P.VOIDED}),
    P.PAID: frozenset({P.PARTIALLY_REFUNDED, P.REFUNDED, P.DISPUTED}),
    P.PARTIALLY_REFUNDED: frozenset({P.REFUNDED, P.DISPUTED, P.PAID}),  # a refund may come back
    # A customer may try another card. What was captured of a sum that failed is given back, or disputed.
    P.FAILED: frozenset({P.UNPAID, P.AUTHORIZED, P.PAID, P.VOIDED, P.REFUNDED, P.DISPUTED}),
    P.DISPUTED: frozenset({P.PAID, P.PARTIALLY_REFUNDED, P.REFUNDED, P.FAILED}),  # won, settled or lost
    P.REFUNDED: frozenset({P.PARTIALLY_REFUNDED, P.PAID, P.FAILED}),  # a refund may come back
    P.VOIDED: frozenset(),
}


class ActionKind(StrEnum):
    """What we owe the provider to do."""

    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class ProviderAction:
    """A deed that the provider must be asked for; `amount` in minor units, 0 for a void."""

    kind: ActionKind
    amount: int = 0
    is_optional: bool = False
    """Nothing to be asked where no provider knows of the payment."""


# --- What an order's way makes us owe ---------------------------------------------------------------------------------


def capture_actions(payment: PaymentState) -> tuple[ProviderAction, ...]:
    """The shop prepares the order: what is held is taken, as a whole."""
    return (ProviderAction(ActionKind.CAPTURE, payment.total),) if payment.status is P.AUTHORIZED else ()


def undo_payment(payment: PaymentState, method: PaymentMethod) -> tuple[PaymentState, tuple[ProviderAction, ...]]:
    """The order ends unfulfilled: what becomes of its payment at once, and what the provider is still to do.

    Only that which no provider holds changes its status here. A claim on nobody is void, cash is handed back; a card's
    status changes when the provider has said so.
    """
    if payment.status is P.UNPAID:
        # A customer may be with their bank just now.
        void = () if method is PaymentMethod.CASH else (ProviderAction(ActionKind.VOID, is_optional=True),)
        return replace(payment, status=P.VOIDED), void
    if payment.status in {P.AUTHORIZED, P.FAILED} and payment.captured == 0:
        return payment, (ProviderAction(ActionKind.VOID),)
    rest = refundable(payment)
    if rest == 0:
        return payment, ()
    if method is PaymentMethod.CASH:
        return replace(payment, status=P.REFUNDED, refunded=payment.captured), ()
    return replace(payment, refunding=payment.refunding + rest), (ProviderAction(ActionKind.REFUND, rest),)


def cash_collected(payment: PaymentState) -> PaymentState:
    """The goods were handed over, and the money with them."""
    if payment.status is not P.UNPAID:
        return payment
    return replace(payment, status=P.PAID, captured=payment.total)


# --- Refunds ----------------------------------------------------------------------------------------------------------


def refundable(payment: PaymentState) -> int:
    """What may still be given back, in minor units: nothing while a bank decides about it."""
    if payment.status not in {P.PAID, P.PARTIALLY_REFUNDED, P.FAILED}:
        return 0
    return payment.captured - payment.refunded - payment.refunding


def decide_refund(
    payment: PaymentState, method: PaymentMethod, amount: int | None, currency: str
) -> tuple[PaymentState, tuple[ProviderAction, ...]]:
    """Give back `amount`, or all that is left. Raises NotRefundable or RefundTooLarge."""
    left = refundable(payment)
    if left == 0:
        raise NotRefundable(payment.status)
    if amount is not None and amount > left:
        raise RefundTooLarge(Money(amount, currency), Money(left, currency))
    part = left if amount is None else amount
    if method is PaymentMethod.CASH:
        refunded = payment.refunded + part
        status = P.REFUNDED if refunded == payment.captured else P.PARTIALLY_REFUNDED
        return replace(payment, status=status, refunded=refunded), ()
    return replace(payment, refunding=payment.refunding + part), (ProviderAction(ActionKind.REFUND, part),)


class RefundState(StrEnum):
    """What a provider tells of one refund in its life; the later outweigh the earlier, whichever is heard first."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """It never came to be, was cancelled, or came back."""


@dataclass(frozen=True, slots=True)
class RefundUpdate:
    """One state that was told of the refund `reference`, by the provider's name for it."""

    provider: str
    reference: str
    state: RefundState
    amount: int


@dataclass(frozen=True, slots=True)
class RefundSums:
    """What all of an order's refunds come to, in minor units."""

    pending: int = 0
    succeeded: int = 0


_WEIGHT: Final = {state: weight for weight, state in enumerate(RefundState)}


def refund_sums(updates: Iterable[RefundUpdate]) -> RefundSums:
    """Add up refunds by the last state that each has come to. Neither order nor repetition matters."""
    last: dict[tuple[str, str], RefundUpdate] = {}
    for update in updates:
        name = (update.provider, update.reference)
        if name not in last or _WEIGHT[last[name].state] < _WEIGHT[update.state]:
            last[name] = update
    return RefundSums(*(sum(n.amount for n in last.values() if n.state is s) for s in list(RefundState)[:2]))


# --- Where facts lead -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """All that a provider has told of one payment: sums in minor units, whatever the order in which it was told."""

    captured: int = 0
    refunds: int = 0
    """Refunds that were made."""
    refunding: int = 0
    """Refunds under way, and those that the provider is still to be asked for."""
    came_back: int = 0
    """By how much this news lessened `refunds`."""
    is_disputed: bool = False
    is_lost: bool = False
    """A dispute was decided against the shop: all of the money is gone."""
    is_held: bool = False
    ended: P | None = None
    """VOIDED or FAILED, where the authorization ended so."""


def derive_state(payment: PaymentState, facts: PaymentFacts) -> PaymentState:
    """Where the payment stands by what is known of it. Facts add up: neither their order nor repetition matters.

    Nothing is given back or disputed but what was captured; so what follows a capture counts once that is heard too,
    and it is told how much it was.
    """
    captured = min(max(payment.captured, facts.captured), payment.total)
    # Another program may have written down more than the ledger has.
    refunded = min(max(facts.refunds, payment.refunded - facts.came_back), captured)
    refunded = captured if facts.is_lost else refunded
    refunding = min(facts.refunding, captured - refunded)
    status = _status(payment, facts, captured, refunded)
    return replace(payment, status=status, captured=captured, refunded=refunded, refunding=refunding)


def _status(payment: PaymentState, facts: PaymentFacts, captured: int, refunded: int) -> P:
    before, total = payment.status, payment.total
    if captured == 0 and facts.is_held:
        return P.AUTHORIZED if before in {P.UNPAID, P.FAILED} else before
    if captured == 0:
        # A failure told after the release changes nothing: there is nothing left that could fail.
        return before if facts.ended is None or before is P.VOIDED else facts.ended
    if refunded == captured:
        return P.REFUNDED
    if facts.is_disputed:
        return P.DISPUTED
    if captured < total:
        return P.FAILED  # paid is paid in full
    return P.PARTIALLY_REFUNDED if refunded else P.PAID


_SHORT: Final = frozenset({P.FAILED})
_IN_FULL: Final = frozenset({P.PAID, P.PARTIALLY_REFUNDED})


def transition_path(source: P, target: P, *, in_full: bool = True) -> tuple[P, ...] | None:
    """The shortest legal way from one status to another, without its start; None where the table has none.

    What was captured `in_full` does not pass through `failed`, and what was not does not pass through `paid`.
    """
    seen = set((_SHORT if in_full else _IN_FULL) - {source, target}) | {source}
    ways: deque[tuple[P, ...]] = deque([(source,)])
    while ways:
        so_far = ways.popleft()
        if so_far[-1] is target:
            return so_far[1:]
        for following in sorted(PAYMENT_TRANSITIONS[so_far[-1]] - seen):
            seen.add(following)
            ways.append((*so_far, following))
    return None
