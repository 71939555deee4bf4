"""Records what a provider reports of a payment: rows of the ledger, and the payment's state that follows from all.

A fact may come twice and in any order, as the result of a call of ours and by webhook; it counts once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ordercast.commerce.money import Money
from ordercast.commerce.payables import PayableStage, PayableState, payment_after, stage_of
from ordercast.commerce.payment_flow import (
    PaymentFacts,
    RefundState,
    RefundSums,
    derive_state,
    refund_sums,
    transition_path,
)
from ordercast.commerce.payments import (
    Authorized,
    Captured,
    DisputeClosed,
    DisputeOpened,
    Fact,
    Failed,
    Refunded,
    RefundFact,
    RefundFailed,
    RefundPending,
    Voided,
)
from ordercast.commerce.reconciliation import MismatchKind
from ordercast.commerce.states import PaymentState, PaymentStatus
from ordercast.commerce.timestamps import Timestamp

from . import ledger, mismatches, payables, payment_tasks
from .ledger import DisputeState, Movement
from .payables import PAYMENTS
from .payment_tasks import TaskState
from .transaction import Transaction

_SENTENCES: Final[dict[type[Fact], str]] = {
    Authorized: "The payment was authorized.",
    Captured: "The payment was captured.",
    Voided: "The payment was released; nothing was charged.",
    Failed: "The payment could not be captured.",
    DisputeOpened: "The customer's bank has opened a dispute.",
}

_OF_REFUNDS: Final[dict[type[Fact], str]] = {
    RefundPending: "is on its way back",
    Refunded: "was refunded",
    RefundFailed: "came back; the customer has not got the money",
}


@dataclass(frozen=True, slots=True)
class ReportedFact:
    """A reported fact: which provider, of which payment."""

    payable_id: str
    provider: str
    payment: str
    fact: Fact
    now: Timestamp
    reason: str | None = None
    """Our reason for the action, for the ledger. History has its own, as not everybody may read it there."""
    sentence: str | None = None
    """The text in history, if it is not the usual one."""


def record(transaction: Transaction, reported: ReportedFact) -> None:
    """Record one fact: in the ledger, then the payment's state derived from all facts."""
    state = payables.load(transaction, reported.payable_id)
    if _is_former(transaction, reported):
        _record_former(transaction, reported, state)
        return
    before = refund_sums(ledger.refunds_of(transaction, reported.payable_id))
    _keep(transaction, state, reported)
    stands = derive_state(state.payment, _facts(transaction, reported, before))
    after, owed = (stands, ()) if _is_for_people(transaction, state) else payment_after(state, stands)
    _check_sums(transaction, state, reported)
    steps = transition_path(state.payment_status, after.status, in_full=after.captured == after.total)
    if steps is None:
        sentence = (
            f"The payment is {state.payment_status} here, and {after.status} by what {reported.provider} reported."
        )
        note_mismatch(transaction, reported, MismatchKind.IMPOSSIBLE_MOVE, sentence)
        if owed:
            # The order ended while its customer was at the bank and paid: refund it.
            _abandon(transaction, reported, Money(stands.captured, state.currency))
        return
    if after.captured > state.captured:
        if state.payment_status is PaymentStatus.UNPAID:
            # The authorization was not reported itself: record it for the reconciler.
            move(transaction, reported, Movement.AUTHORIZED, Money(state.total, state.currency))
        taken = Money(after.captured - state.captured, state.currency)
        move(transaction, reported, Movement.CAPTURED, taken)
    if isinstance(reported.fact, Captured):
        _check_in_full(transaction, reported, after, state)
    reason = reported.sentence or _sentence(reported.fact, state.currency)
    # Statuses in between are passed through, each recorded.
    for status in steps or ([after.status] if after != state.payment else []):
        payment = replace(after, status=status)
        payables.save(transaction, state, payment, PAYMENTS, reason=reason, now=reported.now)
    payment_tasks.owe(transaction, reported.payable_id, owed, currency=state.currency, reason=None, now=reported.now)


def _is_former(transaction: Transaction, reported: ReportedFact) -> bool:
    """Whether the payable has a newer payment, so that this one's state does not apply."""
    current = ledger.payment_of(transaction, reported.payable_id)
    return current is not None and current != (reported.provider, reported.payment)


