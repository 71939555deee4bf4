"""The feed, and the events that trusted back ends publish."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    bindparam,
    case,
    insert,
    literal_column,
    select,
)
from sqlalchemy import func as sql
from sqlalchemy import text as sql_text

from ordercast.db import dialects
from ordercast.db.dialects import Dialect
from ordercast.db.schema import (
    feed,
    feed_to_number,
    published_events,
)

from .compiling import ONE, ZERO, Compiler, oldest

_CHANGE: Final = ("seq", "kind", "entity_id", "version", "actor", "reason", "at", "before", "after")


class FeedStatements:
    def __init__(self, text: Compiler) -> None:
        self.after = text(
            select(*(feed.c[name] for name in _CHANGE))
            .where(feed.c.seq > bindparam("after"))
            .order_by(feed.c.seq)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        table, key = keyed_feed(text.dialect)
        self.newest_document = text(select(table.c.entity_id, table.c.after).where(key == _newest(text.dialect)))
        # What this transaction writes from now on comes behind the mark.
        self.mark = text(_mark(text.dialect))
        self.placed_after = text(
            select(table.c.entity_id, table.c.after).where(
                key > bindparam("mark"), table.c.kind == literal_column("'order.placed'")
            )
        )
        self.newest_seq = text(select(sql.max(feed.c.seq)))
        self.oldest_seq = text(select(sql.min(feed.c.seq)))
        self.seen_with = text(_seen_with(text.dialect))
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


# PostgreSQL's rows get their place in the feed once they are committed; until then the order of writing names them.


def keyed_feed(dialect: Dialect) -> tuple[Table, ColumnElement[int]]:
    """The feed, and what of it a row is known by from its writing on."""
    return (feed, feed.c.seq) if dialect is dialects.SQLITE else (feed_to_number, feed_to_number.c.id)


def _newest(dialect: Dialect) -> ColumnElement[int]:
    """The key of the row that this transaction wrote last."""
    if dialect is dialects.SQLITE:
        return select(sql.max(feed.c.seq)).scalar_subquery()
    # Asked in a query of its own: of a function whose answer may change, the planner would read every row.
    return literal_column("(SELECT currval('feed_id_seq'))")


def _seen_with(dialect: Dialect) -> Select[Any]:
    """The newest number, and whether a row of `entity_id` is to be seen that has none yet."""
    newest = sql.coalesce(sql.max(feed.c.seq), ZERO)
    if dialect is dialects.SQLITE:
        return select(newest, ZERO)
    row = feed_to_number.alias("waiting")
    waits = select(ONE).where(row.c.seq.is_(None), row.c.entity_id == bindparam("entity_id")).exists()
    return select(newest, case((waits, ONE), else_=ZERO))


def _mark(dialect: Dialect) -> Select[Any]:
    if dialect is dialects.SQLITE:
        return select(sql.coalesce(sql.max(feed.c.seq), ZERO))
    given: ColumnElement[int] = literal_column("CASE WHEN is_called THEN last_value ELSE 0 END")
    return select(given).select_from(sql_text("feed_id_seq"))
