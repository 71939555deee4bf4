"""Payables: an order or booking, with the same payment state machine; what differs between them is here."""

from __future__ import annotations

from enum import StrEnum, auto
from typing import Final, TypeAlias

from .booking_states import BookingState, BookingStatus
from .booking_transitions import BOOKING_TERMINAL, BOOKING_TRANSITIONS, BookingEffect
from .errors import NotPayable
from .payment_flow import ProviderAction, capture_actions, undo_payment
from .states import OrderState, OrderStatus, PaymentState, PaymentStatus
from .transitions import OPEN, REFUNDING

PayableState: TypeAlias = OrderState | BookingState
PayableStatus: TypeAlias = OrderStatus | BookingStatus


class PayableStage(StrEnum):
    """The stage of a payable, as far as it concerns the payment."""

    WAITING = auto()
    """Waits for the shop: an authorization is kept."""
    ACCEPTED = auto()
    """Accepted: an authorization is captured."""
    CALLED_OFF = auto()
    """Cancelled: an authorization is voided, a capture refunded."""


CALLED_OFF_BOOKINGS: Final = frozenset(
    move.target for move in BOOKING_TRANSITIONS if BookingEffect.GIVE_PAYMENT_BACK in move.effects
)
WAITING_ORDERS: Final = frozenset({OrderStatus.PENDING, OrderStatus.ON_HOLD})
WAITING_BOOKINGS: Final = frozenset({BookingStatus.REQUESTED})

_CALLED_OFF: Final[frozenset[PayableStatus]] = REFUNDING | CALLED_OFF_BOOKINGS
_WAITING: Final[frozenset[PayableStatus]] = WAITING_ORDERS | WAITING_BOOKINGS
_PAYABLE: Final[frozenset[PayableStatus]] = frozenset(
    {*OPEN, OrderStatus.ON_HOLD, *(frozenset(BookingStatus) - BOOKING_TERMINAL)}
)


def stage_of(status: PayableStatus) -> PayableStage:
    if status in _CALLED_OFF:
        return PayableStage.CALLED_OFF
    return PayableStage.WAITING if status in _WAITING else PayableStage.ACCEPTED


def payment_after(state: PayableState, payment: PaymentState) -> tuple[PaymentState, tuple[ProviderAction, ...]]:
    """The payment that the payable's own stage requires: it may have ended, or been accepted, before the payment was
    known.
    """
    match stage_of(state.status):
        case PayableStage.CALLED_OFF:
            return undo_payment(payment, state.payment_method)
        case PayableStage.WAITING:
            return payment, ()
        case PayableStage.ACCEPTED:
            return payment, capture_actions(payment)


def check_payable(status: PayableStatus, payment: PaymentState) -> None:
    """Raise NotPayable unless the payable is open and unpaid."""
    is_unpaid = (
        payment.status in {PaymentStatus.UNPAID, PaymentStatus.FAILED} and payment.captured == 0 and payment.total > 0
    )
    if not is_unpaid or status not in _PAYABLE:
        noun = BookingState.noun if isinstance(status, BookingStatus) else OrderState.noun
        raise NotPayable(noun, status, payment.status)
