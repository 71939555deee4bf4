"""Products and their stock."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    bindparam,
    select,
    update,
)
from sqlalchemy.dialects import sqlite

from ordercast.commerce.catalogue import Product
from ordercast.db.schema import product_history, products

from .compiling import ONE, ZERO, Compile, values_of

_WRITTEN: Final = (*Product.__struct_fields__, "actor", "reason", "updated_at")
_EDITED: Final = tuple(name for name in _WRITTEN if name not in {"id", "version"})
_HISTORY: Final = ("version", "before", "after", "actor", "reason", "at")


class ProductStatements:
    def __init__(self, text: Compile) -> None:
        product_columns = [products.c[name] for name in Product.__struct_fields__]
        in_order = select(*product_columns).order_by(products.c.id).limit(bindparam("limit")).offset(ZERO)
        self.by_id = text(select(*product_columns).where(products.c.id == bindparam("id")))
        self.by_ids = text(select(*product_columns).where(products.c.id.in_(values_of("ids"))))
        self.every_after = text(in_order.where(products.c.id > bindparam("after")))
        self.for_sale_after = text(in_order.where(products.c.id > bindparam("after"), products.c.active == ONE))
        self.reserve = text(
            update(products)
            .values(stock=products.c.stock - bindparam("quantity"), sold=products.c.sold + bindparam("quantity"))
            .where(products.c.id == bindparam("product_id"))
        )
        product_row = sqlite.insert(products).values({name: bindparam(name) for name in _WRITTEN})
        self.add = text(product_row.on_conflict_do_nothing(index_elements=["slug"]))
        # Of the version that was read, so that nobody's edit is lost.
        self.edit = text(
            update(products)
            .values({name: bindparam(f"new_{name}") for name in _EDITED} | {"version": products.c.version + ONE})
            .where(products.c.id == bindparam("product_id"))
        )
        self.last_edit = text(select(products.c.actor, products.c.updated_at).where(products.c.id == bindparam("id")))
        self.history = text(
            select(*(product_history.c[name] for name in _HISTORY))
            .where(product_history.c.product_id == bindparam("product_id"))
            .order_by(product_history.c.entry)
        )
