"""The append-only ledger of payments: a row for each fact about a customer's money."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ordercast.commerce.booking_flow import BookingChanged
from ordercast.commerce.errors import ProviderUnavailable
from ordercast.commerce.money import Money
from ordercast.commerce.payment_flow import RefundState, RefundUpdate
from ordercast.commerce.payments import CASH_PROVIDER, PaymentTaken, Refunded, RefundFact, RefundFailed, RefundPending
from ordercast.commerce.people import Role
from ordercast.commerce.placing import OrderPlaced
from ordercast.commerce.states import PaymentStatus
from ordercast.commerce.status_flow import StatusChanged
from ordercast.commerce.timestamps import Timestamp

from . import columns, payment_tasks, saved_cards
from .columns import index, table
from .noun import THEIR_PAYABLES, Impersonal, Noun, PersonalData
from .payment_tasks import TaskState
from .statement import Statement, statements_in
from .transaction import Transaction
from .trigger_helpers import refused


class Movement(StrEnum):
    """A movement of money other than a refund."""

    REQUESTED = "requested"
    """Requested: the customer is at their bank."""
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    VOIDED = "voided"
    FAILED = "failed"


class DisputeState(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


TO_COMPARE_SQL: Final = f"kind = '{Movement.AUTHORIZED}' AND reference IS NOT NULL"

payments = table(
    "payments",
    columns.entry(),
    # The order or booking.
    columns.identifier("payable_id"),
    columns.word("provider"),
    # The provider's id of the payment; none for cash.
    columns.line("reference", optional=True),
    columns.word("kind"),
    columns.amount("amount"),
    columns.currency(),
    columns.moment("at"),
    columns.one_of("kind", Movement),
    index("payments_by_payable", "payable_id", "entry"),
    index("payments_by_reference", "provider", "reference"),
    # For the reconciler's rounds.
    index("payments_to_compare", "at", "entry", where=TO_COMPARE_SQL),
)

refunds = table(
    "refunds",
    columns.entry(),
    columns.identifier("payable_id"),
    columns.word("provider"),
    # The provider's id of the refund, which may be unique per payment only; each state once.
    columns.line("reference"),
    columns.word("state", default=RefundState.SUCCEEDED),
    columns.amount("amount"),
    columns.currency(),
    columns.reason(),
    # The key of our request, if it was ours.
    columns.line("task_id", optional=True),
    columns.moment("at"),
    columns.one_of("state", RefundState),
    index("refunds_by_payable", "payable_id", "provider", "reference", "state", unique=True),
)

payment_disputes = table(
    "payment_disputes",
    columns.word("provider", primary_key=True),
    columns.line("reference", primary_key=True),
    columns.identifier("payable_id", primary_key=True),
    columns.word("state"),
    columns.moment("at"),
    columns.one_of("state", DisputeState),
    index("payment_disputes_by_payable", "payable_id"),
    rowid=False,
)

# --- Statements -------------------------------------------------------------------------------------------------------

MOVE: Final = Statement("""
    INSERT INTO payments (payable_id, provider, reference, kind, amount, currency, at)
    VALUES (:payable_id, :provider, :reference, :kind, :amount, :currency, :at)
""")
ADD_REFUND: Final = Statement("""
    INSERT INTO refunds (payable_id, provider, reference, state, amount, currency, reason, task_id, at)
    VALUES (:payable_id, :provider, :reference, :state, :amount, :currency, :reason, :task_id, :at)
    ON CONFLICT (payable_id, provider, reference, state) DO NOTHING
""")
REFUNDS: Final = Statement("""
    SELECT provider, reference, state, amount, task_id FROM refunds WHERE payable_id = :payable_id
""")
PAYABLE_OF_PAYMENT: Final = Statement("""
    SELECT payable_id FROM payments WHERE provider = :provider AND reference = :reference LIMIT 1
""")
_DISPUTE: Final = """
    INSERT INTO payment_disputes (provider, reference, payable_id, state, at)
    VALUES (:provider, :reference, :payable_id, :state, :at)
"""
OPEN_DISPUTE: Final = Statement(f"{_DISPUTE} ON CONFLICT DO NOTHING")
# A closed dispute stays closed, even if its opening arrives later.
CLOSE_DISPUTE: Final = Statement(f"""
    {_DISPUTE} ON CONFLICT (provider, reference, payable_id) DO UPDATE SET state = excluded.state
""")
DISPUTES: Final = Statement("SELECT state FROM payment_disputes WHERE payable_id = :payable_id")
_OF_EITHER: Final = ", ".join(
    f"coalesce(orders.{column}, bookings.{column})"
    for column in ("version", "payment_status", "total", "captured", "refunded", "refunding", "currency")
)
# Payments at a provider without open tasks. The condition must equal the partial index's, word for word, for SQLite.
TO_COMPARE: Final = Statement(f"""
    SELECT payments.at, payments.entry, payments.payable_id, payments.provider, payments.reference,
      {_OF_EITHER}
    FROM payments
    LEFT JOIN orders ON orders.id = payments.payable_id LEFT JOIN bookings ON bookings.id = payments.payable_id
    WHERE (orders.id IS NOT NULL OR bookings.id IS NOT NULL)
      AND (payments.at, payments.entry) > (:after_at, :after_entry) AND {TO_COMPARE_SQL}
      AND NOT EXISTS (
        SELECT payment_tasks.entry FROM payment_tasks
        WHERE payment_tasks.payable_id = payments.payable_id AND payment_tasks.state = '{TaskState.DUE}')
      AND NOT EXISTS (
        SELECT later.entry FROM payments AS later
        WHERE later.payable_id = payments.payable_id AND later.entry > payments.entry
          AND later.kind IN ('{Movement.REQUESTED}', '{Movement.AUTHORIZED}')
          AND later.reference != payments.reference)
    ORDER BY payments.at, payments.entry LIMIT :limit
