"""Units of work on payments: what a provider told or did becomes the ledger, and the order's place on the payment axis.

Facts may come twice and in any order, from our own asking and from the provider's messages; each counts once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ordercast.commerce.errors import NotPermitted, StaleVersion
from ordercast.commerce.moments import Moment
from ordercast.commerce.money import Money
from ordercast.commerce.payment_books import MismatchKind
from ordercast.commerce.payment_flow import Known, Owed, accepted, decide_refund, given_back, standing, way
from ordercast.commerce.payments import (
    CASH_PROVIDER,
    Captured,
    DisputeClosed,
    DisputeOpened,
    Fact,
    Failed,
    Notice,
    Refunded,
    RefundFailed,
    Voided,
)
from ordercast.commerce.people import STAFF, Actor, Role
from ordercast.commerce.states import OrderState, OrderStatus, PaymentState, PaymentStatus
from ordercast.commerce.status_flow import allowed_next
from ordercast.commerce.transitions import UNFULFILLED

from . import ledger, mismatches, payment_tasks
from .orders import load_state, newest_document
from .payment_tasks import PaymentTask
from .schema.payments import DisputeState, Movement, TaskKind, TaskState
from .transaction import Transaction

_SENTENCES: Final[dict[type[Fact], str]] = {
    Captured: "The payment was captured.",
    Voided: "The payment was released; nothing was charged.",
    Failed: "The payment could not be captured.",
    RefundFailed: "A refund came back.",
    DisputeOpened: "The customer's bank has opened a dispute.",
}

PAYMENTS: Final = Actor(Role.SERVICE, "payments")


@dataclass(frozen=True, slots=True)
class Told:
    """A fact about an order's payment: who says it, of which payment."""

    order_id: str
    provider: str
    payment: str
    fact: Fact
    now: Moment
    reason: str | None = None
    """Why we asked for it: for the ledger. In history it stands with whoever asked, where not all may read it."""
    sentence: str | None = None
    """What history says of it, where it is not the usual."""


# --- Asking -----------------------------------------------------------------------------------------------------------


def ask_refund(
    transaction: Transaction, order_id: str, amount: int | None, reason: str, actor: Actor, *, version: int, now: Moment
) -> bytes:
    """Promise `amount` (None: all that is left) back, and answer the order as JSON. Cash is given back at once.

    Raises NotFound, NotPermitted, StaleVersion, NotRefundable or RefundTooLarge.
    """
    state = load_state(transaction, order_id, actor)
    if actor.role not in STAFF:
        raise NotPermitted(actor, "refund an order")
    if version != state.version:
        raise StaleVersion(state, allowed_next(state, actor.role), version, actor)
    after, owed = decide_refund(state.payment, state.payment_method, amount, state.currency)
    handed_back = after.refunded - state.refunded
    if handed_back:
        name = f"{order_id}:{CASH_PROVIDER}:{state.version}"
        refund = Refunded(name, handed_back)
        ledger.give_back(transaction, order_id, CASH_PROVIDER, refund, currency=state.currency, reason=reason, now=now)
    _save(transaction, order_id, after, actor, reason=reason, now=now)
    payment_tasks.owe(transaction, order_id, owed, currency=state.currency, reason=reason, now=now)
    return newest_document(transaction, order_id)


def owing(transaction: Transaction, limit: int) -> list[str]:
    """Orders that owe their provider something which nobody has written down: another program has moved them."""
    return [order_id for (order_id,) in transaction.all(transaction.sql.payment_tasks.owing, limit=limit)]


def adopt(transaction: Transaction, order_id: str, now: Moment) -> None:
    """Write down what such an order owes."""
    state = load_state(transaction, order_id, PAYMENTS)
    after, owed = _following(state, state.payment)
    if after != state.payment:
        reason = "The order has ended; its payment is given back."
        _save(transaction, order_id, after, PAYMENTS, reason=reason, now=now)
    payment_tasks.owe(transaction, order_id, owed, currency=state.currency, reason=None, now=now)


# --- Hearing ----------------------------------------------------------------------------------------------------------


