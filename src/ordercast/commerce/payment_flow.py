"""The payment state machine: its table, how provider facts move it, and the actions that an order's transitions
require.
"""

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
    # A customer may try another card; a partial capture of a failed payment is refunded or disputed.
    P.FAILED: frozenset({P.UNPAID, P.AUTHORIZED, P.PAID, P.VOIDED, P.REFUNDED, P.DISPUTED}),
    P.DISPUTED: frozenset({P.PAID, P.PARTIALLY_REFUNDED, P.REFUNDED, P.FAILED}),  # won, settled or lost
    P.REFUNDED: frozenset({P.PARTIALLY_REFUNDED, P.PAID, P.FAILED}),  # a refund may come back
    P.VOIDED: frozenset(),
}


class ActionKind(StrEnum):
    """What the provider has to do."""

    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class ProviderAction:
    """An action for the provider; `amount` in minor units, 0 for a void."""

    kind: ActionKind
    amount: int = 0
    is_optional: bool = False
    """Skipped if no provider knows the payment."""


# --- What an order's way makes us owe ---------------------------------------------------------------------------------


def capture_actions(payment: PaymentState) -> tuple[ProviderAction, ...]:
    """The actions on acceptance: capture the whole authorization."""
    return (ProviderAction(ActionKind.CAPTURE, payment.total),) if payment.status is P.AUTHORIZED else ()


def undo_payment(payment: PaymentState, method: PaymentMethod) -> tuple[PaymentState, tuple[ProviderAction, ...]]:
    """The payment of an order that ends unfulfilled, and the actions for the provider.

    Only a payment that no provider holds changes here: an unpaid one is voided, cash is refunded. A card's status
    changes when the provider confirms.
    """
    if payment.status is P.UNPAID:
        # The customer may be at their bank at this moment.
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
    """The payment after cash was collected at the handover."""
    if payment.status is not P.UNPAID:
        return payment
    return replace(payment, status=P.PAID, captured=payment.total)


# --- Refunds ----------------------------------------------------------------------------------------------------------


def refundable(payment: PaymentState) -> int:
    """The refundable sum in minor units; 0 while disputed."""
    if payment.status not in {P.PAID, P.PARTIALLY_REFUNDED, P.FAILED}:
        return 0
    return payment.captured - payment.refunded - payment.refunding


def decide_refund(
    payment: PaymentState, method: PaymentMethod, amount: int | None, currency: str
) -> tuple[PaymentState, tuple[ProviderAction, ...]]:
    """Refund `amount`, or all that is left. Raises NotRefundable or RefundTooLarge."""
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
    """The state of a refund; a later one outweighs an earlier one, in whichever order they arrive."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Failed, cancelled or returned."""


@dataclass(frozen=True, slots=True)
class RefundUpdate:
    """A reported state of the refund `reference`, the provider's id."""

    provider: str
    reference: str
    state: RefundState
    amount: int


@dataclass(frozen=True, slots=True)
class RefundSums:
    """The sums of all refunds of an order, in minor units."""

    pending: int = 0
    succeeded: int = 0


_WEIGHT: Final = {state: weight for weight, state in enumerate(RefundState)}


def refund_sums(updates: Iterable[RefundUpdate]) -> RefundSums:
    """Sum refunds by their last state. Order and repetition of updates do not matter."""
    last: dict[tuple[str, str], RefundUpdate] = {}
    for update in updates:
        name = (update.provider, update.reference)
        if name not in last or _WEIGHT[last[name].state] < _WEIGHT[update.state]:
            last[name] = update
    return RefundSums(*(sum(n.amount for n in last.values() if n.state is s) for s in list(RefundState)[:2]))


# --- Where facts lead -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """All facts known of a payment: sums in minor units, independent of their order of arrival."""

    captured: int = 0
    refunds: int = 0
    """Completed refunds."""
    refunding: int = 0
    """Pending refunds, including those not requested yet."""
    came_back: int = 0
    """By how much this fact reduced `refunds`."""
    is_disputed: bool = False
    is_lost: bool = False
    """A dispute was lost: all of the money is gone."""
    is_held: bool = False
    ended: P | None = None
    """VOIDED or FAILED, if the authorization ended so."""


def derive_state(payment: PaymentState, facts: PaymentFacts) -> PaymentState:
    """Derive a payment's state from its facts. Facts add up: order and repetition do not matter.

    Only what was captured can be refunded or disputed; so facts that follow a capture take effect once the capture and
    its sum are known too.
    """
    captured = min(max(payment.captured, facts.captured), payment.total)
    # Another program may have recorded more than the ledger has.
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
        # A failure after the void changes nothing.
        return before if facts.ended is None or before is P.VOIDED else facts.ended
    if refunded == captured:
        return P.REFUNDED
    if facts.is_disputed:
        return P.DISPUTED
    if captured < total:
        return P.FAILED  # only a full capture counts as paid
    return P.PARTIALLY_REFUNDED if refunded else P.PAID


_SHORT: Final = frozenset({P.FAILED})
_IN_FULL: Final = frozenset({P.PAID, P.PARTIALLY_REFUNDED})


def transition_path(source: P, target: P, *, in_full: bool = True) -> tuple[P, ...] | None:
    """The shortest legal path from one status to another, without its start; None if there is none.

    A full capture does not pass through `failed`, a partial one not through `paid`.
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