def _record_former(transaction: Transaction, reported: ReportedFact, state: PayableState) -> None:
    """Record a fact of a failed payment that was followed by another. A capture is refunded; staff are notified of
    money in it.
    """
    fact, currency = reported.fact, state.currency
    if isinstance(fact, Voided | Failed):
        kind = Movement.VOIDED if isinstance(fact, Voided) else Movement.FAILED
        move(transaction, reported, kind, Money(0, currency))
        return
    since = f"The {state.noun} was paid by another since."
    sentence = f"An earlier payment of this {state.noun}: {_sentence(fact, currency)} {since}"
    note_mismatch(transaction, reported, MismatchKind.IMPOSSIBLE_MOVE, sentence)
    if isinstance(fact, Captured):
        _abandon(transaction, reported, Money(fact.amount, currency))


def _abandon(transaction: Transaction, reported: ReportedFact, amount: Money) -> None:
    payment_tasks.abandon(
        transaction, reported.payable_id, reported.provider, reported.payment, amount=amount, now=reported.now
    )


def _is_for_people(transaction: Transaction, state: PayableState) -> bool:
    """Whether an ended order's refund was refused or returned: only people repeat it."""
    return stage_of(state.status) is PayableStage.CALLED_OFF and (
        payment_tasks.was_refund_refused(transaction, state.id)
        or any(kept.state is RefundState.FAILED for kept in ledger.refunds_of(transaction, state.id))
    )


def _keep(transaction: Transaction, state: PayableState, reported: ReportedFact) -> None:
    """Add the fact to the ledger."""
    fact = reported.fact
    match fact:
        case RefundPending() | Refunded() | RefundFailed():
            _keep_refund(transaction, state, reported, fact)
        case DisputeOpened():
            transaction.run(ledger.OPEN_DISPUTE, **_dispute(reported, fact.reference, DisputeState.OPEN))
        case DisputeClosed():
            outcome = DisputeState.WON if fact.won else DisputeState.LOST
            transaction.run(ledger.CLOSE_DISPUTE, **_dispute(reported, fact.reference, outcome))
        case Voided() | Failed():
            kind = Movement.VOIDED if isinstance(fact, Voided) else Movement.FAILED
            if state.payment_status in {PaymentStatus.AUTHORIZED, PaymentStatus.FAILED, PaymentStatus.UNPAID}:
                amount = Money(0, state.currency)
                move(transaction, reported, kind, amount)
        case Authorized():
            if state.payment_status in {PaymentStatus.FAILED, PaymentStatus.UNPAID}:
                move(transaction, reported, Movement.AUTHORIZED, Money(state.total, state.currency))
        case Captured():
            pass  # recorded as the difference to the former capture


def _keep_refund(transaction: Transaction, state: PayableState, reported: ReportedFact, fact: RefundFact) -> None:
    """Record a refund's state, and close its task."""
    is_news = ledger.add_refund(
        transaction,
        reported.payable_id,
        reported.provider,
        fact,
        currency=state.currency,
        reason=reported.reason,
        now=reported.now,
    )
    kept = ledger.refunds_of(transaction, reported.payable_id)
    of_it = [row for row in kept if (row.provider, row.reference) == (reported.provider, fact.reference)]
    has_failed = any(row.state is RefundState.FAILED for row in of_it)
    # A failure may lack the task; an earlier fact of the refund has it.
    for task_id in {fact.task_id, *(row.task_id for row in of_it)} - {None}:
        assert task_id is not None
        outcome = TaskState.REFUSED if has_failed else TaskState.DONE
        payment_tasks.finish_refund(transaction, reported.payable_id, task_id, outcome)
    if is_news and isinstance(fact, RefundFailed):
        amount = max(row.amount for row in of_it)
        what = f"The refund {fact.reference} of {Money(amount, state.currency)}"
        sentence = f"{what} came back; the customer has not got the money."
        note_mismatch(transaction, reported, MismatchKind.REFUND_FAILED, sentence, ours=amount)


def refunding(transaction: Transaction, payable_id: str, sums: RefundSums) -> int:
    """The sum being refunded: pending at the provider or not requested yet."""
    return sums.pending + payment_tasks.refunds_due(transaction, payable_id)


