"""What is paid for: an order or a booking. Both have the same payment axis; what their own way makes of it is here."""

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
    """How something stands, as far as its payment goes."""

    WAITING = auto()
    """For the shop's word: what is held stays held."""
    ACCEPTED = auto()
    """What is held is taken."""
    CALLED_OFF = auto()
    """What is held is let go, and what was taken is given back."""


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
    """What its own state makes of its payment: it may have ended, or been accepted, before this was known."""
    match stage_of(state.status):
        case PayableStage.CALLED_OFF:
            return undo_payment(payment, state.payment_method)
        case PayableStage.WAITING:
            return payment, ()
        case PayableStage.ACCEPTED:
            return payment, capture_actions(payment)


def check_payable(status: PayableStatus, payment: PaymentState) -> None:
    """Raises NotPayable but for what stands and was not paid."""
    is_unpaid = (
        payment.status in {PaymentStatus.UNPAID, PaymentStatus.FAILED} and payment.captured == 0 and payment.total > 0
    )
    if not is_unpaid or status not in _PAYABLE:
        noun = BookingState.noun if isinstance(status, BookingStatus) else OrderState.noun
        raise NotPayable(noun, status, payment.status)
