"""Views of an order: what of its document a caller may see. Every answer with an order in it passes here."""

from __future__ import annotations

import msgspec

from ordercast.commerce.errors import NotFound
from ordercast.commerce.masking import masked, shown_to
from ordercast.commerce.people import Actor, Role
from ordercast.db import Store, Transaction
from ordercast.db.idempotency import Outcome
from ordercast.db.orders import order_document

from .auth import Identity


def document_for(transaction: Transaction, order_id: str, identity: Identity) -> bytes:
    """The order as this identity may see it: by a tracking token, with the person in it masked; as a driver, as
    much as the delivery needs. Raises NotFound, also where it may not know of it.
    """
    by_token = identity.order_id == order_id
    document = order_document(transaction, order_id, None if by_token else identity.actor)
    if document is None:
        raise NotFound("order")
    if by_token:
        return masked_view(document)
    return view_for(document, identity.actor)


def masked_view(document: bytes) -> bytes:
    """The order as whoever holds its tracking token sees it."""
    return msgspec.json.encode(masked(msgspec.json.decode(document)))


def view_for(document: bytes, actor: Actor) -> bytes:
    """The order as `actor` may see it, who may know of it."""
    if actor.role is not Role.DRIVER:  # the others see it as it is: nothing is decoded for them
        return document
    return msgspec.json.encode(shown_to(actor, msgspec.json.decode(document)))


async def view_of_outcome(store: Store, outcome: Outcome, actor: Actor) -> bytes:
    """As `view_for`, of an outcome that may have been kept from an earlier request: what a driver may see of that is
    settled by how the order stands today.
    """
    if not outcome.replayed or actor.role is not Role.DRIVER:
        return view_for(outcome.answer, actor)
    order = msgspec.json.decode(outcome.answer)
    today = await store.read(lambda transaction: order_document(transaction, order["id"]))
    return msgspec.json.encode(shown_to(actor, order, today=None if today is None else msgspec.json.decode(today)))
