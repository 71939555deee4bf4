"""Publishing an event of another program: a row, whose trigger writes the feed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ordercast.commerce.moments import Moment
from ordercast.commerce.people import Actor

from .transaction import Transaction


def publish(
    transaction: Transaction,
    event_id: str,
    event: str,
    rooms: Sequence[str],
    args: Sequence[object],
    *,
    actor: Actor,
    now: Moment,
) -> None:
    transaction.run(
        transaction.sql.publish_event,
        id=event_id,
        event=event,
        rooms=msgspec.json.encode(rooms).decode(),
        args=msgspec.json.encode(args).decode(),
        actor=str(actor),
        created_at=now,
    )
