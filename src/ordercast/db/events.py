"""Publishing an event of another program: a row, whose trigger writes the feed."""

from __future__ import annotations

from ordercast.commerce.moments import Moment
from ordercast.commerce.people import Actor

from .transaction import Transaction


def publish(
    transaction: Transaction,
    event_id: str,
    event: str,
    rooms: bytes,
    args: bytes,
    *,
    actor: Actor,
    now: Moment,
) -> None:
    """Keep the event; `rooms` and `args` are JSON arrays."""
    transaction.run(
        transaction.sql.feed.publish_event,
        id=event_id,
        event=event,
        rooms=rooms.decode(),
        args=args.decode(),
        actor=str(actor),
        created_at=now,
    )
