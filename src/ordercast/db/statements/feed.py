"""The feed, and the events that trusted back ends publish."""

from __future__ import annotations

from sqlalchemy import (
    bindparam,
    insert,
    literal_column,
    select,
)
from sqlalchemy import func as sql

from ordercast.db.schema import (
    feed,
    published_events,
)

from .compiling import ZERO, Compile, oldest


class FeedStatements:
    def __init__(self, text: Compile) -> None:
        feed_columns = [feed.c[name] for name in feed.c.keys()]  # noqa: SIM118
        self.after = text(
            select(*feed_columns)
            .where(feed.c.seq > bindparam("after"))
            .order_by(feed.c.seq)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        self.newest_document = text(
            select(feed.c.after).where(feed.c.seq == select(sql.max(feed.c.seq)).scalar_subquery())
        )
        self.placed_after = text(
            select(feed.c.entity_id, feed.c.after).where(
                feed.c.seq > bindparam("seq"), feed.c.kind == literal_column("'order.placed'")
            )
        )
        self.newest_seq = text(select(sql.max(feed.c.seq)))
        self.oldest_seq = text(select(sql.min(feed.c.seq)))
        self.publish_event = text(
            insert(published_events).values(
                {name: bindparam(name) for name in ("id", "event", "rooms", "args", "actor", "created_at")}
            )
        )
        self.forget_old_events = text(oldest(published_events, published_events.c.created_at))
        first = select(sql.min(feed.c.seq)).scalar_subquery()
        self.forget_old_changes = text(
            feed.delete().where(feed.c.seq <= bindparam("through"), feed.c.seq < first + bindparam("limit"))
        )
