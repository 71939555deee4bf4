"""Products and their stock."""

from __future__ import annotations

from sqlalchemy import (
    bindparam,
    select,
    update,
)
from sqlalchemy import func as sql
from sqlalchemy.dialects import sqlite

from ordercast.db.schema import (
    order_lines,
    products,
)

from .compiling import ZERO, Compile


class ProductStatements:
    def __init__(self, text: Compile) -> None:
        product_columns = [products.c[name] for name in products.c.keys()]  # noqa: SIM118 - a ColumnCollection
        self.by_id = text(select(*product_columns).where(products.c.id == bindparam("id")))
        self.after = text(
            select(*product_columns)
            .where(products.c.id > bindparam("after"))
            .order_by(products.c.id)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        self.reserve = text(
            update(products)
            .values(stock=products.c.stock - bindparam("quantity"))
            .where(products.c.id == bindparam("product_id"), products.c.stock >= bindparam("quantity"))
        )
        sold = select(order_lines.c.product_id).where(order_lines.c.order_number == bindparam("order_number"))
        quantity = (
            select(sql.sum(order_lines.c.quantity))
            .where(order_lines.c.order_number == bindparam("order_number"), order_lines.c.product_id == products.c.id)
            .scalar_subquery()
        )
        self.release = text(update(products).values(stock=products.c.stock + quantity).where(products.c.id.in_(sold)))
        product_row = sqlite.insert(products).values({name: bindparam(name) for name in products.c.keys()})  # noqa: SIM118
        self.add = text(product_row.on_conflict_do_nothing(index_elements=["slug"]))
