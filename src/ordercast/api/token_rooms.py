"""The rooms that a token opens: those of its role, and those that a mapping file makes of its claims."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ordercast.commerce.people import STAFF, Role
from ordercast.commerce.rooms import (
    STORE_OWNERS,
    booking_room,
    carer_room,
    customer_room,
    driver_room,
    order_room,
    user_room,
)

from .auth import Identity


def rooms_of(identity: Identity) -> tuple[str, ...]:
    """The rooms that an identity joins; ``feed.audience`` routes events to them. Only the server joins rooms."""
    return tuple(dict.fromkeys((*rooms_of_role(identity), *(grant.room for grant in identity.grants))))


def rooms_of_role(identity: Identity) -> tuple[str, ...]:
    """Those of its role alone."""
    actor = identity.actor
    if identity.order_id is not None:
        return (order_room(identity.order_id),)
    if identity.booking_id is not None:
        return (booking_room(identity.booking_id),)
    if actor.role in STAFF:
        return (STORE_OWNERS, user_room(actor.id))
    room = _OWN_ROOMS.get(actor.role)
    return () if room is None else (room(actor.id), user_room(actor.id))


_OWN_ROOMS: Final[dict[Role, Callable[[str], str]]] = {
    Role.CUSTOMER: customer_room,
    Role.DRIVER: driver_room,
    Role.CARER: carer_room,
}