def hear(transaction: Transaction, provider: str, notice: Notice, now: Moment) -> str:
    """Take in a provider's event; its id is kept with its effect. Gives what became of it, in a word for the log."""
    if notice.fact is None or notice.payment is None:
        return "of no concern"
    row = transaction.one(transaction.sql.ledger.order_of_payment, provider=provider, reference=notice.payment)
    if row is None:
        # Not kept: if it was early, the provider's resending it must not count as a repetition.
        return "of an unknown payment"
    noted = transaction.run(
        transaction.sql.ledger.note_event,
        provider=provider,
        event_id=notice.event_id,
        kind=notice.kind,
        order_id=row[0],
        received_at=now,
    )
    if noted == 0:
        return "heard before"
    record(transaction, Told(row[0], provider, notice.payment, notice.fact, now))
    return "taken in"


def carried_out(transaction: Transaction, task: PaymentTask, fact: Fact | None, now: Moment) -> None:
    """Close a task that the provider has carried out, and take in what that did. Done twice, it is done once."""
    if fact is None or task.order_id is None:
        payment_tasks.finish(transaction, task.id)
        return
    if not isinstance(fact, Refunded):  # a refund closes its own task, whoever tells of it first
        payment_tasks.finish(transaction, task.id)
    record(transaction, Told(task.order_id, task.provider, task.reference, fact, now, task.reason))


def refused(transaction: Transaction, task: PaymentTask, sentence: str, now: Moment) -> None:
    """Close a task that the provider will not carry out: the order tells so, and a card asks somebody to see to it."""
    if not payment_tasks.finish(transaction, task.id, TaskState.REFUSED, sentence) or task.order_id is None:
        return
    if task.kind is TaskKind.CAPTURE:
        record(transaction, Told(task.order_id, task.provider, task.reference, Failed(), now, sentence=sentence))
    elif task.kind is TaskKind.REFUND:
        state = load_state(transaction, task.order_id, PAYMENTS)
        rest = max(0, state.refunding - task.amount.minor)
        payment = replace(state.payment, refunding=rest)
        _save(transaction, task.order_id, payment, PAYMENTS, reason=sentence, now=now)
    deed = f"{task.kind} of {task.amount}" if task.amount.minor else str(task.kind)
    mismatches.raise_card(
        transaction,
        task.order_id,
        MismatchKind.TASK_REFUSED,
        f"The {deed} was not done: {sentence}",
        provider=task.provider,
        reference=task.reference,
        actor=PAYMENTS,
        now=now,
        ours=task.amount.minor,
    )


# --- Recording --------------------------------------------------------------------------------------------------------


def record(transaction: Transaction, told: Told) -> None:
    """Take in one fact: the ledger first, then where all that is known puts the order's payment."""
    state = load_state(transaction, told.order_id, PAYMENTS)
    released = _keep(transaction, state, told)
    before = replace(state.payment, refunding=state.refunding - min(released, state.refunding))
    after, owed = _following(state, standing(before, _known(transaction, told)))
    _check_sums(transaction, state, told)
    steps = way(state.payment_status, after.status)
    if steps is None:
        sentence = f"The payment is {state.payment_status} here, and {after.status} by what {told.provider} told us."
        _differs(transaction, told, MismatchKind.IMPOSSIBLE_MOVE, sentence)
        return
    if after.captured > state.captured:
        taken = Money(after.captured - state.captured, state.currency)
        _move(transaction, told, Movement.CAPTURED, taken)
    reason = told.sentence or _sentence(told.fact, state.currency)
    # A status that the table does not reach at once is reached through those between: each is told.
    for status in steps or ([after.status] if after != state.payment else []):
        payment = replace(after, status=status)
        _save(transaction, told.order_id, payment, PAYMENTS, reason=reason, now=told.now)
    payment_tasks.owe(transaction, told.order_id, owed, currency=state.currency, reason=None, now=told.now)


def _following(state: OrderState, payment: PaymentState) -> tuple[PaymentState, tuple[Owed, ...]]:
    """What the order's own state makes of its payment: it may have ended, or been accepted, before this was known."""
    if state.status in UNFULFILLED:
        return given_back(payment, state.payment_method)
    if state.status in {OrderStatus.PENDING, OrderStatus.ON_HOLD}:
        return payment, ()
    return payment, accepted(payment)


