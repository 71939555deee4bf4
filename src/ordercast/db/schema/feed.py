"""What was committed, in order; and what trusted back ends publish."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, Identity, Index, MetaData, Table

from ordercast.db.columns import (
    Said,
    actor,
    given_moment,
    identifier,
    json_array_as_sent,
    line,
    metadata,
    moment,
    names,
    partial,
    reason,
    told,
    version,
    word,
    written_by_triggers,
)
from ordercast.db.domains import Integer

# Names that a Socket.IO client gives to its own life, and `error`, on which Node's emitters throw; and those under
# which we tell, on whose payloads pages and apps rely.
RESERVED_EVENTS: Final = frozenset({
    "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener", "error",
    "new_order", "newOrder", "order_update", "orderStatusUpdated", "customer_order_update", "delivery_update",
    "payment_update", "payment_mismatch", "product_update", "notification", "stats",
    "message", "typing", "seen", "participants",
    "ready", "watching", "resync", "auth_expiring", "auth_ignored", "auth_expired", "auth_revoked",
})  # fmt: skip
BOOKING_EVENTS: Final = frozenset({"new_booking", "booking_update"})
"""Ours too, and told by a booking back end alone: with one object, whatever is in it."""

_BOOKING_FITS: Final = Said(
    lambda dialect: f"event NOT IN ({names(BOOKING_EVENTS)}) OR {dialect.is_of_one_object('args')}"
)

published_events = Table(
    "published_events",
    metadata,
    identifier("id", prefix="evt", primary_key=True),
    line("event", CheckConstraint(f"event NOT IN ({names(RESERVED_EVENTS)})", name="event_not_reserved")),
    json_array_as_sent("rooms"),
    json_array_as_sent("args"),
    actor(),
    moment("created_at"),
    CheckConstraint(_BOOKING_FITS, name="booking_is_one_object"),
    Index("published_events_by_age", "created_at"),
)


def _told() -> list[Column[Any]]:
    return [
        word("kind"),
        line("entity_id"),
        version(None),
        actor(given=True),
        reason(),
        given_moment("at"),
        told("before", optional=True),
        told("after", optional=True),
    ]


feed = written_by_triggers(
    Table(
        "feed",
        metadata,
        Column("seq", Integer, CheckConstraint("seq > 0", name="seq_positive"), primary_key=True, autoincrement=True),
        *_told(),
        # A number once given out is never given again, not even when the newest rows were pruned.
        sqlite_autoincrement=True,
    )
)

# The same table where many write at once. There a number of a sequence says who began first, and not who committed
# first: readers who went by it would miss the slow. So a row gets its place in the feed only once it is committed.
feed_to_number = written_by_triggers(
    Table(
        "feed",
        MetaData(),
        Column("id", Integer, Identity(always=True), primary_key=True),
        Column("seq", Integer, unique=True),
        *_told(),
        partial("feed_unsequenced", "id", where="seq IS NULL"),
    )
)
