"""Decides transitions of a booking: whether the table has them, whether their guards hold, and their effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from .booking_states import BookingState
from .booking_states import BookingStatus as S
from .booking_transitions import (
    BOOKING_MOVES,
    BOOKING_MOVES_FROM,
    RESCHEDULES,
    BookingEffect,
    BookingGuard,
    BookingTransition,
)
from .errors import GuardRefused, IllegalTransition, NotPermitted, ReasonRequired, StaleVersion
from .payment_flow import ProviderAction, capture_actions, cash_collected, undo_payment
from .people import Actor, Role
from .states import PaymentMethod, PaymentState, PaymentStatus
from .timestamps import Timestamp


class BookingSlot(NamedTuple):
    """The time and carer of a booking."""

    starts_at: str
    ends_at: str
    carer_id: str


@dataclass(frozen=True, slots=True)
class BookingChanged:
    """A decided transition: `before` is the old state, the rest is the new one."""

    before: BookingState
    status: S
    slot: BookingSlot
    payment: PaymentState
    owed: tuple[ProviderAction, ...]
    """Actions for the payment provider, after the commit."""
    actor: Actor
    reason: str | None
    at: Timestamp


@dataclass(frozen=True, slots=True)
class BookingUnchanged:
    """Nothing changes: the booking is as requested."""

    booking: BookingState


# --- Questions ------------------------------------------------------------------------------------------------------


def allowed_moves(booking: BookingState, actor: Actor, now: Timestamp) -> tuple[S, ...]:
    """The statuses to which `actor` may move `booking` now."""
    return tuple(
        t.target
        for t in BOOKING_MOVES_FROM[booking.status]
        if actor.role in t.roles and _refusal(t, booking, actor, now) is None
    )


def decide_booking_move(
    booking: BookingState,
    target: S,
    actor: Actor,
    *,
    reason: str | None,
    expected_version: int | None,
    now: Timestamp,
) -> BookingChanged | BookingUnchanged:
    """Decide a transition. The actor must be entitled to see the booking; None as `expected_version` skips the check.
    Raises StaleVersion, IllegalTransition, NotPermitted, ReasonRequired or GuardRefused.
    """
    if booking.status is target:
        return BookingUnchanged(booking)
    _check_version(booking, actor, expected_version, now)
    move = BOOKING_MOVES.get((booking.status, target))
    if move is None:
        raise IllegalTransition(booking, allowed_moves(booking, actor, now), target)
    if actor.role not in move.roles:
        raise NotPermitted(actor, f"move a booking from {booking.status} to {target}")
    _check(move, booking, actor, now)
    if move.needs_reason and not (reason or "").strip():
        raise ReasonRequired(target, booking.a_noun)
    slot = BookingSlot(booking.starts_at, booking.ends_at, booking.carer_id)
    return _changed(move, booking, slot, actor, reason=reason, now=now)


def decide_reschedule(
    booking: BookingState,
    slot: BookingSlot,
    actor: Actor,
    *,
    reason: str | None,
    expected_version: int | None,
    now: Timestamp,
) -> BookingChanged | BookingUnchanged:
    """Decide to reschedule or reassign a booking; the carer must be free. Raises as ``decide_booking_move``."""
    if slot == (booking.starts_at, booking.ends_at, booking.carer_id):
        return BookingUnchanged(booking)
    _check_version(booking, actor, expected_version, now)
    moves = [t for t in RESCHEDULES if t.source is booking.status]
    if not moves:
        sentence = f"A booking that is {booking.status} is not moved to another time."
        raise GuardRefused(booking, allowed_moves(booking, actor, now), sentence)
    move = next((t for t in moves if actor.role in t.roles), None)
    if move is None:
        raise NotPermitted(actor, f"move a booking that is {booking.status} to another time")
    _check(move, booking, actor, now)
    return _changed(move, booking, slot, actor, reason=reason, now=now)


def _check_version(booking: BookingState, actor: Actor, expected: int | None, now: Timestamp) -> None:
    if expected is not None and expected != booking.version:
        raise StaleVersion(booking, allowed_moves(booking, actor, now), expected, actor)


def may_know_booking(actor: Actor, customer_id: str | None, carer_id: str | None) -> bool:
    """Whether `actor` may see a booking: staff all, customers and carers their own. Guests are authorized elsewhere, by
    the booking's tracking token.
    """
    match actor.role:
        case Role.ADMIN | Role.STORE | Role.SERVICE:
            return True
        case Role.CUSTOMER:
            return bool(actor.id) and actor.id == customer_id
        case Role.CARER:
            return bool(actor.id) and actor.id == carer_id
        case Role.DRIVER | Role.GUEST:
            return False


# --- Guards ---------------------------------------------------------------------------------------------------------


def _payment_ready(booking: BookingState, _actor: Actor, _now: Timestamp) -> str | None:
    if booking.payment_method is PaymentMethod.CASH or booking.total == 0:
        return None
    if booking.payment_status in {PaymentStatus.AUTHORIZED, PaymentStatus.PAID}:
        return None
    return f"The payment is {booking.payment_status}; it must be authorized or paid before the booking is confirmed."


def _assigned_carer(booking: BookingState, actor: Actor, _now: Timestamp) -> str | None:
    if actor.role is not Role.CARER or actor.id == booking.carer_id:
        return None
    return "This booking is another carer's."


def _carer_there(booking: BookingState, _actor: Actor, _now: Timestamp) -> str | None:
    return "The carer has left; give the booking to another one first." if booking.carer_left else None


def _not_begun(booking: BookingState, actor: Actor, now: Timestamp) -> str | None:
    if actor.role not in (Role.CUSTOMER, Role.GUEST) or now[:16] < booking.starts_at[:16]:
        return None
    return "The booking has begun; ask the shop."


def _has_begun(booking: BookingState, actor: Actor, now: Timestamp) -> str | None:
    if actor.role is not Role.CARER or now[:16] >= booking.starts_at[:16]:
        return None
    return "The booking has not begun yet."


_GUARDS: Final[dict[BookingGuard, Callable[[BookingState, Actor, Timestamp], str | None]]] = {
    BookingGuard.PAYMENT_READY: _payment_ready,
    BookingGuard.ASSIGNED_CARER: _assigned_carer,
    BookingGuard.CARER_THERE: _carer_there,
    BookingGuard.NOT_BEGUN: _not_begun,
    BookingGuard.HAS_BEGUN: _has_begun,
}


def _refusal(move: BookingTransition, booking: BookingState, actor: Actor, now: Timestamp) -> str | None:
    """The sentence of the first guard that fails; None if all hold."""
    found = (_GUARDS[guard](booking, actor, now) for guard in move.guards)
    return next((sentence for sentence in found if sentence is not None), None)


def _check(move: BookingTransition, booking: BookingState, actor: Actor, now: Timestamp) -> None:
    sentence = _refusal(move, booking, actor, now)
    if sentence is not None:
        raise GuardRefused(booking, allowed_moves(booking, actor, now), sentence)


# --- Effects --------------------------------------------------------------------------------------------------------


def _changed(
    move: BookingTransition,
    booking: BookingState,
    slot: BookingSlot,
    actor: Actor,
    *,
    reason: str | None,
    now: Timestamp,
) -> BookingChanged:
    payment, owed = _payment_after(booking, move.effects)
    reason = (reason or "").strip() or None
    return BookingChanged(booking, move.target, slot, payment, owed, actor, reason, now)


def _payment_after(
    booking: BookingState, effects: tuple[BookingEffect, ...]
) -> tuple[PaymentState, tuple[ProviderAction, ...]]:
    if BookingEffect.GIVE_PAYMENT_BACK in effects:
        return undo_payment(booking.payment, booking.payment_method)
    if BookingEffect.CAPTURE_PAYMENT in effects:
        return booking.payment, capture_actions(booking.payment)
    if BookingEffect.COLLECT_CASH in effects and booking.payment_method is PaymentMethod.CASH:
        return cash_collected(booking.payment), ()
    return booking.payment, ()
