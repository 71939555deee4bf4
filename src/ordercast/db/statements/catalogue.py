"""Products and their stock."""

from __future__ import annotations

from sqlalchemy import (
    bindparam,
    select,
    update,
)
from sqlalchemy.dialects import sqlite

from ordercast.db.schema import products

from .compiling import ZERO, Compile, values_of


class ProductStatements:
    def __init__(self, text: Compile) -> None:
        product_columns = [products.c[name] for name in products.c.keys()]  # noqa: SIM118 - a ColumnCollection
        self.by_id = text(select(*product_columns).where(products.c.id == bindparam("id")))
        self.by_ids = text(select(*product_columns).where(products.c.id.in_(values_of("ids"))))
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
            .where(products.c.id == bindparam("product_id"))
        )
        product_row = sqlite.insert(products).values({name: bindparam(name) for name in products.c.keys()})  # noqa: SIM118
        self.add = text(product_row.on_conflict_do_nothing(index_elements=["slug"]))
