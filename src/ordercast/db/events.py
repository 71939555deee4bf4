"""Publishes a back end's event: a row, whose trigger writes the feed."""

from __future__ import annotations

from typing import Final

import msgspec

from ordercast.commerce.people import Actor
from ordercast.commerce.timestamps import Timestamp

from . import meta
from .columns import actor as actor_column
from .columns import check, identifier, index, json_array_as_sent, line, moment, table
from .dialects import Trigger
from .event_names import CONNECTION_EVENTS
from .noun import Copies, Noun
from .publish_by_sql import BUILT_IN
from .sql import literals
from .statement import Statement, statements_in
from .transaction import Transaction
from .trigger_helpers import feed_row
from .types import ChangeKind

# And those under which our own shop tells, on whose payloads pages and apps rely.
RESERVED_EVENTS: Final = CONNECTION_EVENTS | {
    "new_order", "newOrder", "order_update", "orderStatusUpdated", "customer_order_update", "delivery_update",
    "payment_update", "payment_mismatch", "product_update", "shop_update", "availability_update", "opening_update",
    "notification", "order_unseen", "booking_unseen", "stats", "message", "message_update", "typing", "seen",
    "participants",
}  # fmt: skip
BOOKING_EVENTS: Final = frozenset({"new_booking", "booking_update"})
"""Ours too, but open to booking back ends, with one object as argument."""

published_events = table(
    "published_events",
    identifier("id", prefix="evt", primary_key=True),
    line("event", check("event_not_reserved", f"event NOT IN ({literals(RESERVED_EVENTS)})")),
    json_array_as_sent("rooms"),
    json_array_as_sent("args"),
    actor_column(),
    moment("created_at"),
    check("booking_is_one_object", f"event NOT IN ({literals(BOOKING_EVENTS)}) OR @is_of_one_object(args)"),
    index("published_events_by_age", "created_at"),
)

# --- Statements -------------------------------------------------------------------------------------------------------

PUBLISH: Final = Statement("""
    INSERT INTO published_events (id, event, rooms, args, actor, created_at)
    VALUES (:id, :event, :rooms, :args, :actor, :created_at)
""")
FORGET_OLD: Final = Statement("""
    DELETE FROM published_events WHERE id IN (
      SELECT id FROM published_events WHERE created_at < :before LIMIT :limit @postgresql(FOR UPDATE SKIP LOCKED))
""")
TELL: Final = Statement("""
    INSERT INTO feed (kind, entity_id, version, actor, at, after) VALUES (:kind, :id, 1, :actor, :at, :after)
""")
REMOVE: Final = Statement("DELETE FROM published_events WHERE id = :id")

# --- Triggers ---------------------------------------------------------------------------------------------------------

_DOCUMENT: Final = "@json_object('event', NEW.event, 'rooms', @json_of(NEW.rooms), 'args', @json_of(NEW.args))"
_PUBLISHED: Final = feed_row(
    ChangeKind.EVENT_PUBLISHED, "NEW.id", at="NEW.created_at", after=f"@json_text({_DOCUMENT})"
)

NOUN: Final = Noun(
    name="published_events",
    tables=(published_events,),
    statements=statements_in(globals()),
    triggers=(Trigger("events_published", "AFTER INSERT", "published_events", (_PUBLISHED,)),),
    personal={"published_events": Copies("what the feed was made of: removed")},
)

# --- Units of work ----------------------------------------------------------------------------------------------------


def publish(
    transaction: Transaction,
    event_id: str,
    event: str,
    rooms: bytes,
    args: bytes,
    *,
    actor: Actor,
    now: Timestamp,
) -> None:
    """Insert an event; `rooms` and `args` are JSON arrays."""
    transaction.run(
        PUBLISH,
        id=event_id,
        event=event,
        rooms=rooms.decode(),
        args=args.decode(),
        actor=str(actor),
        created_at=now,
    )


def are_our_event_names_reserved(transaction: Transaction) -> bool:
    """Whether those who publish by SQL are held to the names of our own shop's events."""
    return transaction.one(meta.VALUE, name=BUILT_IN) is None


def reserve_our_event_names(transaction: Transaction, *, is_built_in: bool) -> None:
    """Hold those who publish by SQL to the names of our own shop's events, or do so no more."""
    if is_built_in:
        transaction.run(meta.FORGET, name=BUILT_IN)
    else:
        transaction.run(meta.KEEP, name=BUILT_IN, value="false")


def tell(
    transaction: Transaction,
    event_id: str,
    event: str,
    rooms: bytes,
    args: bytes,
    *,
    actor: Actor,
    now: Timestamp,
) -> None:
    """As `publish`, under any name: where the shop is not ours, the names of events are its own."""
    after = b'{"event":%b,"rooms":%b,"args":%b}' % (msgspec.json.encode(event), rooms, args)
    transaction.run(
        TELL, kind=str(ChangeKind.EVENT_PUBLISHED), id=event_id, actor=str(actor), at=now, after=after.decode()
    )
