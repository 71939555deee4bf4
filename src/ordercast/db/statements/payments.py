"""The ledger of payments, what providers are to be asked, where their books differ, and saved cards."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    insert,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy import func as sql
from sqlalchemy import text as sql_text

from ordercast.commerce.payment_flow import RefundState
from ordercast.db import dialects
from ordercast.db.dialects.dialect import Insert
from ordercast.db.orders.table import OWING_SQL
from ordercast.db.schema import (
    orders,
    payment_disputes,
    payment_events,
    payment_methods,
    payment_mismatches,
    payment_tasks,
    payments,
    refunds,
)
from ordercast.db.schema.payments import TO_COMPARE_SQL, Movement, TaskKind, TaskState

from .compiling import ONE, ZERO, Compiler, oldest, to_change

_DUE: Final[ColumnElement[str]] = literal_column(f"'{TaskState.DUE}'")
_DONE: Final[ColumnElement[str]] = literal_column(f"'{TaskState.DONE}'")
_REFUSED: Final[ColumnElement[str]] = literal_column(f"'{TaskState.REFUSED}'")
_BEGINNINGS: Final[tuple[ColumnElement[str], ...]] = tuple(
    literal_column(f"'{kind}'") for kind in (Movement.REQUESTED, Movement.AUTHORIZED)
)
_REFUND: Final[ColumnElement[str]] = literal_column(f"'{TaskKind.REFUND}'")
_TASK: Final = (
    "entry", "id", "order_id", "provider", "reference", "kind", "amount", "currency", "reason", "attempts",
    "created_at",
)  # fmt: skip
_CARD: Final = ("id", "customer_id", "provider", "reference", "owner", "brand", "last4", "created_at")
_MISMATCH: Final = (
    "id", "order_id", "provider", "reference", "kind", "ours", "theirs", "sentence", "created_at", "resolved_at",
    "resolved_by", "note",
)  # fmt: skip


def _values(text: Compiler, table: Table, *names: str) -> Insert:
    return text.dialect.insert(table).values({name: bindparam(name) for name in names})


class LedgerStatements:
    def __init__(self, text: Compiler) -> None:
        self.move = text(
            insert(payments).values(
                {n: bindparam(n) for n in ("order_id", "provider", "reference", "kind", "amount", "currency", "at")}
            )
        )
        self.refund = text(
            _values(
                text, refunds, "order_id", "provider", "reference", "state", "amount", "currency", "reason", "task_id",
                "at",
            ).on_conflict_do_nothing(index_elements=["provider", "reference", "state"])
        )  # fmt: skip
        self.refunds = text(
            select(refunds.c.provider, refunds.c.reference, refunds.c.state, refunds.c.amount, refunds.c.task_id).where(
                refunds.c.order_id == bindparam("order_id")
            )
        )
        self.order_of_payment = text(
            select(payments.c.order_id)
            .where(payments.c.provider == bindparam("provider"), payments.c.reference == bindparam("reference"))
            .limit(ONE)
            .offset(ZERO)
        )
        # The last, where one was tried after another had failed.
        taken = (
            select(payments.c.provider, payments.c.reference)
            .where(
                payments.c.order_id == bindparam("order_id"),
                payments.c.reference.is_not(None),
                payments.c.kind.in_(_BEGINNINGS),
            )
            .order_by(payments.c.entry.desc())
        )
        self.payment_of_order = text(taken.limit(ONE).offset(ZERO))
        self.payments_of_order = text(taken)
        opened = _values(text, payment_disputes, "provider", "reference", "order_id", "state", "at")
        self.open_dispute = text(opened.on_conflict_do_nothing())
        # What was decided stays decided, even if its opening is heard afterwards.
        self.close_dispute = text(
            opened.on_conflict_do_update(
                index_elements=["provider", "reference"], set_={"state": opened.excluded.state}
            )
        )
        self.disputes = text(
            select(payment_disputes.c.state).where(payment_disputes.c.order_id == bindparam("order_id"))
        )
        self.note_event = text(
            _values(
                text, payment_events, "provider", "event_id", "kind", "order_id", "received_at"
            ).on_conflict_do_nothing()
        )
        self.forget_old_events = text(oldest(payment_events, payment_events.c.received_at))
        changes: dict[str, ColumnElement[Any]] = {
            name: bindparam(f"new_{name}")
            for name in ("payment_status", "captured", "refunded", "refunding", "actor", "reason", "updated_at")
        } | {"version": orders.c.version + ONE}
        of_id = orders.c.id == bindparam("order_id")
        self.change_order = text(update(orders).values(changes).where(of_id))
        pays = changes | {"payment_info": bindparam("new_payment_info")}
        self.pay_order = text(update(orders).values(pays).where(of_id))
        # What the sweeper looks at: payments that a provider holds, and orders on which nothing is being asked.
        unasked = not_(
            select(payment_tasks.c.entry)
            .where(payment_tasks.c.order_id == payments.c.order_id, payment_tasks.c.state == _DUE)
            .exists()
        )
        later = payments.alias("later")
        is_last = not_(
            select(later.c.entry)
            .where(
                later.c.order_id == payments.c.order_id,
                later.c.entry > payments.c.entry,
                later.c.kind.in_(_BEGINNINGS),
                later.c.reference != payments.c.reference,
            )
            .exists()
        )
        self.to_compare = text(
            select(
                payments.c.at, payments.c.entry, payments.c.order_id, payments.c.provider, payments.c.reference,
                orders.c.version, orders.c.payment_status, orders.c.total, orders.c.captured, orders.c.refunded,
                orders.c.refunding, orders.c.currency,
            )
            .select_from(payments.join(orders, orders.c.id == payments.c.order_id))
            .where(
                tuple_(payments.c.at, payments.c.entry) > tuple_(bindparam("after_at"), bindparam("after_entry")),
                # As the index has it, word for word: SQLite uses a partial one only then.
                literal_column(TO_COMPARE_SQL),
                unasked,
                is_last,
            )
            .order_by(payments.c.at, payments.c.entry)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )  # fmt: skip


class PaymentTaskStatements:
    def __init__(self, text: Compiler) -> None:
        self.add = text(
            _values(
                text, payment_tasks, "id", "order_id", "provider", "reference", "kind", "amount", "currency", "reason",
                "due_at", "created_at",
            ).on_conflict_do_nothing(index_elements=["id"])
        )  # fmt: skip
        self.count_of_kind = text(
            select(sql.count()).where(
                payment_tasks.c.order_id == bindparam("order_id"), payment_tasks.c.kind == bindparam("kind")
            )
        )
        # One after another for each order: a refund waits for the capture before it.
        earlier = payment_tasks.alias("earlier")
        first = not_(
            select(earlier.c.entry)
            .where(
                earlier.c.order_id == payment_tasks.c.order_id,
                earlier.c.state == _DUE,
                earlier.c.entry < payment_tasks.c.entry,
            )
            .exists()
        )
        self.due = text(
            select(*(payment_tasks.c[name] for name in _TASK))
            .where(payment_tasks.c.state == _DUE, payment_tasks.c.due_at <= bindparam("now"), first)
            .order_by(payment_tasks.c.due_at)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        self.by_id = text(
            to_change(
                select(*(payment_tasks.c[name] for name in _TASK)).where(
                    payment_tasks.c.id == bindparam("id"), payment_tasks.c.state == _DUE
                )
            )
        )
        self.next_due = text(select(sql.min(payment_tasks.c.due_at)).where(payment_tasks.c.state == _DUE))
        of_order = and_(payment_tasks.c.order_id == bindparam("order_id"), payment_tasks.c.kind == _REFUND)
        self.refunds_due = text(
            select(cast(sql.coalesce(sql.sum(payment_tasks.c.amount), ZERO), BigInteger)).where(
                of_order, payment_tasks.c.state == _DUE
            )
        )
        self.refunds_refused = text(select(sql.count()).where(of_order, payment_tasks.c.state == _REFUSED))
        # One that was carried out is refused after all where its refund comes back.
        self.finish_refund = text(
            update(payment_tasks)
            .values(state=bindparam("new_state"), problem=bindparam("new_problem"))
            .where(
                payment_tasks.c.id == bindparam("task_id"),
                of_order,
                or_(
                    payment_tasks.c.state == _DUE,
                    and_(payment_tasks.c.state == _DONE, cast(bindparam("new_state"), Text) == _REFUSED),
                ),
            )
        )
        open_one = and_(payment_tasks.c.id == bindparam("task_id"), payment_tasks.c.state == _DUE)
        self.finish = text(
            update(payment_tasks).values(state=bindparam("new_state"), problem=bindparam("new_problem")).where(open_one)
        )
        self.postpone = text(
            update(payment_tasks)
            .values(
                attempts=payment_tasks.c.attempts + ONE,
                due_at=bindparam("new_due_at"),
                problem=bindparam("new_problem"),
            )
            .where(open_one)
        )
        self.hasten = text(update(payment_tasks).values(due_at=bindparam("new_due_at")).where(open_one))
        self.drop = text(payment_tasks.delete().where(open_one))
        # Asked after every commit, and nearly always for nothing: SQLite's planner, left alone, reads every order.
        order_id: ColumnElement[str] = literal_column("orders.id", Text)
        along_index = "orders INDEXED BY orders_owing"
        unsettled = (
            select(payment_tasks.c.entry)
            .where(
                payment_tasks.c.order_id == order_id,
                or_(payment_tasks.c.state == _DUE, payment_tasks.c.state == _REFUSED),
            )
            .exists()
        )
        # What came back is asked for again by somebody, or by nobody.
        came_back = (
            select(refunds.c.entry)
            .where(refunds.c.order_id == order_id, refunds.c.state == literal_column(f"'{RefundState.FAILED}'"))
            .exists()
        )
        self.owing = text(
            select(order_id)
            .select_from(sql_text(along_index) if text.dialect is dialects.SQLITE else orders)
            .where(literal_column(f"({OWING_SQL})"), not_(unsettled), not_(came_back))
            .limit(bindparam("limit"))
            .offset(ZERO)
        )


class MismatchStatements:
    def __init__(self, text: Compiler) -> None:
        self.add = text(
            _values(
                text, payment_mismatches, "order_id", "provider", "reference", "kind", "ours", "theirs", "sentence",
                "actor", "created_at",
            )
            .on_conflict_do_nothing()
            .returning(payment_mismatches.c.id)
        )  # fmt: skip
        found = select(*(payment_mismatches.c[name] for name in _MISMATCH))
        self.by_id = text(found.where(payment_mismatches.c.id == bindparam("id")))
        newest = (
            found.where(payment_mismatches.c.id < bindparam("before"))
            .order_by(payment_mismatches.c.id.desc())
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        self.before = text(newest)
        self.open_before = text(newest.where(payment_mismatches.c.resolved_at.is_(None)))
        self.open_of_order = text(
            select(payment_mismatches.c.id, payment_mismatches.c.kind).where(
                payment_mismatches.c.order_id == bindparam("order_id"), payment_mismatches.c.resolved_at.is_(None)
            )
        )
        self.resolve = text(
            update(payment_mismatches)
            .values(
                resolved_at=bindparam("at"), resolved_by=bindparam("by"), note=bindparam("new_note"),
                actor=bindparam("by"),
            )
            .where(payment_mismatches.c.id == bindparam("mismatch_id"), payment_mismatches.c.resolved_at.is_(None))
        )  # fmt: skip


class CardStatements:
    def __init__(self, text: Compiler) -> None:
        self.add = text(
            _values(text, payment_methods, *_CARD[1:]).on_conflict_do_nothing().returning(payment_methods.c.id)
        )
        cards = select(*(payment_methods.c[name] for name in _CARD)).where(
            payment_methods.c.customer_id == bindparam("customer_id")
        )
        self.of_customer = text(cards.order_by(payment_methods.c.id).limit(bindparam("limit")).offset(ZERO))
        self.one = text(cards.where(payment_methods.c.id == bindparam("id")))
        self.remove = text(
            payment_methods.delete().where(
                payment_methods.c.id == bindparam("id"), payment_methods.c.customer_id == bindparam("customer_id")
            )
        )
