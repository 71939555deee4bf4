"""Products and their stock."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    bindparam,
    select,
    update,
)

from ordercast.commerce.catalogue import Product
from ordercast.db.schema import product_history, products

from .compiling import ONE, ZERO, Compiler, free, to_change

_WRITTEN: Final = (*Product.__struct_fields__, "actor", "reason", "updated_at")
_EDITED: Final = tuple(name for name in _WRITTEN if name not in {"id", "version"})
_HISTORY: Final = ("version", "before", "after", "actor", "reason", "at")


class ProductStatements:
    def __init__(self, text: Compiler) -> None:
        product_columns = [products.c[name] for name in Product.__struct_fields__]
        in_order = select(*product_columns).order_by(products.c.id).limit(bindparam("limit")).offset(ZERO)
        by_id = select(*product_columns).where(products.c.id == bindparam("id"))
        self.by_id = text(by_id)
        self.by_id_to_change = text(to_change(by_id))
        by_ids = select(*product_columns).where(products.c.id.in_(text.dialect.values_of("ids")))
        self.by_ids = text(by_ids)
        # In one order for everybody: two who want the same products must not wait for each other.
        self.by_ids_to_sell = text(to_change(by_ids.order_by(products.c.id)))
        self.held_by_nobody = text(free(by_ids))
        self.every_after = text(in_order.where(products.c.id > bindparam("after")))
        self.for_sale_after = text(in_order.where(products.c.id > bindparam("after"), products.c.active == ONE))
        sold = select(
            *(
                column.label(name)
                for name, column in zip(
                    ("id", "quantity"), text.dialect.rows_of("rows", products, ("id", "sold")), strict=True
                )
            )
        ).subquery("taken")
        self.reserve = text(
            update(products)
            .values(stock=products.c.stock - sold.c.quantity, sold=products.c.sold + sold.c.quantity)
            .where(products.c.id == sold.c.id)
        )
        product_row = text.dialect.insert(products).values({name: bindparam(name) for name in _WRITTEN})
        self.add = text(product_row.on_conflict_do_nothing(index_elements=["slug"]))
        # Of the version that was read, so that nobody's edit is lost.
        self.edit = text(
            update(products)
            .values({name: bindparam(f"new_{name}") for name in _EDITED} | {"version": products.c.version + ONE})
            .where(products.c.id == bindparam("product_id"))
        )
        self.last_edit = text(select(products.c.actor, products.c.updated_at).where(products.c.id == bindparam("id")))
        self.history = text(
            select(*(product_history.c[name] for name in ("entry", *_HISTORY)))
            .where(
                product_history.c.product_id == bindparam("product_id"), product_history.c.entry > bindparam("after")
            )
            .order_by(product_history.c.entry)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
