"""Units of work on payments: facts that providers report become rows of the ledger, and move the payment's state.

Facts may come twice and in any order, as results of our calls and by webhooks; each counts once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import msgspec

from ordercast.commerce.errors import NotPayable, NotPermitted, StaleVersion
from ordercast.commerce.money import Money
from ordercast.commerce.orders import PaymentInfo
from ordercast.commerce.payables import PayableStage, PayableState, check_payable, payment_after, stage_of
from ordercast.commerce.payment_flow import (
    ActionKind,
    PaymentFacts,
    ProviderAction,
    RefundState,
    RefundSums,
    decide_refund,
    derive_state,
    refund_sums,
    transition_path,
)
from ordercast.commerce.payments import (
    CASH_PROVIDER,
    Authorized,
    Captured,
    DisputeClosed,
    DisputeOpened,
    Fact,
    Failed,
    PaymentTaken,
    ProviderEvent,
    ProviderPayment,
    Refunded,
    RefundFact,
    RefundFailed,
    RefundPending,
    Voided,
)
from ordercast.commerce.people import STAFF, Actor
from ordercast.commerce.reconciliation import MismatchKind
from ordercast.commerce.states import PaymentMethod, PaymentState, PaymentStatus
from ordercast.commerce.timestamps import Timestamp

from . import ledger, mismatches, payables, payment_tasks
from .ledger import DisputeState, Movement
from .payables import PAYMENTS
from .payment_tasks import PaymentTask, TaskKind, TaskState
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

# --- Units of work ----------------------------------------------------------------------------------------------------


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


# --- Asking -----------------------------------------------------------------------------------------------------------


def ask_refund(
    transaction: Transaction,
    payable_id: str,
    amount: int | None,
    reason: str,
    actor: Actor,
    *,
    version: int,
    now: Timestamp,
) -> bytes:
    """Request a refund of `amount` (None: all that is left); return the payable as JSON. Cash is refunded at once.

    Raises NotFound, NotPermitted, StaleVersion, NotRefundable or RefundTooLarge.
    """
    state = payables.load(transaction, payable_id, actor)
    if actor.role not in STAFF:
        raise NotPermitted(actor, f"refund {state.a_noun}")
    if version != state.version:
        raise StaleVersion(state, payables.allowed(state, actor, now), version, actor)
    after, owed = decide_refund(state.payment, state.payment_method, amount, state.currency)
    handed_back = after.refunded - state.refunded
    if handed_back:
        name = f"{payable_id}:{CASH_PROVIDER}:{state.version}"
        refund = Refunded(name, handed_back)
        ledger.add_refund(
            transaction, payable_id, CASH_PROVIDER, refund, currency=state.currency, reason=reason, now=now
        )
    payables.save(transaction, state, after, actor, reason=reason, now=now)
    payment_tasks.owe(transaction, payable_id, owed, currency=state.currency, reason=reason, now=now)
    return payables.document(transaction, state)


# --- Paying for what stands -------------------------------------------------------------------------------------------


def pay(transaction: Transaction, payable_id: str, taken: PaymentTaken, actor: Actor, *, now: Timestamp) -> bytes:
    """Attach the payment `taken` to an unpaid payable, or one whose payment failed; return it as JSON.

    Raises NotPayable if it was paid or ended meanwhile, and ProviderUnavailable as placing does.
    """
    ledger.check_promise(transaction, taken)
    state = payables.load(transaction, payable_id)
    check_payable(state.status, state.payment)
    total = Money(state.total, state.currency)
    if ledger.payment_of(transaction, payable_id) is not None:
        # What failed may be held still.
        void = (ProviderAction(ActionKind.VOID),)
        payment_tasks.owe(transaction, payable_id, void, currency=state.currency, reason=None, now=now)
    ledger.take(transaction, payable_id, state.customer_id, taken, total=total, now=now)
    captured = state.total if taken.status is PaymentStatus.PAID else 0
    payment = replace(state.payment, status=taken.status, captured=captured)
    after, owed = payment_after(replace(state, payment_method=taken.info.method), payment)
    info = msgspec.json.encode(taken.info).decode()
    payables.save(transaction, state, after, actor, reason=None, now=now, info=info)
    payment_tasks.owe(transaction, payable_id, owed, currency=state.currency, reason=None, now=now)
    return payables.document(transaction, state)


# --- Adopting ---------------------------------------------------------------------------------------------------------


def owing(transaction: Transaction, limit: int) -> list[str]:
    """Payables whose state requires tasks that are missing: another program moved them."""
    found = transaction.all(payment_tasks.ORDERS_OWING, limit=limit)
    found += transaction.all(payment_tasks.BOOKINGS_OWING, limit=limit - len(found)) if len(found) < limit else []
    return [payable_id for (payable_id,) in found]


def adopt(transaction: Transaction, payable_id: str, now: Timestamp) -> None:
    """Write the missing tasks of such a payable."""
    state = payables.load(transaction, payable_id)
    after, owed = payment_after(state, state.payment)
    if after != state.payment:
        reason = f"The {state.noun} has ended; its payment is given back."
        payables.save(transaction, state, after, PAYMENTS, reason=reason, now=now)
    payment_tasks.owe(transaction, payable_id, owed, currency=state.currency, reason=None, now=now)


# --- Events ----------------------------------------------------------------------------------------------------------


def apply_event(transaction: Transaction, payable_id: str, provider: str, event: ProviderEvent, now: Timestamp) -> None:
    """Apply a provider's event to a payable's payment; `payment_webhooks` ensures that it is applied once."""
    assert event.fact is not None
    assert event.payment is not None
    reported = ReportedFact(payable_id, provider, event.payment, event.fact, now)
    state = payables.load(transaction, payable_id)
    if event.currency is not None and event.currency != state.currency:
        _note_currency(transaction, reported, state, event.currency)
    else:
        record(transaction, reported)


def apply_external_payment(
    transaction: Transaction, payable_id: str, provider: str, event: ProviderEvent, now: Timestamp
) -> None:
    """Apply a payment made elsewhere, which names the unpaid payable.

    Raises NotPayable, also while we are taking a payment ourselves.
    """
    assert event.fact is not None
    assert event.payment is not None
    state = payables.load(transaction, payable_id)
    check_payable(state.status, state.payment)
    if payment_tasks.is_being_paid(transaction, payable_id):
        raise NotPayable(state.noun, state.status, state.payment_status)
    reported = ReportedFact(payable_id, provider, event.payment, event.fact, now)
    if event.currency != state.currency:
        _note_currency(transaction, reported, state, event.currency or "no currency")
        return
    if ledger.payment_of(transaction, payable_id) is not None:
        # What failed may be held still.
        void = (ProviderAction(ActionKind.VOID),)
        payment_tasks.owe(transaction, payable_id, void, currency=state.currency, reason=None, now=now)
    _move(transaction, reported, Movement.REQUESTED, Money(state.total, state.currency))
    info = msgspec.json.encode(PaymentInfo(PaymentMethod.CARD)).decode()
    reason = f"It is paid by {provider}, elsewhere."
    payables.save(transaction, state, state.payment, PAYMENTS, reason=reason, now=now, info=info)
    record(transaction, reported)


def _note_currency(transaction: Transaction, reported: ReportedFact, state: PayableState, theirs: str) -> None:
    """Raise a mismatch for a fact in another currency than the order's."""
    sentence = f"The {state.noun} is in {state.currency}; {reported.provider} reported a sum in {theirs}."
    _differs(transaction, reported, MismatchKind.CURRENCY, sentence, ours=state.currency, theirs=theirs)


