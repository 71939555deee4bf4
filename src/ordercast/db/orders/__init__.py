"""Units of work on orders that stand: load, decide, write. Each runs inside one transaction and awaits nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from operator import itemgetter
from typing import Any, Final

import msgspec

from ordercast.commerce.deliveries import DeliveryRules, Handover
from ordercast.commerce.errors import InvalidField, LivesElsewhere, NotFound
from ordercast.commerce.ids import OrderId
from ordercast.commerce.orders import PaymentInfo
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.promised_time import UNSAID, Preparation
from ordercast.commerce.states import Fulfilment, OrderState, OrderStatus, PaymentStatus, resolve_status
from ordercast.commerce.status_flow import (
    StatusChanged,
    Unchanged,
    decide_assignment,
    decide_promise,
    decide_status_change,
)
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import drivers, feed, ledger, mails, mirrored
from ordercast.db.deliveries import choose_nearest, settle
from ordercast.db.documents import Documents
from ordercast.db.lenient_json import read_json
from ordercast.db.noun import ERASED_ACTOR, THEIR_ORDERS, Impersonal, Noun, PersonalData
from ordercast.db.statement import Statement, statements_in
from ordercast.db.transaction import Transaction

from . import statements
from .table import order_history, order_lines, orders
from .triggers import TRIGGERS

TRACKING: Final = statements.TRACKING

NOUN: Final = Noun(
    name="orders",
    tables=(orders, order_lines, order_history),
    statements=statements_in(vars(statements)),
    triggers=TRIGGERS,
    personal={
        # What was bought and paid stays: the shop's books are kept by law, and stock and statistics are made of it.
        "orders": PersonalData(
            "customer_id = :customer_id",
            (
                "id", "number", "status", "payment_status", "fulfilment", "subtotal", "tax", "shipping_fee",
                "discount", "promo_code", "total", "captured", "refunded", "currency", "customer_id", "customer_name",
                "customer_email", "customer_mobile", "billing_info", "shipping_info", "cart_items", "payment_info",
                "created_at", "updated_at",
            ),
            {
                "customer_name": "NULL",
                "customer_email": "NULL",
                "customer_mobile": "NULL",
                "billing_info": "NULL",
                "shipping_info": "NULL",
                "cart_items": "@lines_without_notes(cart_items)",
                "payment_info": "@json_object('method', @json_member(payment_info, method))",
                "tracking_hash": "NULL",
                "placed_from": "NULL",
                "version": "version + 1",
                "actor": ":actor",
                "reason": "'The personal data was erased.'",
                "updated_at": ":now",
            },
            touched="(customer_name IS NOT NULL OR customer_email IS NOT NULL OR customer_mobile IS NOT NULL"
            " OR billing_info IS NOT NULL OR shipping_info IS NOT NULL OR @contains(cart_items, '\"note\"'))",
            key="number",
            identifies=True,
        ),
        "order_lines": Impersonal("goods and sums of an order"),
        # Only the customer's own actions; notes of staff are theirs to write with care.
        "order_history": PersonalData(
            THEIR_ORDERS,
            (
                "order_id", "version", "from_status", "to_status", "from_payment_status", "to_payment_status",
                "reason", "at",
            ),
            {"actor": f"'{ERASED_ACTOR}'", "reason": "NULL"},
            # A guest has called their own off, by its tracking token.
            touched=f"(actor = 'customer:' || CAST(:customer_id AS TEXT) OR actor = '{Role.GUEST}')",
        ),
    },
)  # fmt: skip

NO_HANDOVER: Final = Handover()
_SOMEBODY: Final = "somebody"


# --- Changing ---------------------------------------------------------------------------------------------------------


def change_status(
    transaction: Transaction,
    order_id: str,
    name: str,
    actor: Actor,
    *,
    reason: str | None,
    expected_version: int | None,
    now: Timestamp,
    handover: Handover = NO_HANDOVER,
    preparation: Preparation = UNSAID,
    by_token: bool = False,
) -> bytes:
    """Move an order to the status called `name`, a former name too, and answer it as JSON. `by_token` says that its
    tracking token was shown.

    Raises NotFound for an order that the actor may not know of, and what ``decide_status_change`` and
    ``check_handover`` do.
    """
    state = load_state(transaction, order_id, actor, by_token=by_token)
    target = resolve_status(name, state.fulfilment)
    decision = decide_status_change(
        state, target, actor, reason=reason, expected_version=expected_version, now=now, preparation=preparation
    )
    return _save_decision(transaction, decision, handover)


def assign_driver(
    transaction: Transaction,
    order_id: str,
    driver_id: str | None,
    actor: Actor,
    *,
    expected_version: int,
    now: Timestamp,
    rules: DeliveryRules,
) -> bytes:
    """Give an order to a driver, or with None to the nearest who is free, and answer it as JSON.

    Raises NotFound, InvalidField for one who is no active driver, NoDriverFree, and what ``decide_assignment`` does.
    """
    state = load_state(transaction, order_id, actor)
    if driver_id is None:
        # First whether it may be assigned at all, then to whom.
        decide_assignment(state, _SOMEBODY, actor, expected_version=expected_version, now=now)
        driver_id = choose_nearest(transaction, state, rules, now, actor)
    driver = drivers.find(transaction, driver_id)
    decision = decide_assignment(state, driver_id, actor, expected_version=expected_version, now=now)
    if driver is None or not driver.active:
        raise InvalidField("driverId", "There is no such driver who is active.")
    return _save_decision(transaction, decision, Handover(rules))


def change_promise(
    transaction: Transaction,
    order_id: str,
    minutes: int,
    actor: Actor,
    *,
    reason: str,
    expected_version: int,
    now: Timestamp,
) -> bytes:
    """Promise that an order will be ready `minutes` from now, and answer it as JSON. Raises NotFound, and what
    ``decide_promise`` does.
    """
    state = load_state(transaction, order_id, actor)
    decided = decide_promise(state, minutes, actor, reason=reason, expected_version=expected_version, now=now)
    transaction.run(
        statements.CHANGE_PROMISE,
        order_id=order_id,
        new_promised_at=decided.promised_at,
        new_actor=str(decided.actor),
        new_reason=decided.reason,
        new_updated_at=decided.at,
    )
    mails.owe_promise(transaction, order_id, decided.promised_at, now)
    return newest_document(transaction, order_id)


def _save_decision(transaction: Transaction, decision: StatusChanged | Unchanged, handover: Handover) -> bytes:
    if isinstance(decision, StatusChanged):
        _save_change(transaction, decision, settle(transaction, decision, handover))
        return newest_document(transaction, decision.before.id)
    document = order_document(transaction, decision.order.id)
    if document is None:
        raise NotFound("order")
    return document


def _save_change(transaction: Transaction, decision: StatusChanged, eta_at: Timestamp | None) -> None:
    transaction.run(
        statements.CHANGE_STATUS,
        order_id=decision.before.id,
        new_status=decision.status,
        new_payment_status=decision.payment.status,
        new_captured=decision.payment.captured,
        new_refunded=decision.payment.refunded,
        new_refunding=decision.payment.refunding,
        new_held_from=decision.held_from,
        new_driver_id=decision.driver_id,
        new_attempts=decision.attempts,
        new_eta_at=eta_at,
        new_actor=str(decision.actor),
        new_reason=decision.reason,
        new_updated_at=decision.at,
        moved_at=decision.at if decision.status is not decision.before.status else None,
        new_promised_at=decision.promised_at,
    )
    ledger.follow(transaction, decision)
    if decision.promised_at is not None:
        mails.owe_promise(transaction, decision.before.id, decision.promised_at, decision.at)


# --- Looking ----------------------------------------------------------------------------------------------------------


def load_state(transaction: Transaction, order_id: str, actor: Actor, *, by_token: bool = False) -> OrderState:
    """What decisions look at, and what nobody else changes before this unit's commit. Raises NotFound, also where
    `actor` may not know of it, LivesElsewhere, and DamagedRow.
    """
    row = transaction.one(statements.STATE, id=order_id)
    if row is None:
        if order_document(transaction, order_id, None if by_token else actor) is not None:
            raise LivesElsewhere
        raise NotFound("order")
    state = transaction.decoded(row, _state_of, "orders")
    if not by_token and not may_know(actor, state.customer_id, state.driver_id, state.status):
        raise NotFound("order")
    return state


def _state_of(row: tuple[Any, ...]) -> OrderState:
    id_, status, payment, payment_info, *rest = msgspec.convert(row, _StateRow)
    method = msgspec.convert(read_json(payment_info), PaymentInfo).method
    fulfilment, version, held_from, driver_id, customer_id, attempts, changed_by, changed_at, *sums = rest
    total, captured, refunded, refunding, currency, requested_time = sums
    return OrderState(
        OrderId(id_),
        status,
        payment,
        method,
        fulfilment,
        version,
        held_from=held_from,
        driver_id=driver_id,
        customer_id=customer_id,
        attempts=attempts,
        changed_by=changed_by,
        changed_at=changed_at,
        total=total,
        captured=captured,
        refunded=refunded,
        refunding=refunding,
        currency=currency,
        requested_time=requested_time,
    )


_StateRow = tuple[
    str, OrderStatus, PaymentStatus, str, Fulfilment, int, OrderStatus | None, str | None, str | None, int, str, str,
    int, int, int, int, str, Timestamp | None,
]  # fmt: skip


def may_know(actor: Actor, customer_id: str | None, driver_id: str | None, status: str) -> bool:
    """Whether `actor` may know of such an order: the shop of all, customers of their own, drivers of those they have or
    could take. What they see of it, `commerce.masking` says. A guest is known by a tracking token, which names the
    order itself, and passes elsewhere.
    """
    match actor.role:
        case Role.ADMIN | Role.STORE | Role.SERVICE:
            return True
        case Role.CUSTOMER:
            return bool(actor.id) and actor.id == customer_id
        case Role.DRIVER:
            return driver_id == actor.id or _is_offered(driver_id, status)
        case Role.CARER | Role.GUEST:
            return False


def _may_see(
    transaction: Transaction, actor: Actor, customer_id: str | None, driver_id: str | None, status: str
) -> bool:
    """Whether `actor` sees the order in lists: unassigned ones only drivers on duty. A driver who learned of one may
    take it all the same, and so begin.
    """
    if not may_know(actor, customer_id, driver_id, status):
        return False
    if actor.role is Role.DRIVER and _is_offered(driver_id, status):
        return drivers.is_on_duty(transaction, actor.id)
    return True


def _is_offered(driver_id: str | None, status: str) -> bool:
    return driver_id is None and status == OrderStatus.READY_FOR_DELIVERY


def order_document(transaction: Transaction, order_id: str, actor: Actor | None = None) -> bytes | None:
    """The whole order as JSON, also of one that lives elsewhere; None where there is none, or none that `actor` may
    know of.
    """
    row = transaction.one(statements.DOCUMENT, id=order_id)
    if row is None:
        row = transaction.one(mirrored.DOCUMENT, id=order_id)
    if row is None or (actor is not None and not _may_see(transaction, actor, *row[1:])):
        return None
    return transaction.decoded(row, DOCUMENTS.sound, "orders", order_id)


class _Sound(msgspec.Struct, rename="camel"):
    """As much of an order's document as a page reckons with: with another shape, it is left out of every list."""

    id: str
    number: int
    status: str
    payment_status: str
    total: int | None
    customer_info: dict[str, Any]
    cart_items: list[msgspec.Raw]


