"""Notifications, and who has read them. Each is of one recipient: of two, an index gives no common order."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    insert,
    literal_column,
    null,
    or_,
    select,
    tuple_,
)
from sqlalchemy import func as sql

from ordercast.commerce.notifications import SHOP
from ordercast.db import dialects
from ordercast.db.dialects import Dialect
from ordercast.db.schema import feed, notification_marks, notification_reads, notifications, orders

from .compiling import ONE, ZERO, Compiler

_SHOWN: Final = ("entry", "id", "kind", "order_id", "data", "severity", "created_at")


class NotificationStatements:
    def __init__(self, text: Compiler) -> None:
        dialect = text.dialect
        mine = notifications.c.recipient == bindparam("recipient")
        shown = [notifications.c[name] for name in _SHOWN]
        newest_first = notifications.c.entry.desc()
        # Cast: compared it would be a text, and inserted of the column's domain, and PostgreSQL wants it to be one.
        user_id = cast(bindparam("user_id"), Text)
        read_at = sql.coalesce(
            select(notification_reads.c.read_at).where(_read_by(user_id)).scalar_subquery(),
            select(notification_marks.c.read_at)
            .where(_marked_by(dialect, user_id))
            .order_by(notification_marks.c.through)
            .limit(ONE)
            .offset(ZERO)
            .scalar_subquery(),
        )
        self.before = text(
            select(*shown, read_at)
            .where(mine, notifications.c.entry < bindparam("before"))
            .order_by(newest_first)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )

        # What lies behind somebody's newest mark; of it no more is looked at than `window`.
        self.mark = text(
            select(notification_marks.c.through, notification_marks.c.unseen)
            .where(
                notification_marks.c.user_id == user_id,
                notification_marks.c.recipient == bindparam("recipient"),
            )
            .order_by(notification_marks.c.through.desc())
            .limit(ONE)
            .offset(ZERO)
        )
        behind = (
            select(notifications.c.entry)
            .where(mine, notifications.c.entry > bindparam("through"), notifications.c.entry < bindparam("before"))
            .order_by(newest_first)
            .limit(bindparam("window"))
            .offset(ZERO)
            .subquery("behind")
        )
        self.behind = text(select(sql.count(), sql.min(behind.c.entry)))
        self.read_behind = text(
            select(sql.count())
            .select_from(notification_reads)
            .where(
                notification_reads.c.user_id == user_id,
                notification_reads.c.recipient == bindparam("recipient"),
                notification_reads.c.entry >= bindparam("lowest"),
            )
        )
        is_unread = ~exists().where(_read_by(user_id))
        self.unread_behind = text(
            select(*shown, null())
            .where(
                mine,
                notifications.c.entry >= bindparam("lowest"),
                notifications.c.entry < bindparam("before"),
                is_unread,
            )
            .order_by(newest_first)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        # What came below a mark after it was set.
        self.unseen = text(
            select(*shown, null())
            .where(
                notifications.c.written_in == bindparam("written_in"),
                mine,
                notifications.c.entry <= bindparam("through"),
                notifications.c.entry < bindparam("before"),
                is_unread,
            )
            .order_by(newest_first)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )

        named = notifications.c.id.in_(dialect.values_of("ids"))
        to_them = notifications.c.recipient.in_(dialect.values_of("recipients"))
        self.known = text(select(sql.count()).where(named, to_them))
        self.see = text(
            dialect.insert(notification_reads)
            .from_select(
                ["notification_id", "user_id", "recipient", "entry", "read_at"],
                select(
                    notifications.c.id,
                    user_id.label("user_id"),
                    notifications.c.recipient,
                    notifications.c.entry,
                    bindparam("read_at").label("read_at"),
                ).where(named, to_them, ~exists().where(_marked_by(dialect, user_id))),
            )
            .on_conflict_do_nothing()
        )
        newest = (
            select(
                user_id.label("user_id"),
                notifications.c.recipient,
                notifications.c.entry,
                bindparam("read_at").label("read_at"),
                literal_column(f"({dialect.open_transactions})").label("unseen"),
            )
            .where(mine)
            .order_by(newest_first)
            .limit(ONE)
            .offset(ZERO)
        )
        marked = dialect.insert(notification_marks).from_select(
            ["user_id", "recipient", "through", "read_at", "unseen"], newest
        )
        self.see_all = text(
            marked.on_conflict_do_update(
                index_elements=["user_id", "recipient", "through"], set_={"unseen": marked.excluded.unseen}
            )
        )
        oldest = select(sql.min(notifications.c.entry)).where(mine).scalar_subquery()
        self.forget_marks = text(
            notification_marks.delete().where(
                notification_marks.c.user_id == user_id,
                notification_marks.c.recipient == bindparam("recipient"),
                notification_marks.c.through < oldest,
            )
        )

        self.add = text(
            insert(notifications).values(
                {name: bindparam(name) for name in ("recipient", "kind", "data", "severity", "created_at")}
            )
        )
        # What nobody has answered yet, of those that were placed behind the mark.
        self.new_orders = text(
            select(sql.count(), sql.min(orders.c.number), sql.max(orders.c.number)).where(
                _placed_behind(dialect), orders.c.status == literal_column("'pending'")
            )
        )
        self.newest_order = text(_newest_order(dialect))
        # How far back that looked, where other changes lie between.
        self.newest_change = text(_newest_order(dialect) if dialect is dialects.SQLITE else select(sql.max(feed.c.seq)))

        is_read = or_(
            notifications.c.recipient == literal_column(f"'{SHOP}'"),
            exists().where(_read_by(notifications.c.recipient)),
            exists().where(_marked_by(dialect, notifications.c.recipient)),
        )
        self.old = text(
            select(
                notifications.c.created_at,
                notifications.c.entry,
                notifications.c.id,
                case((or_(notifications.c.created_at < bindparam("before"), is_read), ONE), else_=ZERO),
            )
            .where(
                notifications.c.created_at < bindparam("read_before"),
                tuple_(notifications.c.created_at, notifications.c.entry)
                > tuple_(bindparam("after_at"), bindparam("after_entry")),
            )
            .order_by(notifications.c.created_at, notifications.c.entry)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        # One that somebody holds is left for the next round.
        free_ones = select(notifications.c.id).where(named).with_for_update(skip_locked=True)
        self.forget = text(notifications.delete().where(notifications.c.id.in_(free_ones)))


def _read_by(user_id: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(notification_reads.c.notification_id == notifications.c.id, notification_reads.c.user_id == user_id)


def _marked_by(dialect: Dialect, user_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The marks of a user under which the notification lies, but for those set before it could be seen."""
    number = "' ' || coalesce(notifications.written_in, 0) || ' '"
    was_unseen: ColumnElement[bool] = literal_column(dialect.contains("notification_marks.unseen", number))
    return and_(
        notification_marks.c.user_id == user_id,
        notification_marks.c.recipient == notifications.c.recipient,
        notification_marks.c.through >= notifications.c.entry,
        or_(notification_marks.c.unseen == literal_column("''"), ~was_unseen),
    )


# With several writers an order may become visible after one of a higher number; the feed's numbers come in the order of
# commits.
_PLACED: Final = and_(feed.c.seq > bindparam("mark"), feed.c.kind == literal_column("'order.placed'"))


def _placed_behind(dialect: Dialect) -> ColumnElement[bool]:
    if dialect is dialects.SQLITE:
        return and_(orders.c.number > bindparam("mark"), orders.c.number <= bindparam("through"))
    return orders.c.id.in_(select(feed.c.entity_id).where(_PLACED, feed.c.seq <= bindparam("through")))


def _newest_order(dialect: Dialect) -> Select[Any]:
    if dialect is dialects.SQLITE:
        return select(sql.max(orders.c.number))
    return select(sql.max(feed.c.seq)).where(_PLACED)
