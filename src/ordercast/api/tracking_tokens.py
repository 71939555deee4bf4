"""The tracking token in the answer to a guest who has ordered or booked."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from ordercast.commerce.people import Actor, Role
from ordercast.db import Transaction, UnitOfWork
from ordercast.db.idempotency import Outcome
from ordercast.db.tracking import Tracking

from .auth import tracking_hash, tracking_token, tracking_token_kept
from .context import ApiContext


class _Identified(Struct):
    id: str


_ID_OF: Final = msgspec.json.Decoder(_Identified)


async def with_tracking_token(context: ApiContext, actor: Actor, outcome: Outcome, tracking: Tracking) -> bytes:
    """The answer with the token for its guest; for one who asks again, with the token that opens it today. A customer
    needs none.
    """
    if actor.role is Role.CUSTOMER:
        return outcome.answer
    tracked_id = _ID_OF.decode(outcome.answer).id
    if outcome.replayed:
        token = await _living_token(context, tracked_id, tracking)
    else:
        token = tracking_token(context.keys.current, tracked_id)
    return outcome.answer if token is None else outcome.answer[:-1] + f',"trackingToken":"{token}"}}'.encode()


async def _living_token(context: ApiContext, tracked_id: str, tracking: Tracking) -> str | None:
    """The token that it has; a new one if the secret of that is no longer in use. None where it has none any more,
    because its buyer was forgotten.
    """
    kept = await context.store.read(lambda transaction: tracking.hash_of(transaction, tracked_id))
    token = tracking_token_kept(context.keys, tracked_id, kept)
    if kept is None or token is not None:
        return token
    token = tracking_token(context.keys.current, tracked_id)

    def unit(transaction: Transaction) -> bool:
        return tracking.replace_hash(transaction, tracked_id, kept, tracking_hash(token))

    rows = frozenset({(tracking.table, tracked_id)})
    return token if await context.store.write(UnitOfWork(unit, rows)) else None
