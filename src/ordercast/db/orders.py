"""Units of work on orders: load, decide, write. Each runs inside one transaction and awaits nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import msgspec

from ordercast.commerce.catalogue import Product
from ordercast.commerce.errors import InvalidField, NotFound, OutOfStock
from ordercast.commerce.ids import CustomerId, OrderId
from ordercast.commerce.moments import Moment
from ordercast.commerce.orders import PaymentInfo, PlaceOrder
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.placing import OrderPlaced, Shop, place_order
from ordercast.commerce.sandbox import PaymentTaken
from ordercast.commerce.states import Fulfilment, OrderState, OrderStatus, PaymentStatus, resolve_status
from ordercast.commerce.status_flow import StatusChanged, Unchanged, decide_assignment, decide_status_change

from . import drivers
from .statements import Statements
from .transaction import Transaction

_ENCODE: Final = msgspec.json.Encoder().encode
_PAYMENT: Final = msgspec.json.Decoder(PaymentInfo)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """All that placing an order needs and the database does not know."""

    command: PlaceOrder
    order_id: OrderId
    customer_id: CustomerId
    """A fresh id for a guest who is new here; the signed-in customer's own."""
    tracking_hash: bytes | None
    actor: Actor
    payment: PaymentTaken
    shop: Shop
    now: Moment


# --- Placing ----------------------------------------------------------------------------------------------------------


def place(transaction: Transaction, new: NewOrder) -> bytes:
    """Place an order and answer it as JSON. Raises what ``commerce.placing.place_order`` does, and OutOfStock."""
    products = _products(transaction, new.command)
    placed = place_order(
        new.command,
        products,
        new.shop,
        new.payment,
        order_id=new.order_id,
        customer_id=_customer(transaction, new),
        actor=new.actor,
        now=new.now,
    )
    _reserve(transaction, placed)
    number = _insert(transaction, placed, new.tracking_hash)
    _insert_lines(transaction, placed, number)
    return newest_document(transaction)


def _products(transaction: Transaction, command: PlaceOrder) -> dict[str, Product]:
    found: dict[str, Product] = {}
    for product_id in {item.product_id for item in command.cart_items}:
        row = transaction.one(transaction.sql.products.by_id, id=product_id)
        if row is not None:
            found[product_id] = Product(*row)
    return found


def _customer(transaction: Transaction, new: NewOrder) -> CustomerId:
    if new.actor.role is Role.CUSTOMER:
        return CustomerId(new.actor.id)
    info = new.command.customer_info
    row = transaction.one(
        transaction.sql.people.upsert_guest,
        id=new.customer_id,
        email=info.email.lower(),
        name=info.name,
        mobile=info.mobile,
        created_at=new.now,
    )
    return CustomerId(row[0]) if row is not None else new.customer_id


def _reserve(transaction: Transaction, placed: OrderPlaced) -> None:
    for index, line in enumerate(placed.priced.lines):
        values = {"product_id": line.product_id, "quantity": line.quantity}
        if transaction.run(transaction.sql.products.reserve, **values) == 0:
            row = transaction.one(transaction.sql.products.by_id, id=line.product_id)
            left = Product(*row).stock if row is not None else 0
            raise OutOfStock(index, line.name, line.quantity, left)


def _insert(transaction: Transaction, placed: OrderPlaced, tracking_hash: bytes | None) -> int:
    command, priced, info = placed.command, placed.priced, placed.command.customer_info
    return transaction.insert(
        transaction.sql.orders.insert,
        id=placed.id,
        payment_status=placed.payment.status,
        fulfilment=command.fulfilment,
        subtotal=priced.subtotal,
        tax=priced.tax,
        shipping_fee=priced.shipping_fee,
        discount=priced.discount,
        total=priced.total,
        currency=priced.currency,
        customer_id=placed.customer_id,
        customer_name=info.name,
        customer_email=info.email,
        customer_mobile=info.mobile,
        billing_info=_ENCODE(command.billing_info).decode(),
        shipping_info=None if command.shipping_info is None else _ENCODE(command.shipping_info).decode(),
        cart_items=_ENCODE(priced.lines).decode(),
        payment_info=_ENCODE(placed.payment.info).decode(),
        tracking_hash=tracking_hash,
        actor=str(placed.actor),
        created_at=placed.at,
        updated_at=placed.at,
    )


def _insert_lines(transaction: Transaction, placed: OrderPlaced, number: int) -> None:
    transaction.many(
        transaction.sql.orders.insert_line,
        [
            {
                "order_number": number,
                "position": position,
                "product_id": line.product_id,
                "quantity": line.quantity,
                "unit_price": line.unit_price,
                "line_total": line.line_total,
                "tax": line.tax,
                "reserved": 1,
            }
            for position, line in enumerate(placed.priced.lines)
        ],
    )


# --- Changing ---------------------------------------------------------------------------------------------------------


def change_status(
    transaction: Transaction,
    order_id: str,
    name: str,
    actor: Actor,
    *,
    reason: str | None,
    expected_version: int | None,
    now: Moment,
) -> bytes:
    """Move an order to the status called `name`, a former name too, and answer it as JSON.

    Raises NotFound for an order that the actor may not know of, and what ``decide_status_change`` does.
    """
    state, _number = load_state(transaction, order_id, actor)
    target = resolve_status(name, state.fulfilment)
    decision = decide_status_change(state, target, actor, reason=reason, expected_version=expected_version, now=now)
    return _carried_out(transaction, decision)


