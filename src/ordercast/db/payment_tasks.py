"""The outbox of provider actions: written with the change that requires them, run after the commit.

A task's id is its idempotency key. It is repeated until the provider answers, so no crash loses money, and takes effect
once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast

import msgspec

from ordercast.commerce.money import Money
from ordercast.commerce.payment_flow import ActionKind, ProviderAction, RefundState
from ordercast.commerce.payments import SavedCard
from ordercast.commerce.timestamps import Timestamp

from . import columns
from .columns import index, table
from .lenient_json import is_moment
from .noun import Impersonal, Noun
from .payment_rules import BOOKING_OWING_SQL, ORDER_OWING_SQL
from .statement import Statement, statements_in
from .transaction import Transaction

TASKS_AT_ONCE_MAX: Final = 32
# Damaged rows skipped at most, before readable ones behind them wait for a repair.
LOOKED_THROUGH_MAX: Final = 4_096


class TaskKind(StrEnum):
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    ABANDON = "abandon"
    """Refund a payment without an order: never placed, ended, or paid anew."""
    FORGET_CARD = "forget_card"


class TaskState(StrEnum):
    DUE = "due"
    DONE = "done"
    REFUSED = "refused"
    """The provider refused, or retries ended."""


payment_tasks = table(
    "payment_tasks",
    columns.entry(),
    # The idempotency key.
    columns.line("id", unique=True),
    # No foreign key: payments of orders that were never placed are refunded too.
    columns.identifier("payable_id", optional=True),
    columns.word("provider"),
    columns.line("reference", default=""),
    columns.word("kind"),
    columns.amount("amount"),
    columns.word("currency", default=""),
    columns.reason(),
    columns.word("state", default=TaskState.DUE),
    columns.count("attempts"),
    columns.given_moment("due_at"),
    columns.text("problem", optional=True),
    columns.moment("created_at"),
    columns.one_of("kind", TaskKind),
    columns.one_of("state", TaskState),
    index("payment_tasks_due", "due_at", where="state = 'due'"),
    index("payment_tasks_by_payable", "payable_id", "entry"),
)

# --- Statements -------------------------------------------------------------------------------------------------------

_TASK: Final = """
    SELECT entry, id, payable_id, provider, reference, kind, amount, currency, reason, attempts, created_at
    FROM payment_tasks
"""
ADD: Final = Statement("""
    INSERT INTO payment_tasks (id, payable_id, provider, reference, kind, amount, currency, reason, due_at, created_at)
    VALUES (:id, :payable_id, :provider, :reference, :kind, :amount, :currency, :reason, :due_at, :created_at)
    ON CONFLICT (id) DO NOTHING
""")
BY_ID: Final = Statement(f"{_TASK} WHERE id = :id AND state = '{TaskState.DUE}' @for_update")
# One per order at a time: a refund waits for the capture before it.
DUE: Final = Statement(f"""
    {_TASK}
    WHERE state = '{TaskState.DUE}' AND due_at <= :now AND NOT EXISTS (
      SELECT earlier.entry FROM payment_tasks AS earlier
      WHERE earlier.payable_id = payment_tasks.payable_id AND earlier.state = '{TaskState.DUE}'
        AND earlier.entry < payment_tasks.entry)
    ORDER BY due_at LIMIT :limit
""")
NEXT_DUE: Final = Statement(f"SELECT min(due_at) FROM payment_tasks WHERE state = '{TaskState.DUE}'")
COUNT_OF_KIND: Final = Statement("SELECT count(*) FROM payment_tasks WHERE payable_id = :payable_id AND kind = :kind")
_REFUND_OF_ORDER: Final = f"payable_id = :payable_id AND kind = '{TaskKind.REFUND}'"
REFUNDS_DUE: Final = Statement(f"""
    SELECT CAST(coalesce(sum(amount), 0) AS bigint) FROM payment_tasks
    WHERE {_REFUND_OF_ORDER} AND state = '{TaskState.DUE}'
""")
REFUNDS_REFUSED: Final = Statement(f"""
    SELECT count(*) FROM payment_tasks WHERE {_REFUND_OF_ORDER} AND state = '{TaskState.REFUSED}'
""")
# A done refund becomes refused if it is returned.
FINISH_REFUND: Final = Statement(f"""
    UPDATE payment_tasks SET state = :new_state, problem = :new_problem
    WHERE id = :task_id AND {_REFUND_OF_ORDER} AND (state = '{TaskState.DUE}'
      OR state = '{TaskState.DONE}' AND CAST(:new_state AS text) = '{TaskState.REFUSED}')