""")

# --- Triggers ---------------------------------------------------------------------------------------------------------

_ADDED_TO: Final = "the ledger of payments is only ever added to"

NOUN: Final = Noun(
    name="ledger",
    tables=(payments, refunds, payment_disputes),
    statements=statements_in(globals()),
    triggers=tuple(
        refused(f"{of}_{rule}", deed, of, _ADDED_TO)
        for of in ("payments", "refunds")
        for rule, deed in (("kept", "DELETE"), ("unchanged", "UPDATE"))
    ),
    personal={
        "payments": PersonalData(
            THEIR_PAYABLES, ("payable_id", "provider", "reference", "kind", "amount", "currency", "at"), {}
        ),
        "refunds": PersonalData(
            THEIR_PAYABLES, ("payable_id", "provider", "reference", "state", "amount", "currency", "reason", "at"), {}
        ),
        "payment_disputes": Impersonal("a provider's name for a dispute"),
    },
)

# --- Units of work ----------------------------------------------------------------------------------------------------


def check_promise(transaction: Transaction, payment: PaymentTaken) -> None:
    """Raise ProviderUnavailable if the payment is being refunded already, as placing took too long."""
    if payment.key is not None and not payment_tasks.is_due(transaction, payment.key):
        raise ProviderUnavailable


def begin(transaction: Transaction, placed: OrderPlaced) -> None:
    """Begin the ledger of a new order with its payment, and remove the promise to refund it.

    A cash order has no ledger yet.
    """
    total = Money(placed.priced.total, placed.priced.currency)
    take(transaction, placed.id, placed.customer_id, placed.payment, total=total, now=placed.at)


def take(
    transaction: Transaction,
    payable_id: str,
    customer_id: str | None,
    payment: PaymentTaken,
    *,
    total: Money,
    now: Timestamp,
) -> None:
    """Record a payment taken by a provider, and remove the promise to refund it."""
    if payment.provider is None or payment.reference is None:
        return
    if payment.key is not None:
        payment_tasks.drop(transaction, payment.key)
    begun = Movement.REQUESTED if payment.action is not None else Movement.AUTHORIZED
    for kind in [begun] + [Movement.CAPTURED] * (payment.status is PaymentStatus.PAID):
        move(transaction, payable_id, payment.provider, payment.reference, kind, amount=total, now=now)
    if payment.saved is not None and customer_id is not None:
        saved_cards.add(transaction, customer_id, payment.provider, payment.saved, now)


def follow(transaction: Transaction, change: StatusChanged | BookingChanged) -> None:
    """Record what a transition does to the money, and insert its provider tasks."""
    before, after = change.before, change.payment
    # A customer's reason is in history only, where it can be erased.
    reason = None if change.actor.role is Role.CUSTOMER else change.reason
    collected = Money(after.captured - before.captured, before.currency)
    if collected.minor:
        move(transaction, before.id, CASH_PROVIDER, None, Movement.CAPTURED, amount=collected, now=change.at)
    handed_back = after.refunded - before.refunded
    if handed_back:
        refund = Refunded(f"{before.id}:{CASH_PROVIDER}:{before.version}", handed_back)
        add_refund(
            transaction,
            before.id,
            CASH_PROVIDER,
            refund,
            currency=before.currency,
            reason=reason,
            now=change.at,
        )
    if change.owed:
        payment_tasks.owe(transaction, before.id, change.owed, currency=before.currency, reason=reason, now=change.at)


def move(
    transaction: Transaction,
    payable_id: str,
    provider: str,
    reference: str | None,
    kind: Movement,
    *,
    amount: Money,
    now: Timestamp,
) -> None:
    transaction.run(
        MOVE,
        payable_id=payable_id,
        provider=provider,
        reference=reference,
        kind=kind,
        amount=amount.minor,
        currency=amount.currency,
        at=now,
    )


def add_refund(
    transaction: Transaction,
    payable_id: str,
    provider: str,
    refund: RefundFact,
    *,
    currency: str,
    reason: str | None,
    now: Timestamp,
) -> bool:
    """Record a refund's state; False if it was known."""
    added = transaction.run(
        ADD_REFUND,
        payable_id=payable_id,
        provider=provider,
        reference=refund.reference,
        state=_STATES[type(refund)],
        amount=refund.amount,
        currency=currency,
        reason=reason,
        task_id=refund.task_id,
        at=now,
    )
    return added == 1


def payment_of(transaction: Transaction, payable_id: str) -> tuple[str, str] | None:
    """The provider of the last payment, and its reference there."""
    row = transaction.one(payment_tasks.PAYMENT_OF_ORDER, payable_id=payable_id)
    return None if row is None else (row[0], row[1])


@dataclass(frozen=True, slots=True)
class StoredRefund(RefundUpdate):
    """A stored refund state; `task_id` is the key of our request, if it was ours."""

    task_id: str | None = None


def refunds_of(transaction: Transaction, payable_id: str) -> list[StoredRefund]:
    """All reported refund states of the order."""
    rows = transaction.all(REFUNDS, payable_id=payable_id)
    return [StoredRefund(who, name, RefundState(state), amount, task) for who, name, state, amount, task in rows]


_STATES: Final[dict[type[RefundFact], RefundState]] = {
    RefundPending: RefundState.PENDING,
    Refunded: RefundState.SUCCEEDED,
    RefundFailed: RefundState.FAILED,
}
