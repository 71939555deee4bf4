"""The booking state machine as a table, from which the API, diagram, database rules and tests are made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .booking_states import BookingStatus as S
from .people import STAFF, Role


class BookingGuard(StrEnum):
    PAYMENT_READY = "payment_ready"
    ASSIGNED_CARER = "assigned_carer"
    """A carer moves only their own bookings; staff any."""
    NOT_BEGUN = "not_begun"
    """For customers: after the beginning, staff decide."""
    CARER_THERE = "carer_there"
    """The carer has not left the shop."""
    HAS_BEGUN = "has_begun"
    """For the carer: nobody can be absent before the beginning."""


class BookingEffect(StrEnum):
    CAPTURE_PAYMENT = "capture_payment"
    COLLECT_CASH = "collect_cash"
    GIVE_PAYMENT_BACK = "give_payment_back"
    FREE_TIME = "free_time"
    """The carer's time is free again."""
    CHANGE_TIME = "change_time"


@dataclass(frozen=True, slots=True)
class BookingTransition:
    """One transition; every guard must hold."""

    source: S
    target: S
    roles: frozenset[Role]
    needs_reason: bool = False
    guards: tuple[BookingGuard, ...] = ()
    effects: tuple[BookingEffect, ...] = ()


_STORE: Final = STAFF
_STORE_OR_CARER: Final = _STORE | {Role.CARER}
_CUSTOMER: Final = frozenset({Role.CUSTOMER, Role.GUEST})

_THEIRS: Final = (BookingGuard.ASSIGNED_CARER,)
_CALLED_OFF: Final = (BookingEffect.FREE_TIME, BookingEffect.GIVE_PAYMENT_BACK)
_ANOTHER_TIME: Final = (BookingEffect.CHANGE_TIME,)

BOOKING_ROLES: Final = _CUSTOMER | _STORE
"""Who may make a booking: customers and guests, and staff on the phone."""

BOOKING_TRANSITIONS: Final[tuple[BookingTransition, ...]] = (
    BookingTransition(
        S.REQUESTED,
        S.CONFIRMED,
        _STORE_OR_CARER,
        guards=(*_THEIRS, BookingGuard.CARER_THERE, BookingGuard.PAYMENT_READY),
        effects=(BookingEffect.CAPTURE_PAYMENT,),
    ),
    BookingTransition(
        S.REQUESTED,
        S.CANCELLED,
        # The service is our timer: what nobody confirmed ends.
        _STORE_OR_CARER | _CUSTOMER | {Role.SERVICE},
        needs_reason=True,
        guards=(*_THEIRS, BookingGuard.NOT_BEGUN),
        effects=_CALLED_OFF,
    ),
    BookingTransition(S.CONFIRMED, S.IN_PROGRESS, _STORE_OR_CARER, guards=_THEIRS),
    BookingTransition(
        S.CONFIRMED,
        S.CANCELLED,
        _STORE | _CUSTOMER,
        needs_reason=True,
        guards=(BookingGuard.NOT_BEGUN,),
        effects=_CALLED_OFF,
    ),
    # The payment stays: staff decide about a refund.
    BookingTransition(
        S.CONFIRMED,
        S.NO_SHOW,
        _STORE_OR_CARER,
        guards=(*_THEIRS, BookingGuard.HAS_BEGUN),
        effects=(BookingEffect.FREE_TIME,),
    ),
    BookingTransition(
        S.IN_PROGRESS, S.COMPLETED, _STORE_OR_CARER, guards=_THEIRS, effects=(BookingEffect.COLLECT_CASH,)
    ),
    BookingTransition(S.IN_PROGRESS, S.CANCELLED, _STORE, needs_reason=True, effects=_CALLED_OFF),
)

# Rescheduling or reassigning. After confirmation a customer's change needs a new confirmation.
RESCHEDULES: Final[tuple[BookingTransition, ...]] = (
    BookingTransition(
        S.REQUESTED,
        S.REQUESTED,
        _STORE | _CUSTOMER,
        guards=(BookingGuard.NOT_BEGUN,),
        effects=_ANOTHER_TIME,
    ),
    BookingTransition(S.CONFIRMED, S.CONFIRMED, _STORE, effects=_ANOTHER_TIME),
    BookingTransition(S.CONFIRMED, S.REQUESTED, _CUSTOMER, guards=(BookingGuard.NOT_BEGUN,), effects=_ANOTHER_TIME),
)

BOOKING_MOVES: Final = {(t.source, t.target): t for t in BOOKING_TRANSITIONS}
BOOKING_MOVES_FROM: Final = {source: tuple(t for t in BOOKING_TRANSITIONS if t.source is source) for source in S}

# --- What the states themselves imply ---------------------------------------------------------------------------------

BOOKING_TERMINAL: Final = frozenset(source for source, moves in BOOKING_MOVES_FROM.items() if not moves)

FREEING: Final = frozenset(t.target for t in BOOKING_TRANSITIONS if BookingEffect.FREE_TIME in t.effects)
TAKING_TIME: Final = tuple(status for status in S if status not in FREEING)
"""Bookings in these states occupy the carer's time."""

COMING: Final = (S.REQUESTED, S.CONFIRMED)
"""States before the beginning."""