def _facts(transaction: Transaction, reported: ReportedFact, before: RefundSums) -> PaymentFacts:
    sums = refund_sums(ledger.refunds_of(transaction, reported.payable_id))
    disputes = [state for (state,) in transaction.all(ledger.DISPUTES, payable_id=reported.payable_id)]
    ended = {Voided: PaymentStatus.VOIDED, Failed: PaymentStatus.FAILED}.get(type(reported.fact))
    return PaymentFacts(
        captured=reported.fact.amount if isinstance(reported.fact, Captured) else 0,
        refunds=sums.succeeded,
        refunding=refunding(transaction, reported.payable_id, sums),
        came_back=max(0, before.succeeded - sums.succeeded),
        is_disputed=DisputeState.OPEN in disputes,
        is_lost=DisputeState.LOST in disputes,
        is_held=isinstance(reported.fact, Authorized),
        ended=ended,
    )


def _check_sums(transaction: Transaction, state: PayableState, reported: ReportedFact) -> None:
    """Bound impossible sums, and raise a mismatch with what was reported."""
    if isinstance(reported.fact, Captured) and reported.fact.amount > state.total:
        theirs = Money(reported.fact.amount, state.currency)
        sentence = f"{theirs} was captured, more than the {state.noun}'s total."
        note_mismatch(transaction, reported, MismatchKind.CAPTURED, sentence)
    refunded = refund_sums(ledger.refunds_of(transaction, reported.payable_id)).succeeded
    if isinstance(reported.fact, Refunded) and refunded > state.total:
        theirs = Money(refunded, state.currency)
        sentence = f"{theirs} was refunded, more than the {state.noun}'s total."
        note_mismatch(transaction, reported, MismatchKind.REFUNDED, sentence)


def _check_in_full(
    transaction: Transaction, reported: ReportedFact, payment: PaymentState, state: PayableState
) -> None:
    """Raise a mismatch for a partial capture; resolve it once all is captured."""
    if payment.captured == payment.total:
        card = mismatches.open_of(transaction, reported.payable_id).get(MismatchKind.PAID_IN_PART)
        if card is not None:
            mismatches.resolve(transaction, card, PAYMENTS, "All of it was captured.", reported.now)
        return
    theirs, ours = Money(payment.captured, state.currency), Money(payment.total, state.currency)
    sentence = (
        f"{theirs} was captured of the {state.noun}'s {ours}: it is not paid. What was captured can be given back."
    )
    note_mismatch(
        transaction, reported, MismatchKind.PAID_IN_PART, sentence, ours=payment.total, theirs=payment.captured
    )


def note_mismatch(
    transaction: Transaction,
    reported: ReportedFact,
    kind: MismatchKind,
    sentence: str,
    *,
    ours: int | str | None = None,
    theirs: int | str | None = None,
) -> None:
    mismatches.raise_discrepancy(
        transaction,
        reported.payable_id,
        kind,
        sentence,
        provider=reported.provider,
        reference=reported.payment,
        actor=PAYMENTS,
        now=reported.now,
        ours=ours,
        theirs=theirs,
    )


def _sentence(fact: Fact, currency: str) -> str:
    if isinstance(fact, RefundFact):
        what = Money(fact.amount, currency) if fact.amount else "A refund"
        return f"{what} {_OF_REFUNDS[type(fact)]}."
    if isinstance(fact, DisputeClosed):
        return f"The dispute was {'won' if fact.won else 'lost'}."
    return _SENTENCES[type(fact)]


# --- Rows -------------------------------------------------------------------------------------------------------------


def move(transaction: Transaction, reported: ReportedFact, kind: Movement, amount: Money) -> None:
    """Add a row to the ledger, for what was reported."""
    ledger.move(
        transaction, reported.payable_id, reported.provider, reported.payment, kind, amount=amount, now=reported.now
    )


def _dispute(reported: ReportedFact, reference: str, state: DisputeState) -> dict[str, str]:
    return {
        "provider": reported.provider,
        "reference": reference,
        "payable_id": reported.payable_id,
        "state": state,
        "at": reported.now,
    }
