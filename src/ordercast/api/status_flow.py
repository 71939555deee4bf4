"""Serves the state machines as JSON, from which pages make their buttons."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import Response, get
from msgspec import Struct

from ordercast.commerce.booking_states import BOOKING_LABELS, BookingStatus
from ordercast.commerce.booking_transitions import BOOKING_TRANSITIONS, RESCHEDULES, BookingTransition
from ordercast.commerce.payment_flow import PAYMENT_TRANSITIONS
from ordercast.commerce.states import LABELS, LEGACY_NAMES, PICKUP_LABELS, Fulfilment, OrderStatus, PaymentStatus
from ordercast.commerce.transitions import TRANSITIONS, Transition

from .responses import json_response


class Move(Struct, frozen=True, rename="camel"):
    from_: OrderStatus = msgspec.field(name="from")
    to: OrderStatus
    roles: list[str]
    needs_reason: bool
    fulfilment: Fulfilment | None
    guards: list[str]
    """Guards that the server checks, by name."""


class PaymentMove(Struct, frozen=True):
    from_: PaymentStatus = msgspec.field(name="from")
    to: PaymentStatus


class BookingMove(Struct, frozen=True, rename="camel"):
    """A transition of a booking."""

    from_: BookingStatus = msgspec.field(name="from")
    to: BookingStatus
    roles: list[str]
    needs_reason: bool
    guards: list[str]
    """Guards that the server checks, by name."""
    effects: list[str]
    """Effects, by name."""


class StatusFlow(Struct, frozen=True, rename="camel"):
    order: list[Move]
    payment: list[PaymentMove]
    booking: list[BookingMove]
    """Transitions of bookings."""
    booking_reschedule: list[BookingMove]
    """Reschedulings (`POST /api/bookings/{id}/reschedule`)."""
    booking_labels: dict[str, dict[str, str]]
    """Labels of booking statuses, by language."""
    labels: dict[str, dict[str, str]]
    pickup_labels: dict[str, dict[str, str]]
    """Labels that differ for pickup orders."""
    legacy: dict[str, OrderStatus | dict[str, OrderStatus]]
    """Legacy names, accepted on input; if two stand, the fulfilment decides."""


def _move(transition: Transition) -> Move:
    return Move(
        from_=transition.source,
        to=transition.target,
        roles=sorted(transition.roles),
        needs_reason=transition.needs_reason,
        fulfilment=transition.fulfilment,
        guards=[str(guard) for guard in transition.guards],
    )


def _booking_move(transition: BookingTransition) -> BookingMove:
    return BookingMove(
        from_=transition.source,
        to=transition.target,
        roles=sorted(transition.roles),
        needs_reason=transition.needs_reason,
        guards=[str(guard) for guard in transition.guards],
        effects=[str(effect) for effect in transition.effects],
    )


def _flow() -> StatusFlow:
    return StatusFlow(
        order=[_move(transition) for transition in TRANSITIONS],
        payment=[PaymentMove(source, to) for source, targets in PAYMENT_TRANSITIONS.items() for to in sorted(targets)],
        booking=[_booking_move(transition) for transition in BOOKING_TRANSITIONS],
        booking_reschedule=[_booking_move(transition) for transition in RESCHEDULES],
        booking_labels={str(status): texts for status, texts in BOOKING_LABELS.items()},
        labels={str(status): texts for status, texts in LABELS.items()},
        pickup_labels={str(status): texts for status, texts in PICKUP_LABELS.items()},
        legacy={
            name: {str(kind): status for kind, status in meant.items()} if isinstance(meant, dict) else meant
            for name, meant in LEGACY_NAMES.items()
        },
    )


# Constant.
_FLOW_JSON: Final = msgspec.json.encode(_flow())


@get("/api/status-flow", tags=["orders"])
async def get_status_flow() -> Response[StatusFlow]:
    """Get all transitions of orders and bookings, with roles and labels."""
    return json_response(_FLOW_JSON, headers={"Cache-Control": "public, max-age=300"})


ROUTES: Final = [get_status_flow]
