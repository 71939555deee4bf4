"""What is for sale, how much of it is left, and how that came to be."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Table
from sqlalchemy import text as sql

from ordercast.commerce.money import PRICE_MINOR_MAX
from ordercast.db.columns import (
    actor,
    currency,
    entry,
    flag,
    given_moment,
    identifier,
    line,
    metadata,
    moment,
    partial,
    reason,
    text,
    told,
    version,
    word,
)
from ordercast.db.domains import COUNT_MAX, Integer

products = Table(
    "products",
    metadata,
    identifier("id", prefix="prd", primary_key=True),
    line("slug", unique=True),
    line("name"),
    line("name_bn", default=""),
    text("description", default=""),
    text("description_bn", default=""),
    Column(
        "price", Integer, CheckConstraint(f"price BETWEEN 0 AND {PRICE_MINOR_MAX}", name="price_bounds"), nullable=False
    ),
    currency("BDT"),
    Column("stock", Integer, CheckConstraint("stock >= 0", name="stock_not_negative"), nullable=False),
    word("tax_class", default="standard"),
    line("image", default=""),
    flag("active", True),
    version(),
    # Pieces that orders have taken from the stock and not given back. An order moves pieces between the two; only
    # somebody who counts the shelves changes their sum.
    Column("sold", Integer, nullable=False, server_default=sql("0")),
    actor(),
    reason(),
    moment("updated_at"),
    partial("products_for_sale", "id", where="active = 1"),
    partial("products_by_tax_class", "tax_class", where="active = 1"),
    # Of the sum, which orders leave as it is: what bounded either alone would keep an order from giving back.
    CheckConstraint(f"stock + sold BETWEEN -{COUNT_MAX} AND {COUNT_MAX}", name="stock_within_bounds"),
    CheckConstraint(f"stock <= {2 * COUNT_MAX}", name="stock_is_count"),
)

product_history = Table(
    "product_history",
    metadata,
    entry(),
    identifier("product_id"),
    version(None),
    told("before", optional=True),
    told("after"),
    actor(given=True),
    reason(),
    given_moment("at"),
    Index("product_history_by_product", "product_id", "entry"),
)
