"""Conversations: their subjects and participants."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from .people import STAFF, Actor, Role


class Subject(StrEnum):
    """The subject of a conversation; each has one conversation."""

    ORDER = "order"
    BOOKING = "booking"
    CUSTOMER = "customer"


STORE_SIDE: Final = "store"
"""The participant of all staff: a message read by one is read by the shop."""
CUSTOMER_SIDE: Final = "customer"
"""The participant of a customer, or a guest with the tracking token; the same after they register."""

_SPEAKS_FOR_STORE: Final = STAFF | {Role.SERVICE}


def participant_as(actor: Actor, customer_id: str | None, assignee: str | None) -> str | None:
    """The participant that `actor` is; None if they take no part. `assignee` is the driver or carer, as an actor.
    Guests are authorized elsewhere, by a token.
    """
    if actor.role in _SPEAKS_FOR_STORE:
        return STORE_SIDE
    if not actor.id:
        return None
    if actor.role is Role.CUSTOMER:
        return CUSTOMER_SIDE if actor.id == customer_id else None
    return str(actor) if str(actor) == assignee else None


def role_of(participant: str) -> str:
    """The role of a participant: the public part of ``driver:drv_1``."""
    return participant.partition(":")[0]


def inbox_of(actor: Actor) -> str | None:
    """The key of an actor's conversation list; None without one."""
    if actor.role in _SPEAKS_FOR_STORE:
        return STORE_SIDE
    return str(actor) if actor.id and actor.role is not Role.GUEST else None
