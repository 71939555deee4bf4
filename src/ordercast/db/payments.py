"""Units of work on payments: asking for refunds, paying, and what came of tasks, webhooks and lookups.

What each reported fact changes is `payment_facts`.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from ordercast.commerce.errors import NotPayable, NotPermitted, StaleVersion
from ordercast.commerce.money import Money
from ordercast.commerce.orders import PaymentInfo
from ordercast.commerce.payables import PayableState, check_payable, payment_after
from ordercast.commerce.payment_flow import (
    ActionKind,
    ProviderAction,
    decide_refund,
    refund_sums,
)
from ordercast.commerce.payments import (
    CASH_PROVIDER,
    Authorized,
    Captured,
    Fact,
    Failed,
    PaymentTaken,
    ProviderEvent,
    ProviderPayment,
    Refunded,
    RefundFact,
)
from ordercast.commerce.people import STAFF, Actor
from ordercast.commerce.reconciliation import MismatchKind
from ordercast.commerce.states import PaymentMethod, PaymentStatus
from ordercast.commerce.timestamps import Timestamp

from . import ledger, mismatches, payables, payment_tasks
from .ledger import Movement
from .payables import PAYMENTS
from .payment_facts import ReportedFact, move, note_mismatch, record, refunding
from .payment_tasks import PaymentTask, TaskKind, TaskState
from .transaction import Transaction

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
    move(transaction, reported, Movement.REQUESTED, Money(state.total, state.currency))
    info = msgspec.json.encode(PaymentInfo(PaymentMethod.CARD)).decode()
    reason = f"It is paid by {provider}, elsewhere."
    payables.save(transaction, state, state.payment, PAYMENTS, reason=reason, now=now, info=info)
    record(transaction, reported)


def _note_currency(transaction: Transaction, reported: ReportedFact, state: PayableState, theirs: str) -> None:
    """Raise a mismatch for a fact in another currency than the order's."""
    sentence = f"The {state.noun} is in {state.currency}; {reported.provider} reported a sum in {theirs}."
    note_mismatch(transaction, reported, MismatchKind.CURRENCY, sentence, ours=state.currency, theirs=theirs)


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
        still = refunding(transaction, task.payable_id, refund_sums(ledger.refunds_of(transaction, task.payable_id)))
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