def assign_driver(
    transaction: Transaction, order_id: str, driver_id: str, actor: Actor, *, expected_version: int, now: Moment
) -> bytes:
    """Give an order to a driver and answer it as JSON. Raises NotFound, InvalidField for one who is no active driver,
    and what ``decide_assignment`` does.
    """
    state, _number = load_state(transaction, order_id, actor)
    driver = drivers.find(transaction, driver_id)
    decision = decide_assignment(state, driver_id, actor, expected_version=expected_version, now=now)
    if driver is None or not driver.active:
        raise InvalidField("driverId", "There is no such driver who is active.")
    return _carried_out(transaction, decision)


def _carried_out(transaction: Transaction, decision: StatusChanged | Unchanged) -> bytes:
    if isinstance(decision, StatusChanged):
        _save_change(transaction, decision)
        return newest_document(transaction)
    document = order_document(transaction, decision.order.id)
    if document is None:
        raise NotFound("order")
    return document


def _save_change(transaction: Transaction, decision: StatusChanged) -> None:
    transaction.run(
        transaction.sql.orders.change_status,
        order_id=decision.before.id,
        new_status=decision.status,
        new_payment_status=decision.payment_status,
        new_held_from=decision.held_from,
        new_driver_id=decision.driver_id,
        new_attempts=decision.attempts,
        new_actor=str(decision.actor),
        new_reason=decision.reason,
        new_updated_at=decision.at,
    )


# --- Looking ----------------------------------------------------------------------------------------------------------


def load_state(transaction: Transaction, order_id: str, actor: Actor) -> tuple[OrderState, int]:
    """What decisions look at, and the order's number. Raises NotFound, also where `actor` may not know of it."""
    row = transaction.one(transaction.sql.orders.state, id=order_id)
    if row is None:
        raise NotFound("order")
    id_, status, payment, payment_info, fulfilment, version, held_from, driver_id, customer_id, attempts = row[:10]
    changed_by, changed_at, number = row[10:]
    state = OrderState(
        OrderId(id_),
        OrderStatus(status),
        PaymentStatus(payment),
        _PAYMENT.decode(payment_info).method,
        Fulfilment(fulfilment),
        version,
        held_from=None if held_from is None else OrderStatus(held_from),
        driver_id=driver_id,
        customer_id=customer_id,
        attempts=attempts,
        changed_by=changed_by,
        changed_at=changed_at,
    )
    if not may_know(actor, customer_id, driver_id, status):
        raise NotFound("order")
    return state, number


def may_know(actor: Actor, customer_id: str | None, driver_id: str | None, status: str) -> bool:
    """Whether `actor` may see such an order: the shop all, customers their own, drivers those they carry or could
    take. A guest is known by a tracking token, which names the order itself, and passes elsewhere.
    """
    match actor.role:
        case Role.ADMIN | Role.STORE | Role.SERVICE:
            return True
        case Role.CUSTOMER:
            return bool(actor.id) and actor.id == customer_id
        case Role.DRIVER:
            return driver_id == actor.id or (driver_id is None and status == OrderStatus.READY_FOR_DELIVERY)
        case Role.GUEST:
            return False


def order_document(transaction: Transaction, order_id: str, actor: Actor | None = None) -> bytes | None:
    """The whole order as JSON; None where there is none, or none that `actor` may know of."""
    row = transaction.one(transaction.sql.orders.document, id=order_id)
    if row is None or (actor is not None and not may_know(actor, *row[1:])):
        return None
    document: str = row[0]
    return document.encode()


def newest_document(transaction: Transaction) -> bytes:
    """The order that this unit has just written, as the trigger told it to the feed."""
    row = transaction.one(transaction.sql.feed.newest_document)
    if row is None:
        raise RuntimeError("a change was written, and no trigger told of it")
    document: str = row[0]
    return document.encode()


def page(
    transaction: Transaction, actor: Actor, *, before: int, limit: int, statuses: Collection[OrderStatus]
) -> tuple[list[tuple[int, str]], int]:
    """The newest orders that `actor` may know of, below the number `before` and in one of `statuses` (all if empty):
    their numbers and JSON documents; and the feed's newest number, read from the same snapshot.
    """
    rows = [
        row
        for statement, values in _lists(transaction.sql, actor, statuses)
        for row in transaction.all(statement, before=before, limit=limit, **values)
    ]
    rows.sort(key=itemgetter(0), reverse=True)
    newest = transaction.one(transaction.sql.feed.newest_seq)
    return [(number, document) for number, document in rows[:limit]], (newest[0] or 0) if newest else 0


def _lists(sql: Statements, actor: Actor, statuses: Collection[OrderStatus]) -> Iterator[tuple[str, dict[str, str]]]:
    """The lists, disjoint and each newest first, that together are what `actor` may know of."""
    match actor.role:
        case Role.CUSTOMER:
            whose = {"customer_id": actor.id}
            every, one = sql.orders.of_customer_before, sql.orders.of_customer_with_status_before
        case Role.DRIVER:
            whose = {"driver_id": actor.id}
            every, one = sql.orders.of_driver_before, sql.orders.of_driver_with_status_before
            if not statuses or OrderStatus.READY_FOR_DELIVERY in statuses:
                yield sql.orders.to_take_before, {}
        case _:
            whose = {}
            every, one = sql.orders.before, sql.orders.with_status_before
    if not statuses:
        yield every, whose
    for status in statuses:
        yield one, {**whose, "status": status}


def history(transaction: Transaction, order_id: str) -> list[tuple[Any, ...]]:
    """Every move, oldest first, in the order of ``statements._HISTORY``."""
    return transaction.all(transaction.sql.orders.history, order_id=order_id)
