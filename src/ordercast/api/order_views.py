"""Views of orders: what a caller may see. Every response with an order uses these."""

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
    """The order as the identity may see it: masked for a tracking token, reduced for a driver. Raises NotFound, also if
    it may not see it.
    """
    by_token = identity.order_id == order_id
    document = order_document(transaction, order_id, None if by_token else identity.actor)
    if document is None:
        raise NotFound("order")
    if by_token:
        return masked_view(document)
    return view_for(document, identity.actor)


def masked_view(document: bytes) -> bytes:
    """The order as its tracking link shows it."""
    return msgspec.json.encode(masked(msgspec.json.decode(document)))


def view_for(document: bytes, actor: Actor) -> bytes:
    """The order as an authorized `actor` may see it."""
    if actor.role is not Role.DRIVER:  # others see it unchanged: nothing is decoded
        return document
    return msgspec.json.encode(shown_to(actor, msgspec.json.decode(document)))


async def view_of_outcome(store: Store, outcome: Outcome, actor: Actor) -> bytes:
    """As `view_for`, for an outcome that may be of an earlier request: a driver's view depends on the order's current
    state.
    """
    if not outcome.replayed or actor.role is not Role.DRIVER:
        return view_for(outcome.answer, actor)
    order = msgspec.json.decode(outcome.answer)
    today = await store.read(lambda transaction: order_document(transaction, order["id"]))
    return msgspec.json.encode(shown_to(actor, order, today=None if today is None else msgspec.json.decode(today)))
