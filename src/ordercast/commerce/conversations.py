"""Conversations: what they are about, who takes part, and as whom."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from .people import STAFF, Actor, Role


class Subject(StrEnum):
    """What a conversation is about; there is one for each."""

    ORDER = "order"
    BOOKING = "booking"
    CUSTOMER = "customer"


STORE_SIDE: Final = "store"
"""The participant that all the shop's people are together: who of them has read a message, has read it for the shop."""
CUSTOMER_SIDE: Final = "customer"
"""The customer, or the guest with the order's tracking token: the same participant, also once they have an account."""

_SPEAKS_FOR_STORE: Final = STAFF | {Role.SERVICE}


def participant_as(actor: Actor, customer_id: str | None, assignee: str | None) -> str | None:
    """As which participant `actor` takes part; None for who does not. `assignee` is who drives or cares, as an actor is
    written. A guest is known by a token, and passes elsewhere.
    """
    if actor.role in _SPEAKS_FOR_STORE:
        return STORE_SIDE
    if not actor.id:
        return None
    if actor.role is Role.CUSTOMER:
        return CUSTOMER_SIDE if actor.id == customer_id else None
    return str(actor) if str(actor) == assignee else None


def role_of(participant: str) -> str:
    """The role in which a participant writes: the part of ``driver:drv_1`` that everybody may know."""
    return participant.partition(":")[0]


def inbox_of(actor: Actor) -> str | None:
    """Under which name somebody's conversations are listed and counted; None for who has no list."""
    if actor.role in _SPEAKS_FOR_STORE:
        return STORE_SIDE
    return str(actor) if actor.id and actor.role is not Role.GUEST else None