""")
BEING_PAID: Final = Statement(f"""
    SELECT count(*) FROM payment_tasks
    WHERE payable_id = :payable_id AND kind = '{TaskKind.ABANDON}' AND state = '{TaskState.DUE}'
""")
_OPEN_ONE: Final = f"WHERE id = :task_id AND state = '{TaskState.DUE}'"
FINISH: Final = Statement(f"UPDATE payment_tasks SET state = :new_state, problem = :new_problem {_OPEN_ONE}")
POSTPONE: Final = Statement(f"""
    UPDATE payment_tasks SET attempts = attempts + 1, due_at = :new_due_at, problem = :new_problem {_OPEN_ONE}
""")
HASTEN: Final = Statement(f"UPDATE payment_tasks SET due_at = :new_due_at {_OPEN_ONE}")
DROP: Final = Statement(f"DELETE FROM payment_tasks {_OPEN_ONE}")

# Newest first: the last payment attempt counts.
_TAKEN: Final = """
    SELECT provider, reference FROM payments
    WHERE payable_id = :payable_id AND reference IS NOT NULL AND kind IN ('requested', 'authorized')
    ORDER BY entry DESC
"""
PAYMENT_OF_ORDER: Final = Statement(f"{_TAKEN} LIMIT 1")
PAYMENTS_OF_ORDER: Final = Statement(_TAKEN)


def _owing(table: str, owing: str) -> Statement:
    return Statement(f"""
        SELECT {table}.id FROM {table} @sqlite(INDEXED BY {table}_owing)
        WHERE ({owing})
          AND NOT EXISTS (
            SELECT payment_tasks.entry FROM payment_tasks
            WHERE payment_tasks.payable_id = {table}.id
              AND (payment_tasks.state = '{TaskState.DUE}' OR payment_tasks.state = '{TaskState.REFUSED}'))
          AND NOT EXISTS (
            SELECT refunds.entry FROM refunds
            WHERE refunds.payable_id = {table}.id AND refunds.state = '{RefundState.FAILED}')
        LIMIT :limit
    """)


# Read after every commit, nearly always in vain; without this hint SQLite reads every row. Returned refunds are
# repeated by people only.
ORDERS_OWING: Final = _owing("orders", ORDER_OWING_SQL)
BOOKINGS_OWING: Final = _owing("bookings", BOOKING_OWING_SQL)

NOUN: Final = Noun(
    name="payment_tasks",
    tables=(payment_tasks,),
    statements=statements_in(globals()),
    personal={"payment_tasks": Impersonal("actions for providers, by the providers' own ids of payments and cards")},
)

# --- Units of work ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PaymentTask:
    entry: int
    id: str
    payable_id: str | None
    provider: str
    reference: str
    """The provider's id of the payment; empty if only our key is known; for ``forget_card``, of the card and
    customer.
    """
    kind: TaskKind
    amount: Money
    reason: str | None
    attempts: int
    created_at: Timestamp


# --- Writing down -----------------------------------------------------------------------------------------------------


def owe(
    transaction: Transaction,
    payable_id: str,
    owed: Iterable[ProviderAction],
    *,
    currency: str,
    reason: str | None,
    now: Timestamp,
) -> None:
    """Insert tasks for the actions on the order's payment. A payment is captured and voided once."""
    for deed in owed:
        found = transaction.one(PAYMENT_OF_ORDER, payable_id=payable_id)
        if found is None and deed.is_optional:
            continue
        provider, reference = found if found is not None else ("", "")
        _add(
            transaction,
            task_id=_id_of(transaction, payable_id, deed.kind),
            payable_id=payable_id,
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
    payable_id: str,
    provider: str,
    *,
    amount: Money,
    due_at: Timestamp,
    now: Timestamp,
) -> None:
    """Promise to refund, from `due_at` on, what the provider is about to take with `key`.

    Placing the order removes the promise; without it nobody is charged.
    """
    _add(
        transaction,
        task_id=key,
        payable_id=payable_id,
        provider=provider,
        reference="",
        kind=TaskKind.ABANDON,
        amount=amount,
        reason=None,
        due_at=due_at,
        now=now,
    )


