"""The ledger of payments: a row for everything that happened to a customer's money. It is only ever added to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ordercast.commerce.errors import ProviderUnavailable
from ordercast.commerce.money import Money
from ordercast.commerce.payment_flow import RefundNews, RefundState
from ordercast.commerce.payments import CASH_PROVIDER, PaymentTaken, Refunded, RefundFact, RefundFailed, RefundPending
from ordercast.commerce.people import Role
from ordercast.commerce.placing import OrderPlaced
from ordercast.commerce.states import PaymentStatus
from ordercast.commerce.status_flow import StatusChanged
from ordercast.commerce.timestamps import Timestamp

from . import payment_tasks, saved_cards
from .schema.payments import Movement
from .transaction import Transaction


def check_promise(transaction: Transaction, payment: PaymentTaken) -> None:
    """Raises ProviderUnavailable where the payment is being given back already: its order took too long to come."""
    if payment.key is not None and not payment_tasks.is_due(transaction, payment.key):
        raise ProviderUnavailable


def begin(transaction: Transaction, placed: OrderPlaced) -> None:
    """Begin the ledger of a new order with what its provider took, and take back the promise to give that back.

    An order to be paid in cash has no ledger yet.
    """
    total = Money(placed.priced.total, placed.priced.currency)
    take(transaction, placed.id, placed.customer_id, placed.payment, total=total, now=placed.at)


def take(
    transaction: Transaction,
    order_id: str,
    customer_id: str | None,
    payment: PaymentTaken,
    *,
    total: Money,
    now: Timestamp,
) -> None:
    """Write down what a provider took of an order's total, and take back the promise to give that back."""
    if payment.provider is None or payment.reference is None:
        return
    if payment.key is not None:
        payment_tasks.drop(transaction, payment.key)
    begun = Movement.REQUESTED if payment.action is not None else Movement.AUTHORIZED
    for kind in [begun] + [Movement.CAPTURED] * (payment.status is PaymentStatus.PAID):
        move(transaction, order_id, payment.provider, payment.reference, kind, amount=total, now=now)
    if payment.saved is not None and customer_id is not None:
        saved_cards.add(transaction, customer_id, payment.provider, payment.saved, now)


def follow(transaction: Transaction, change: StatusChanged) -> None:
    """Write down what a move of an order did to its money, and what its provider is to be asked for it."""
    before, after = change.before, change.payment
    # A customer's own words stand in history alone, which forgets them with the customer; the ledger never could.
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
    order_id: str,
    provider: str,
    reference: str | None,
    kind: Movement,
    *,
    amount: Money,
    now: Timestamp,
) -> None:
    transaction.run(
        transaction.sql.ledger.move,
        order_id=order_id,
        provider=provider,
        reference=reference,
        kind=kind,
        amount=amount.minor,
        currency=amount.currency,
        at=now,
    )


def add_refund(
    transaction: Transaction,
    order_id: str,
    provider: str,
    refund: RefundFact,
    *,
    currency: str,
    reason: str | None,
    now: Timestamp,
) -> bool:
    """Write down what was told of a refund; False where that was known. A state told twice counts once."""
    added = transaction.run(
        transaction.sql.ledger.refund,
        order_id=order_id,
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


def payment_of(transaction: Transaction, order_id: str) -> tuple[str, str] | None:
    """The provider of an order's last payment, and its name for that."""
    row = transaction.one(transaction.sql.ledger.payment_of_order, order_id=order_id)
    return None if row is None else (row[0], row[1])


@dataclass(frozen=True, slots=True)
class KeptRefund(RefundNews):
    """A row of the refunds: `task_id` is the key under which we asked for it, if we did."""

    task_id: str | None = None


def refunds_of(transaction: Transaction, order_id: str) -> list[KeptRefund]:
    """All that was told of the order's refunds."""
    rows = transaction.all(transaction.sql.ledger.refunds, order_id=order_id)
    return [KeptRefund(who, name, RefundState(state), amount, task) for who, name, state, amount, task in rows]


_STATES: Final[dict[type[RefundFact], RefundState]] = {
    RefundPending: RefundState.PENDING,
    Refunded: RefundState.SUCCEEDED,
    RefundFailed: RefundState.FAILED,
}