def apply_lookup(
    transaction: Transaction, payable_id: str, provider: str, theirs: ProviderPayment, now: Timestamp
) -> None:
    """Apply the provider's record of a payment that waited for its customer."""
    fact: Fact | None = Captured(theirs.captured) if theirs.captured else Authorized() if theirs.is_held else None
    if fact is None:
        return
    reported = ReportedFact(payable_id, provider, theirs.reference, fact, now)
    state = payables.load(transaction, payable_id)
    if theirs.currency != state.currency:
        _note_currency(transaction, reported, state, theirs.currency)
    else:
        record(transaction, reported)


def complete_task(transaction: Transaction, task: PaymentTask, fact: Fact | None, now: Timestamp) -> None:
    """Complete a task, and record its fact. Idempotent."""
    if fact is None or task.payable_id is None:
        payment_tasks.finish(transaction, task.id)
        return
    if not isinstance(fact, RefundFact):  # a refund's fact closes its task, whoever reports it first
        payment_tasks.finish(transaction, task.id)
    record(transaction, ReportedFact(task.payable_id, task.provider, task.reference, fact, now, task.reason))


def reject_task(transaction: Transaction, task: PaymentTask, sentence: str, now: Timestamp) -> None:
    """Close a task that the provider refused: recorded in history, with a mismatch for staff."""
    if not payment_tasks.finish(transaction, task.id, TaskState.REFUSED, sentence) or task.payable_id is None:
        return
    if task.kind is TaskKind.CAPTURE:
        record(
            transaction, ReportedFact(task.payable_id, task.provider, task.reference, Failed(), now, sentence=sentence)
        )
    elif task.kind is TaskKind.REFUND:
        state = payables.load(transaction, task.payable_id)
        still = _refunding(transaction, task.payable_id, refund_sums(ledger.refunds_of(transaction, task.payable_id)))
        payment = replace(state.payment, refunding=min(still, state.captured - state.refunded))
        payables.save(transaction, state, payment, PAYMENTS, reason=sentence, now=now)
    deed = f"{task.kind} of {task.amount}" if task.amount.minor else str(task.kind)
    mismatches.raise_discrepancy(
        transaction,
        task.payable_id,
        MismatchKind.TASK_REFUSED,
        f"The {deed} was not done: {sentence}",
        provider=task.provider,
        reference=task.reference,
        actor=PAYMENTS,
        now=now,
        ours=task.amount.minor,
    )


