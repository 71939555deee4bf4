"""A day's orders, and how long they took."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Integer, bindparam, cast, literal_column, select
from sqlalchemy import func as sql
from sqlalchemy import text as sql_text

from ordercast.commerce.states import OrderStatus
from ordercast.commerce.transitions import TERMINAL
from ordercast.db import dialects
from ordercast.db.columns import names
from ordercast.db.schema import order_history, orders
from ordercast.db.schema.orders import FINISHING_SQL

from .compiling import ONE, ZERO, Compiler

_UNFULFILLED: Final = names({*TERMINAL} - {OrderStatus.DELIVERED})


class StatsStatements:
    def __init__(self, text: Compiler) -> None:
        minute = sql.substr(orders.c.created_at, literal_column("1"), literal_column("16"))
        ordered: ColumnElement[int] = literal_column(
            f"CASE WHEN orders.status IN ({_UNFULFILLED}) THEN 0 ELSE orders.total END", Integer
        )
        self.by_minute = text(
            select(minute, orders.c.status, sql.count(), _sum(ordered), _sum(orders.c.captured - orders.c.refunded))
            .where(orders.c.created_at >= bindparam("begin"), orders.c.created_at < bindparam("end"))
            .group_by(minute, orders.c.status)
        )
        self.open_ages = text(
            select(sql_text(text.dialect.seconds_between("orders.created_at", ":now")))
            # SQLite's planner, left alone, reads every order that ever was.
            .select_from(sql_text("orders INDEXED BY orders_by_status") if text.dialect is dialects.SQLITE else orders)
            .where(literal_column(f"orders.status IN ({names({*OrderStatus} - {*TERMINAL})})"))
        )
        # The same, row by row.
        self.by_order = text(
            select(
                orders.c.id,
                orders.c.created_at,
                orders.c.status,
                literal_column(f"CASE WHEN orders.status IN ({_UNFULFILLED}) THEN 0 ELSE 1 END"),
                orders.c.total,
                orders.c.captured,
                orders.c.refunded,
            ).where(orders.c.created_at >= bindparam("begin"), orders.c.created_at < bindparam("end"))
        )
        self.open_since = text(
            select(orders.c.id, orders.c.created_at).where(
                literal_column(f"orders.status IN ({names({*OrderStatus} - {*TERMINAL})})")
            )
        )
        began = order_history.alias("began")
        since = (
            select(began.c.at)
            .where(
                began.c.order_id == order_history.c.order_id,
                began.c.entry < order_history.c.entry,
                literal_column(
                    f"began.to_status = CASE order_history.to_status WHEN '{OrderStatus.DELIVERED}'"
                    f" THEN '{OrderStatus.PICKED_UP}' ELSE '{OrderStatus.PROCESSING}' END"
                ),
                literal_column("began.from_status <> began.to_status"),
            )
            .order_by(began.c.entry.desc())
            .limit(ONE)
            .offset(ZERO)
            .scalar_subquery()
        )
        finished = (
            select(order_history.c.entry, order_history.c.to_status, since.label("since"), order_history.c.at)
            .where(
                # As the index has it, word for word: SQLite uses a partial one only then.
                literal_column(FINISHING_SQL),
                order_history.c.at >= bindparam("begin"),
                order_history.c.at < bindparam("end"),
                literal_column(
                    f"order_history.from_status IN ('{OrderStatus.PROCESSING}', '{OrderStatus.IN_TRANSIT}')"
                ),
            )
            .subquery("finished")
        )
        lasted: ColumnElement[float] = literal_column(text.dialect.seconds_between("finished.since", "finished.at"))
        self.durations = text(select(finished.c.to_status, lasted))
        self.moments_of_finished = text(select(finished))


def _sum(amount: ColumnElement[int]) -> ColumnElement[int]:
    """As a whole number: PostgreSQL's sum is wider than one."""
    return cast(sql.sum(amount), BigInteger)
