"""Views of bookings: what a caller may see. Every response with a booking uses these."""

from __future__ import annotations

import msgspec

from ordercast.commerce.errors import NotFound
from ordercast.commerce.masking import booking_shown_to, masked_booking
from ordercast.commerce.people import Actor, Role
from ordercast.db import Store, Transaction
from ordercast.db.bookings import booking_document
from ordercast.db.idempotency import Outcome

from .auth import Identity


def booking_for(transaction: Transaction, booking_id: str, identity: Identity) -> bytes:
    """The booking as the identity may see it: masked for a tracking token. Raises NotFound, also if it may not."""
    document = booking_document(transaction, booking_id, None if tracks(identity, booking_id) else identity.actor)
    if document is None:
        raise NotFound("booking")
    return booking_view(document, identity)


def booking_view(document: bytes, identity: Identity) -> bytes:
    """The booking as an authorized identity may see it."""
    if identity.booking_id is not None:
        return msgspec.json.encode(masked_booking(msgspec.json.decode(document)))
    return view_for_person(document, identity.actor)


async def view_of_outcome(store: Store, outcome: Outcome, identity: Identity) -> bytes:
    """As `booking_view`, of an outcome that may have been kept from an earlier request: what a carer may see of that is
    settled by how the booking stands today.
    """
    if not outcome.replayed or identity.actor.role is not Role.CARER:
        return booking_view(outcome.answer, identity)
    booking = msgspec.json.decode(outcome.answer)
    today = await store.read(lambda transaction: booking_document(transaction, booking["id"], None))
    stands = None if today is None else msgspec.json.decode(today)
    return msgspec.json.encode(booking_shown_to(identity.actor, booking, today=stands))


def view_for_person(document: bytes, actor: Actor) -> bytes:
    if actor.role is not Role.CARER:  # others see it unchanged: nothing is decoded
        return document
    return msgspec.json.encode(booking_shown_to(actor, msgspec.json.decode(document)))


def tracks(identity: Identity, booking_id: str) -> bool:
    """Whether the identity holds the booking's tracking token."""
    return identity.booking_id is not None and identity.booking_id == booking_id
