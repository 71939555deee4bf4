"""What was committed, in order; and what trusted back ends publish."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, Identity, Index, MetaData, Table

from .columns import EXTERNAL_ACTOR, Integer, Text, json_array, metadata, moment, new_id, partial

# Names that a Socket.IO client gives to its own life, and `error`, on which Node's emitters throw.
RESERVED_EVENTS: Final = (
    "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener", "error",
)  # fmt: skip
_RESERVED: Final = ", ".join(f"'{name}'" for name in RESERVED_EVENTS)

published_events = Table(
    "published_events",
    metadata,
    Column("id", Text, primary_key=True, server_default=new_id("evt")),
    Column("event", Text, CheckConstraint(f"event NOT IN ({_RESERVED})", name="event_not_reserved"), nullable=False),
    json_array("rooms", as_sent=True),
    json_array("args", as_sent=True),
    Column("actor", Text, nullable=False, server_default=EXTERNAL_ACTOR),
    moment("created_at"),
    Index("published_events_by_age", "created_at"),
)


def _told() -> list[Column[Any]]:
    return [
        Column("kind", Text, nullable=False),
        Column("entity_id", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("actor", Text, nullable=False),
        Column("reason", Text),
        Column("at", Text, nullable=False),
        Column("before", Text),
        Column("after", Text),
    ]


feed = Table(
    "feed",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    *_told(),
    # A number once given out is never given again, not even when the newest rows were pruned.
    sqlite_autoincrement=True,
)

# The same table where many write at once. There a number of a sequence says who began first, and not who committed
# first: readers who went by it would miss the slow. So a row gets its place in the feed only once it is committed.
feed_to_number = Table(
    "feed",
    MetaData(),
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("seq", Integer, unique=True),
    *_told(),
    partial("feed_unsequenced", "id", where="seq IS NULL"),
)
