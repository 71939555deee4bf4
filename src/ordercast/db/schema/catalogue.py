"""What is for sale, how much of it is left, and how that came to be."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Table
from sqlalchemy import text as sql

from ordercast.commerce.money import PRICE_MINOR_MAX

from .columns import EXTERNAL_ACTOR, Integer, Text, flag, metadata, moment, new_id, partial

products = Table(
    "products",
    metadata,
    Column("id", Text, primary_key=True, server_default=new_id("prd")),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("name_bn", Text, nullable=False, server_default=""),
    Column("description", Text, nullable=False, server_default=""),
    Column("description_bn", Text, nullable=False, server_default=""),
    Column(
        "price", Integer, CheckConstraint(f"price BETWEEN 0 AND {PRICE_MINOR_MAX}", name="price_bounds"), nullable=False
    ),
    Column("currency", Text, nullable=False, server_default="BDT"),
    Column("stock", Integer, CheckConstraint("stock >= 0", name="stock_not_negative"), nullable=False),
    Column("tax_class", Text, nullable=False, server_default="standard"),
    Column("image", Text, nullable=False, server_default=""),
    flag("active", True),
    Column("version", Integer, nullable=False, server_default=sql("1")),
    # Pieces that orders have taken from the stock and not given back. An order moves pieces between the two; only
    # somebody who counts the shelves changes their sum.
    Column("sold", Integer, nullable=False, server_default=sql("0")),
    Column("actor", Text, nullable=False, server_default=EXTERNAL_ACTOR),
    Column("reason", Text),
    moment("updated_at"),
    partial("products_for_sale", "id", where="active = 1"),
    partial("products_by_tax_class", "tax_class", where="active = 1"),
)

product_history = Table(
    "product_history",
    metadata,
    Column("entry", Integer, primary_key=True),
    Column("product_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("before", Text),
    Column("after", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("at", Text, nullable=False),
    Index("product_history_by_product", "product_id", "entry"),
)
