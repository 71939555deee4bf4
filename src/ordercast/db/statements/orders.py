"""Placing, moving and listing orders."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ColumnElement,
    bindparam,
    literal_column,
    select,
    update,
)
from sqlalchemy import func as sql

from ordercast.commerce.transitions import TERMINAL
from ordercast.db.documents import order_document
from ordercast.db.schema import (
    order_history,
    order_lines,
    orders,
)
from ordercast.db.sql import expand

from .compiling import ONE, ZERO, Compiler, free, insert_many, insert_rows, to_change

# The columns that placing an order fills; the others keep their defaults.
_PLACED: Final = (
    "id", "payment_status", "fulfilment", "subtotal", "tax", "shipping_fee", "discount", "total", "captured",
    "currency", "prices_include_tax", "promo_code", "customer_id", "customer_name", "customer_email",
    "customer_mobile", "billing_info", "shipping_info", "cart_items", "payment_info", "tracking_hash", "actor",
    "placed_from", "created_at", "updated_at",
)  # fmt: skip
_LINE: Final = (
    "order_number", "position", "product_id", "quantity", "unit_price", "line_total", "tax", "reserved",
)  # fmt: skip
_STATE: Final = (
    "id", "status", "payment_status", "payment_info", "fulfilment", "version", "held_from", "driver_id",
    "customer_id", "attempts", "actor", "updated_at", "total", "captured", "refunded", "refunding",
    "currency",
)  # fmt: skip

_HISTORY: Final = (
    "version", "from_status", "to_status", "from_payment_status", "to_payment_status", "actor", "reason", "at",
)  # fmt: skip


class OrderStatements:
    def __init__(self, text: Compiler) -> None:
        document: ColumnElement[str] = literal_column(expand(order_document("orders"), text.dialect))
        self.insert = insert_many(text, orders, _PLACED)
        self.insert_lines = text(insert_rows(text.dialect, order_lines, _LINE))
        waiting = (
            orders.c.placed_from.is_not(None),  # as the index has it
            orders.c.status == literal_column("'pending'"),
            orders.c.payment_status == literal_column("'unpaid'"),
        )
        self.waiting_of_callers = text(
            select(orders.c.placed_from, sql.count(orders.c.number.distinct()), sql.sum(order_lines.c.quantity))
            .join(order_lines, order_lines.c.order_number == orders.c.number)
            .where(orders.c.placed_from.in_(text.dialect.values_of("callers")), *waiting)
            .group_by(orders.c.placed_from)
        )
        self.state = text(to_change(select(*(orders.c[name] for name in _STATE)).where(orders.c.id == bindparam("id"))))
        self.change_status = text(
            update(orders)
            .values(
                {
                    name: bindparam(f"new_{name}")
                    for name in (
                        "status", "payment_status", "captured", "refunded", "refunding", "held_from", "driver_id",
                        "attempts", "eta_at", "actor", "reason", "updated_at",
                    )
                }
                | {"version": orders.c.version + ONE}
            )
            .where(orders.c.id == bindparam("order_id"))
        )  # fmt: skip
        self.document = text(
            select(document, orders.c.customer_id, orders.c.driver_id, orders.c.status).where(
                orders.c.id == bindparam("id")
            )
        )
        ended_at = (
            select(sql.max(order_history.c.at))
            .where(
                order_history.c.order_id == orders.c.id,
                order_history.c.to_status.in_([literal_column(f"'{status}'") for status in sorted(TERMINAL)]),
                order_history.c.from_status.is_distinct_from(order_history.c.to_status),
            )
            .scalar_subquery()
        )
        self.by_tracking_hash = text(
            select(orders.c.id, ended_at).where(orders.c.tracking_hash == bindparam("tracking_hash"))
        )
        self.tracking_hash = text(select(orders.c.tracking_hash).where(orders.c.id == bindparam("id")))
        self.replace_tracking_hash = text(
            update(orders)
            .values(tracking_hash=bindparam("new_tracking_hash"))
            .where(orders.c.id == bindparam("order_id"), orders.c.tracking_hash == bindparam("former"))
        )
        # One statement per filter: a filter that may be absent would keep SQLite from using its index.
        newest = (
            select(orders.c.number, document)
            .where(orders.c.number < bindparam("before"))
            .order_by(orders.c.number.desc())
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        with_status = orders.c.status == bindparam("status")
        of_customer = orders.c.customer_id == bindparam("customer_id")
        of_driver = orders.c.driver_id == bindparam("driver_id")
        self.before = text(newest)
        self.with_status_before = text(newest.where(with_status))
        self.of_customer_before = text(newest.where(of_customer))
        self.of_customer_with_status_before = text(newest.where(of_customer, with_status))
        self.of_driver_before = text(newest.where(of_driver))
        self.of_driver_with_status_before = text(newest.where(of_driver, with_status))
        self.to_take_before = text(
            newest.where(orders.c.driver_id.is_(None), orders.c.status == literal_column("'ready_for_delivery'"))
        )
        pending = (
            select(orders.c.id, orders.c.number)
            .where(
                orders.c.status == literal_column("'pending'"),
                orders.c.updated_at < bindparam("before"),
                orders.c.number > bindparam("after"),
            )
            .order_by(orders.c.number)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        self.pending_since = text(pending)
        # Those that somebody is changing just now are not unanswered.
        self.pending_since_to_change = text(free(pending))
        history_columns = [order_history.c[n] for n in ("entry", *_HISTORY)]
        self.history = text(
            select(*history_columns)
            .where(order_history.c.order_id == bindparam("order_id"), order_history.c.entry > bindparam("after"))
            .order_by(order_history.c.entry)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