# --- Recording --------------------------------------------------------------------------------------------------------


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
        _differs(transaction, reported, MismatchKind.IMPOSSIBLE_MOVE, sentence)
        if owed:
            # The order ended while its customer was at the bank and paid: refund it.
            _abandon(transaction, reported, Money(stands.captured, state.currency))
        return
    if after.captured > state.captured:
        if state.payment_status is PaymentStatus.UNPAID:
            # The authorization was not reported itself: record it for the reconciler.
            _move(transaction, reported, Movement.AUTHORIZED, Money(state.total, state.currency))
        taken = Money(after.captured - state.captured, state.currency)
        _move(transaction, reported, Movement.CAPTURED, taken)
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
        _move(transaction, reported, kind, Money(0, currency))
        return
    since = f"The {state.noun} was paid by another since."
    sentence = f"An earlier payment of this {state.noun}: {_sentence(fact, currency)} {since}"
    _differs(transaction, reported, MismatchKind.IMPOSSIBLE_MOVE, sentence)
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
                _move(transaction, reported, kind, amount)
        case Authorized():
            if state.payment_status in {PaymentStatus.FAILED, PaymentStatus.UNPAID}:
                _move(transaction, reported, Movement.AUTHORIZED, Money(state.total, state.currency))
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
        _differs(transaction, reported, MismatchKind.REFUND_FAILED, sentence, ours=amount)


def _refunding(transaction: Transaction, payable_id: str, sums: RefundSums) -> int:
    """The sum being refunded: pending at the provider or not requested yet."""
    return sums.pending + payment_tasks.refunds_due(transaction, payable_id)


def _facts(transaction: Transaction, reported: ReportedFact, before: RefundSums) -> PaymentFacts:
    sums = refund_sums(ledger.refunds_of(transaction, reported.payable_id))
    disputes = [state for (state,) in transaction.all(ledger.DISPUTES, payable_id=reported.payable_id)]
    ended = {Voided: PaymentStatus.VOIDED, Failed: PaymentStatus.FAILED}.get(type(reported.fact))
    return PaymentFacts(
        captured=reported.fact.amount if isinstance(reported.fact, Captured) else 0,
        refunds=sums.succeeded,
        refunding=_refunding(transaction, reported.payable_id, sums),
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
        _differs(transaction, reported, MismatchKind.CAPTURED, sentence)
    refunded = refund_sums(ledger.refunds_of(transaction, reported.payable_id)).succeeded
    if isinstance(reported.fact, Refunded) and refunded > state.total:
        theirs = Money(refunded, state.currency)
        sentence = f"{theirs} was refunded, more than the {state.noun}'s total."
        _differs(transaction, reported, MismatchKind.REFUNDED, sentence)


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
    _differs(transaction, reported, MismatchKind.PAID_IN_PART, sentence, ours=payment.total, theirs=payment.captured)


def _differs(
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


def _move(transaction: Transaction, reported: ReportedFact, kind: Movement, amount: Money) -> None:
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
