"""Notifications, and who has read them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, bindparam, exists, insert, literal_column, or_, select
from sqlalchemy import func as sql
from sqlalchemy.dialects import sqlite

from ordercast.commerce.notifications import SHOP
from ordercast.db.schema import notification_reads, notifications, orders

from .compiling import ZERO, Compile, values_of

_SHOWN = ("id", "kind", "order_id", "data", "severity", "created_at")


class NotificationStatements:
    def __init__(self, text: Compile) -> None:
        mine = notifications.c.recipient.in_(values_of("recipients"))
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
            sqlite.insert(notification_reads)
            .from_select(columns, select(*shown).where(mine, notifications.c.id.in_(values_of("ids"))))
            .prefix_with("OR IGNORE")
        )
        self.see_all = text(
            sqlite.insert(notification_reads)
            .from_select(columns, select(*shown).select_from(joined).where(mine, is_unread))
            .prefix_with("OR IGNORE")
        )
        self.known = text(select(sql.count()).where(mine, notifications.c.id.in_(values_of("ids"))))
        self.add = text(
            insert(notifications).values(
                {name: bindparam(name) for name in ("recipient", "kind", "data", "severity", "created_at")}
            )
        )
        # What nobody has answered yet, of those that were placed behind a number.
        self.new_orders = text(
            select(sql.count(), sql.min(orders.c.number), sql.max(orders.c.number)).where(
                orders.c.number > bindparam("number"), orders.c.status == literal_column("'pending'")
            )
        )
        self.newest_order = text(select(sql.max(orders.c.number)))
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
