"""What a provider is still to be asked: written with the change that owes it, carried out after the commit.

A task's id is the key under which the provider is asked. It is asked again until it has answered, so a crash at any
moment costs neither the shop nor the customer anything; and it does nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from ordercast.commerce.money import Money
from ordercast.commerce.payment_flow import ActionKind, ProviderAction
from ordercast.commerce.payments import SavedCard
from ordercast.commerce.timestamps import Timestamp

from .lenient_json import is_moment
from .schema.payments import TaskKind, TaskState
from .transaction import Transaction

TASKS_AT_ONCE_MAX: Final = 32
# As many tasks as may be unreadable before those behind them wait for a repair.
LOOKED_THROUGH_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class PaymentTask:
    entry: int
    id: str
    order_id: str | None
    provider: str
    reference: str
    """The provider's name for the payment; for ``forget_card``, for the card and its holder."""
    kind: TaskKind
    amount: Money
    reason: str | None
    attempts: int
    created_at: Timestamp


# --- Writing down -----------------------------------------------------------------------------------------------------


def owe(
    transaction: Transaction,
    order_id: str,
    owed: Iterable[ProviderAction],
    *,
    currency: str,
    reason: str | None,
    now: Timestamp,
) -> None:
    """Write down what the provider of the order's payment is to be asked. A payment is captured and voided once."""
    for deed in owed:
        found = transaction.one(transaction.sql.ledger.payment_of_order, order_id=order_id)
        if found is None and deed.is_optional:
            continue
        provider, reference = found if found is not None else ("", "")
        _add(
            transaction,
            task_id=_id_of(transaction, order_id, deed.kind),
            order_id=order_id,
            provider=provider,
            reference=reference,
            kind=TaskKind(deed.kind),
            amount=Money(deed.amount, currency),
            reason=reason,
            due_at=now,
            now=now,
        )


def promise(
    transaction: Transaction,
    key: str,
    order_id: str,
    provider: str,
    *,
    amount: Money,
    due_at: Timestamp,
    now: Timestamp,
) -> None:
    """Promise to give back, from `due_at` on, what the provider is about to take with `key`.

    It is taken back with the placing of the order; if that never comes, nobody is charged for it.
    """
    _add(
        transaction,
        task_id=key,
        order_id=order_id,
        provider=provider,
        reference="",
        kind=TaskKind.ABANDON,
        amount=amount,
        reason=None,
        due_at=due_at,
        now=now,
    )


def drop(transaction: Transaction, key: str) -> None:
    """Take a promise back."""
    transaction.run(transaction.sql.payment_tasks.drop, task_id=key)


def hasten(transaction: Transaction, key: str, now: Timestamp) -> None:
    """Have a promise carried out at once."""
    transaction.run(transaction.sql.payment_tasks.hasten, task_id=key, new_due_at=now)


def forget_card(transaction: Transaction, method_id: str, provider: str, card: SavedCard, now: Timestamp) -> None:
    """Have the provider keep the card no longer."""
    _add(
        transaction,
        task_id=f"{method_id}:forget",
        order_id=None,
        provider=provider,
        reference=f"{card.owner} {card.reference}",
        kind=TaskKind.FORGET_CARD,
        amount=Money(0, ""),
        reason=None,
        due_at=now,
        now=now,
    )


def _id_of(transaction: Transaction, order_id: str, kind: ActionKind) -> str:
    if kind is not ActionKind.REFUND:
        tried = len(set(transaction.all(transaction.sql.ledger.payments_of_order, order_id=order_id)))
        return f"{order_id}:{kind}" if tried <= 1 else f"{order_id}:{kind}:{tried}"
    row = transaction.one(transaction.sql.payment_tasks.count_of_kind, order_id=order_id, kind=TaskKind.REFUND)
    return f"{order_id}:{kind}:{row[0] + 1 if row else 1}"


def _add(
    transaction: Transaction,
    *,
    task_id: str,
    order_id: str | None,
    provider: str,
    reference: str,
    kind: TaskKind,
    amount: Money,
    reason: str | None,
    due_at: Timestamp,
    now: Timestamp,
) -> None:
    transaction.run(
        transaction.sql.payment_tasks.add,
        id=task_id,
        order_id=order_id,
        provider=provider,
        reference=reference,
        kind=kind,
        amount=amount.minor,
        currency=amount.currency,
        reason=reason,
        due_at=due_at,
        created_at=now,
    )


# --- Looking ----------------------------------------------------------------------------------------------------------


def due(transaction: Transaction, now: Timestamp) -> list[PaymentTask]:
    """What is to be done now: for each order its oldest task, since a refund must not overtake its capture. Those that
    cannot be read keep none behind them from being done.
    """
    limit = TASKS_AT_ONCE_MAX
    while True:
        rows = transaction.all(transaction.sql.payment_tasks.due, now=now, limit=limit)
        found = transaction.readable(rows, _task, "payment_tasks")
        if found or len(rows) < limit or limit >= LOOKED_THROUGH_MAX:
            return found[:TASKS_AT_ONCE_MAX]
        limit *= 2


def _task(row: tuple[Any, ...]) -> PaymentTask:
    entry, id_, order, provider, reference, kind, amount, currency, reason, n, at = msgspec.convert(row, _TaskRow)
    if not is_moment(at):
        raise ValueError("created_at is no moment")
    return PaymentTask(
        entry, id_, order, provider, reference, kind, Money(amount, currency), reason, n, cast(Timestamp, at)
    )


_TaskRow = tuple[int, str, str | None, str, str, TaskKind, int, str, str | None, int, str]


def is_due(transaction: Transaction, task_id: str) -> bool:
    """Whether there is such a task that is still open."""
    return transaction.one(transaction.sql.payment_tasks.by_id, id=task_id) is not None


def next_due(transaction: Transaction) -> Timestamp | None:
    """When the next task is due, if there is one."""
    row = transaction.one(transaction.sql.payment_tasks.next_due)
    return row[0] if row is not None else None


# --- Ending -----------------------------------------------------------------------------------------------------------


def finish(
    transaction: Transaction, task_id: str, state: TaskState = TaskState.DONE, problem: str | None = None
) -> bool:
    """Close a task; False where another has closed it before."""
    changed = transaction.run(
        transaction.sql.payment_tasks.finish, task_id=task_id, new_state=state, new_problem=problem
    )
    return changed == 1


def finish_refund(transaction: Transaction, order_id: str, task_id: str, state: TaskState) -> None:
    """Close a refund of this order as what the provider told of it. One that was done may be refused after all."""
    transaction.run(
        transaction.sql.payment_tasks.finish_refund,
        order_id=order_id,
        task_id=task_id,
        new_state=state,
        new_problem=_CAME_BACK if state is TaskState.REFUSED else None,
    )


_CAME_BACK: Final = "The refund came back."


def refunds_due(transaction: Transaction, order_id: str) -> int:
    """How much the order's provider is still to be asked to give back, in minor units."""
    row = transaction.one(transaction.sql.payment_tasks.refunds_due, order_id=order_id)
    assert row is not None
    amount: int = row[0]
    return amount


def was_refund_refused(transaction: Transaction, order_id: str) -> bool:
    """Whether a refund of the order was refused, or came back: then people see to it."""
    row = transaction.one(transaction.sql.payment_tasks.refunds_refused, order_id=order_id)
    return row is not None and row[0] > 0


def postpone(transaction: Transaction, task_id: str, until: Timestamp, problem: str) -> None:
    """Try again from `until` on."""
    transaction.run(transaction.sql.payment_tasks.postpone, task_id=task_id, new_due_at=until, new_problem=problem)