def abandon(
    transaction: Transaction, payable_id: str, provider: str, reference: str, *, amount: Money, now: Timestamp
) -> None:
    """Insert a task to refund a payment that the payable does not need. Idempotent."""
    digest = hashlib.blake2b(f"{provider} {reference}".encode(), digest_size=8).hexdigest()
    _add(
        transaction,
        task_id=f"{payable_id}:{TaskKind.ABANDON}:{digest}",
        payable_id=payable_id,
        provider=provider,
        reference=reference,
        kind=TaskKind.ABANDON,
        amount=amount,
        reason=None,
        due_at=now,
        now=now,
    )


def drop(transaction: Transaction, key: str) -> None:
    """Remove a promise."""
    transaction.run(DROP, task_id=key)


def hasten(transaction: Transaction, key: str, now: Timestamp) -> None:
    """Make a promise due now."""
    transaction.run(HASTEN, task_id=key, new_due_at=now)


def forget_card(transaction: Transaction, method_id: str, provider: str, card: SavedCard, now: Timestamp) -> None:
    """Insert a task to delete a saved card at the provider."""
    _add(
        transaction,
        task_id=f"{method_id}:forget",
        payable_id=None,
        provider=provider,
        reference=f"{card.owner} {card.reference}",
        kind=TaskKind.FORGET_CARD,
        amount=Money(0, ""),
        reason=None,
        due_at=now,
        now=now,
    )


def _id_of(transaction: Transaction, payable_id: str, kind: ActionKind) -> str:
    if kind is not ActionKind.REFUND:
        tried = len(set(transaction.all(PAYMENTS_OF_ORDER, payable_id=payable_id)))
        return f"{payable_id}:{kind}" if tried <= 1 else f"{payable_id}:{kind}:{tried}"
    row = transaction.one(COUNT_OF_KIND, payable_id=payable_id, kind=TaskKind.REFUND)
    return f"{payable_id}:{kind}:{row[0] + 1 if row else 1}"


def _add(
    transaction: Transaction,
    *,
    task_id: str,
    payable_id: str | None,
    provider: str,
    reference: str,
    kind: TaskKind,
    amount: Money,
    reason: str | None,
    due_at: Timestamp,
    now: Timestamp,
) -> None:
    transaction.run(
        ADD,
        id=task_id,
        payable_id=payable_id,
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
    """The due tasks, the oldest of each order, as a refund must not overtake its capture. Damaged rows are skipped."""
    limit = TASKS_AT_ONCE_MAX
    while True:
        rows = transaction.all(DUE, now=now, limit=limit)
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
    """Whether the task is open."""
    return transaction.one(BY_ID, id=task_id) is not None


def is_being_paid(transaction: Transaction, payable_id: str) -> bool:
    """Whether a payment of it is being taken or refunded: a promise is open."""
    row = transaction.one(BEING_PAID, payable_id=payable_id)
    return row is not None and row[0] > 0


def next_due(transaction: Transaction) -> Timestamp | None:
    """When the next task is due; None if there is none."""
    row = transaction.one(NEXT_DUE)
    return row[0] if row is not None else None


# --- Ending -----------------------------------------------------------------------------------------------------------


def finish(
    transaction: Transaction, task_id: str, state: TaskState = TaskState.DONE, problem: str | None = None
) -> bool:
    """Close a task; False if it was closed before."""
    changed = transaction.run(FINISH, task_id=task_id, new_state=state, new_problem=problem)
    return changed == 1


def finish_refund(transaction: Transaction, payable_id: str, task_id: str, state: TaskState) -> None:
    """Close a refund's task with the reported state. A done one may still become refused."""
    transaction.run(
        FINISH_REFUND,
        payable_id=payable_id,
        task_id=task_id,
        new_state=state,
        new_problem=_CAME_BACK if state is TaskState.REFUSED else None,
    )


_CAME_BACK: Final = "The refund came back."


def refunds_due(transaction: Transaction, payable_id: str) -> int:
    """The sum of open refund tasks, in minor units."""
    row = transaction.one(REFUNDS_DUE, payable_id=payable_id)
    assert row is not None
    amount: int = row[0]
    return amount


def was_refund_refused(transaction: Transaction, payable_id: str) -> bool:
    """Whether a refund was refused or returned, and needs people."""
    row = transaction.one(REFUNDS_REFUSED, payable_id=payable_id)
    return row is not None and row[0] > 0


def postpone(transaction: Transaction, task_id: str, until: Timestamp, problem: str) -> None:
    """Make it due again at `until`."""
    transaction.run(POSTPONE, task_id=task_id, new_due_at=until, new_problem=problem)
