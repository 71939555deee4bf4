"""Payables, orders or bookings, as the ledger needs them: found by id, payment saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ordercast.commerce.booking_flow import allowed_moves
from ordercast.commerce.booking_states import BookingState
from ordercast.commerce.payables import PayableState
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.states import PaymentState
from ordercast.commerce.status_flow import allowed_next
from ordercast.commerce.timestamps import Timestamp

from . import bookings, orders
from .noun import Noun
from .statement import Statement, statements_in
from .transaction import Transaction
from .types import Row, rows_of_booking, rows_of_order

PAYMENTS: Final = Actor(Role.SERVICE, "payments")

# --- Statements -------------------------------------------------------------------------------------------------------

_CHANGED: Final = """payment_status = :new_payment_status, version = version + 1, captured = :new_captured,
      refunded = :new_refunded, refunding = :new_refunding, actor = :new_actor, reason = :new_reason,
      updated_at = :new_updated_at"""
CHANGE_ORDER: Final = Statement(f"UPDATE orders SET {_CHANGED} WHERE id = :payable_id")
PAY_ORDER: Final = Statement(f"UPDATE orders SET {_CHANGED}, payment_info = :new_payment_info WHERE id = :payable_id")
CHANGE_BOOKING: Final = Statement(f"UPDATE bookings SET {_CHANGED} WHERE id = :payable_id")
PAY_BOOKING: Final = Statement(
    f"UPDATE bookings SET {_CHANGED}, payment_info = :new_payment_info WHERE id = :payable_id"
)
FIND: Final = Statement("""
    SELECT 'order', number, version, total, currency FROM orders WHERE id = :id
    UNION ALL SELECT 'booking', number, version, total, currency FROM bookings WHERE id = :id
""")

NOUN: Final = Noun(name="payables", statements=statements_in(globals()))


# --- Units of work ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Payable:
    """A payable; `number` is for people, `total` in minor units of `currency`."""

    noun: str
    number: int
    version: int
    total: int
    currency: str


def find(transaction: Transaction, payable_id: str) -> Payable | None:
    """Find an order or booking by id."""
    row = transaction.one(FIND, id=payable_id)
    return None if row is None else Payable(*row)


def load(transaction: Transaction, payable_id: str, actor: Actor = PAYMENTS) -> PayableState:
    """As ``orders.load_state`` or ``bookings.load_state``, by the kind of payable."""
    found = find(transaction, payable_id)
    if found is not None and found.noun == BookingState.noun:
        return bookings.load_state(transaction, payable_id, actor)
    return orders.load_state(transaction, payable_id, actor)


def save(
    transaction: Transaction,
    state: PayableState,
    payment: PaymentState,
    actor: Actor,
    *,
    reason: str | None,
    now: Timestamp,
    info: str | None = None,
) -> None:
    """Save the payment's state and, with `info`, its method."""
    change, pay = (CHANGE_BOOKING, PAY_BOOKING) if isinstance(state, BookingState) else (CHANGE_ORDER, PAY_ORDER)
    transaction.run(
        change if info is None else pay,
        **({} if info is None else {"new_payment_info": info}),
        payable_id=state.id,
        new_payment_status=payment.status,
        new_captured=payment.captured,
        new_refunded=payment.refunded,
        new_refunding=payment.refunding,
        new_actor=str(actor),
        new_reason=reason,
        new_updated_at=now,
    )


def document(transaction: Transaction, state: PayableState) -> bytes:
    """The payable as this unit saved it, as JSON. Raises FeedRowMissing."""
    if isinstance(state, BookingState):
        return bookings.newest_document(transaction, state.id)
    return orders.newest_document(transaction, state.id)


def allowed(state: PayableState, actor: Actor, now: Timestamp) -> Sequence[StrEnum]:
    """The statuses to which `actor` may move it now."""
    if isinstance(state, BookingState):
        return allowed_moves(state, actor, now)
    return allowed_next(state, actor.role)


def rows(noun: str, payable_id: str) -> frozenset[Row]:
    """The rows that a command on it locks."""
    return rows_of_booking(payable_id) if noun == BookingState.noun else rows_of_order(payable_id)