DOCUMENTS: Final = Documents("orders", _Sound)


def newest_document(transaction: Transaction, order_id: str) -> bytes:
    """The order that this unit wrote, from its feed row. Raises FeedRowMissing."""
    return feed.newest_document(transaction, order_id).encode()


def page(
    transaction: Transaction,
    actor: Actor,
    *,
    cursor: int,
    limit: int,
    statuses: Collection[OrderStatus] | None,
    oldest_first: bool = False,
) -> tuple[list[tuple[int, str | None]], int]:
    """The newest orders that `actor` may know of, below the number `cursor` and in one of `statuses` (all if None):
    their numbers and JSON documents, None for one that cannot be read; and the feed's newest number, read from the same
    snapshot. Orders that live elsewhere come first, by numbers of their own. With `oldest_first` all of it the other
    way round: the oldest above `cursor`.
    """
    # Visible unnumbered changes get a higher number: at worst repeated, never missed.
    rows = [
        row
        for statement, values in _lists(transaction, actor, statuses, oldest_first)
        for row in transaction.all(statement, cursor=cursor, limit=limit, **values)
    ]
    rows.sort(key=itemgetter(0), reverse=not oldest_first)
    return DOCUMENTS.listed(transaction, rows[:limit]), feed.newest_seq(transaction)


