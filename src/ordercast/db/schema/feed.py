"""What was committed, in order; and what trusted back ends publish."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text
from sqlalchemy import text as sql

from .columns import EXTERNAL_ACTOR, id_default, json_array, metadata, moment

# Names that a Socket.IO client gives to its own life, and `error`, on which Node's emitters throw.
RESERVED_EVENTS: Final = (
    "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener", "error",
)  # fmt: skip
_RESERVED: Final = ", ".join(f"'{name}'" for name in RESERVED_EVENTS)

published_events = Table(
    "published_events",
    metadata,
    Column("id", Text, primary_key=True, server_default=sql(f"({id_default('evt')})")),
    Column("event", Text, CheckConstraint(f"event NOT IN ({_RESERVED})", name="event_not_reserved"), nullable=False),
    json_array("rooms"),
    json_array("args"),
    Column("actor", Text, nullable=False, server_default=EXTERNAL_ACTOR),
    moment("created_at"),
    Index("published_events_by_age", "created_at"),
)

feed = Table(
    "feed",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("at", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    # A number once given out is never given again, not even when the newest rows were pruned.
    sqlite_autoincrement=True,
)
