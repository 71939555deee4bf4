"""Orders' documents as whoever asks may see them: every answer with an order in it passes here."""

from __future__ import annotations

import msgspec

from ordercast.commerce.masking import shown_to
from ordercast.commerce.people import Actor, Role
from ordercast.db import Store
from ordercast.db.idempotency import Outcome
from ordercast.db.orders import order_document


def shown(document: bytes, actor: Actor) -> bytes:
    """The order as `actor` may see it, who may know of it."""
    if actor.role is not Role.DRIVER:  # the others see it as it is: nothing is decoded for them
        return document
    return msgspec.json.encode(shown_to(actor, msgspec.json.decode(document)))


async def view_of_outcome(store: Store, outcome: Outcome, actor: Actor) -> bytes:
    """As `shown`, of an outcome that may have been kept from an earlier request: what a driver may see of that is
    settled by how the order stands today.
    """
    if not outcome.replayed or actor.role is not Role.DRIVER:
        return shown(outcome.answer, actor)
    order = msgspec.json.decode(outcome.answer)
    today = await store.read(lambda transaction: order_document(transaction, order["id"]))
    return msgspec.json.encode(shown_to(actor, order, today=None if today is None else msgspec.json.decode(today)))