def _lists(
    transaction: Transaction, actor: Actor, statuses: Collection[OrderStatus] | None, oldest_first: bool
) -> Iterator[tuple[Statement, dict[str, str]]]:
    """The lists, disjoint and each in the order wanted, that together are what `actor` may know of."""
    takes = actor.role is Role.DRIVER and (statuses is None or OrderStatus.READY_FOR_DELIVERY in statuses)
    if takes and drivers.is_on_duty(transaction, actor.id):
        yield statements.TO_TAKE_AFTER if oldest_first else statements.TO_TAKE_BEFORE, {}
    for of in (statements, mirrored):
        match actor.role:
            case Role.CUSTOMER:
                whose = {"customer_id": actor.id}
                newest = of.OF_CUSTOMER_BEFORE, of.OF_CUSTOMER_WITH_STATUS_BEFORE
                oldest = of.OF_CUSTOMER_AFTER, of.OF_CUSTOMER_WITH_STATUS_AFTER
            case Role.DRIVER:
                whose = {"driver_id": actor.id}
                newest = of.OF_DRIVER_BEFORE, of.OF_DRIVER_WITH_STATUS_BEFORE
                oldest = of.OF_DRIVER_AFTER, of.OF_DRIVER_WITH_STATUS_AFTER
            case Role.CARER | Role.GUEST:
                return
            case Role.ADMIN | Role.STORE | Role.SERVICE:
                whose = {}
                newest = of.BEFORE, of.WITH_STATUS_BEFORE
                oldest = of.AFTER, of.WITH_STATUS_AFTER
        every, one = oldest if oldest_first else newest
        if statuses is None:
            yield every, whose
        for status in statuses or ():
            yield one, {**whose, "status": status}


def history(transaction: Transaction, order_id: str, *, after: int, limit: int) -> list[tuple[Any, ...]]:
    """The next moves behind the entry `after`, oldest first: each as ``statements.HISTORY`` has it."""
    return transaction.all(statements.HISTORY, order_id=order_id, after=after, limit=limit)