def _keep(transaction: Transaction, state: OrderState, told: Told) -> int:
    """Write the fact down; how much of what was promised back it made good, in minor units."""
    fact = told.fact
    sql = transaction.sql.ledger
    match fact:
        case Refunded():
            ledger.give_back(
                transaction,
                told.order_id,
                told.provider,
                fact,
                currency=state.currency,
                reason=told.reason,
                now=told.now,
            )
            return _made_good(transaction, fact.task_id)
        case DisputeOpened():
            transaction.run(sql.open_dispute, **_dispute(told, fact.reference, DisputeState.OPEN))
        case DisputeClosed():
            outcome = DisputeState.WON if fact.won else DisputeState.LOST
            transaction.run(sql.close_dispute, **_dispute(told, fact.reference, outcome))
        case RefundFailed():
            sentence = f"The refund {fact.reference} came back; the customer has not got the money."
            _differs(transaction, told, MismatchKind.REFUND_FAILED, sentence)
        case Voided() | Failed():
            kind = Movement.VOIDED if isinstance(fact, Voided) else Movement.FAILED
            if state.payment_status in {PaymentStatus.AUTHORIZED, PaymentStatus.FAILED, PaymentStatus.UNPAID}:
                amount = Money(0, state.currency)
                _move(transaction, told, kind, amount)
        case Captured():
            pass  # kept by how much it adds to what was captured before
    return 0


def _made_good(transaction: Transaction, task_id: str | None) -> int:
    if task_id is None:
        return 0
    row = transaction.one(transaction.sql.payment_tasks.by_id, id=task_id)
    if row is None or not payment_tasks.finish(transaction, task_id):
        return 0
    amount: int = row[6]
    return amount


def _known(transaction: Transaction, told: Told) -> Known:
    row = transaction.one(transaction.sql.ledger.refunded, order_id=told.order_id)
    disputes = [state for (state,) in transaction.all(transaction.sql.ledger.disputes, order_id=told.order_id)]
    ended = {Voided: PaymentStatus.VOIDED, Failed: PaymentStatus.FAILED}.get(type(told.fact))
    return Known(
        captured=told.fact.amount if isinstance(told.fact, Captured) else 0,
        refunds=row[0] if row is not None else 0,
        is_disputed=DisputeState.OPEN in disputes,
        is_lost=DisputeState.LOST in disputes,
        ended=ended,
    )


def _check_sums(transaction: Transaction, state: OrderState, told: Told) -> None:
    """More money than there can be is not believed: the sums stay within bounds, and a card says what was told."""
    if isinstance(told.fact, Captured) and told.fact.amount > state.total:
        theirs = Money(told.fact.amount, state.currency)
        _differs(transaction, told, MismatchKind.CAPTURED, f"{theirs} was captured, more than the order's total.")
    row = transaction.one(transaction.sql.ledger.refunded, order_id=told.order_id)
    if isinstance(told.fact, Refunded) and row is not None and row[0] > state.total:
        theirs = Money(row[0], state.currency)
        _differs(transaction, told, MismatchKind.REFUNDED, f"{theirs} was refunded, more than the order's total.")


def _differs(transaction: Transaction, told: Told, kind: MismatchKind, sentence: str) -> None:
    mismatches.raise_card(
        transaction,
        told.order_id,
        kind,
        sentence,
        provider=told.provider,
        reference=told.payment,
        actor=PAYMENTS,
        now=told.now,
    )


def _sentence(fact: Fact, currency: str) -> str:
    if isinstance(fact, Refunded):
        return f"{Money(fact.amount, currency)} was refunded."
    if isinstance(fact, DisputeClosed):
        return f"The dispute was {'won' if fact.won else 'lost'}."
    return _SENTENCES[type(fact)]


# --- Rows -------------------------------------------------------------------------------------------------------------


def _move(transaction: Transaction, told: Told, kind: Movement, amount: Money) -> None:
    ledger.move(transaction, told.order_id, told.provider, told.payment, kind, amount=amount, now=told.now)


def _save(
    transaction: Transaction, order_id: str, payment: PaymentState, actor: Actor, *, reason: str | None, now: Moment
) -> None:
    transaction.run(
        transaction.sql.ledger.change_order,
        order_id=order_id,
        new_payment_status=payment.status,
        new_captured=payment.captured,
        new_refunded=payment.refunded,
        new_refunding=payment.refunding,
        new_actor=str(actor),
        new_reason=reason,
        new_updated_at=now,
    )


def _dispute(told: Told, reference: str, state: DisputeState) -> dict[str, str]:
    return {
        "provider": told.provider, "reference": reference, "order_id": told.order_id, "state": state, "at": told.now,
    }  # fmt: skip
