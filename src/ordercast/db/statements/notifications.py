"""Notifications, and who has read them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, insert, literal_column, or_, select
from sqlalchemy import func as sql

from ordercast.commerce.notifications import SHOP
from ordercast.db import dialects
from ordercast.db.dialects import Dialect
from ordercast.db.schema import feed, notification_reads, notifications, orders

from .compiling import ZERO, Compiler

_SHOWN = ("id", "kind", "order_id", "data", "severity", "created_at")


class NotificationStatements:
    def __init__(self, text: Compiler) -> None:
        mine = notifications.c.recipient.in_(text.dialect.values_of("recipients"))
        read = and_(
            notification_reads.c.notification_id == notifications.c.id,
            notification_reads.c.user_id == bindparam("user_id"),
        )
        is_unread: ColumnElement[bool] = notification_reads.c.read_at.is_(None)
        joined = notifications.outerjoin(notification_reads, read)
        newest = (
            select(*(notifications.c[name] for name in _SHOWN), notification_reads.c.read_at)
            .select_from(joined)
            .where(mine, notifications.c.id < bindparam("before"))
            .order_by(notifications.c.id.desc())
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        self.before = text(newest)
        self.unread_before = text(newest.where(is_unread))
        self.unread = text(select(sql.count()).select_from(joined).where(mine, is_unread))
        shown = [bindparam("user_id").label("user_id"), notifications.c.id, bindparam("read_at").label("read_at")]
        columns = ["user_id", "notification_id", "read_at"]
        self.see = text(
            text.dialect.insert(notification_reads)
            .from_select(columns, select(*shown).where(mine, notifications.c.id.in_(text.dialect.values_of("ids"))))
            .on_conflict_do_nothing()
        )
        self.see_all = text(
            text.dialect.insert(notification_reads)
            .from_select(columns, select(*shown).select_from(joined).where(mine, is_unread))
            .on_conflict_do_nothing()
        )
        self.known = text(select(sql.count()).where(mine, notifications.c.id.in_(text.dialect.values_of("ids"))))
        self.add = text(
            insert(notifications).values(
                {name: bindparam(name) for name in ("recipient", "kind", "data", "severity", "created_at")}
            )
        )
        # What nobody has answered yet, of those that were placed behind the mark.
        self.new_orders = text(
            select(sql.count(), sql.min(orders.c.number), sql.max(orders.c.number)).where(
                _placed_behind(text.dialect), orders.c.status == literal_column("'pending'")
            )
        )
        self.newest_order = text(_newest_order(text.dialect))
        is_read = exists().where(notification_reads.c.notification_id == notifications.c.id)
        old = select(notifications.c.id).where(
            or_(
                and_(
                    notifications.c.created_at < bindparam("read_before"),
                    or_(is_read, notifications.c.recipient == literal_column(f"'{SHOP}'")),
                ),
                notifications.c.created_at < bindparam("before"),
            )
        )
        self.forget_old = text(
            notifications.delete().where(notifications.c.id.in_(old.limit(bindparam("limit")).offset(ZERO)))
        )


# With several writers an order may become visible after one of a higher number; the feed's numbers come in the order of
# commits.
_PLACED: Final = and_(feed.c.seq > bindparam("mark"), feed.c.kind == literal_column("'order.placed'"))


def _placed_behind(dialect: Dialect) -> ColumnElement[bool]:
    if dialect is dialects.SQLITE:
        return orders.c.number > bindparam("mark")
    return orders.c.id.in_(select(feed.c.entity_id).where(_PLACED))


def _newest_order(dialect: Dialect) -> Select[Any]:
    if dialect is dialects.SQLITE:
        return select(sql.max(orders.c.number))
    return select(sql.max(feed.c.seq)).where(_PLACED)
