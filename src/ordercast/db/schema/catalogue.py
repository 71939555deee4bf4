"""What is for sale, and how much of it is left."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text
from sqlalchemy import text as sql

from ordercast.commerce.money import PRICE_MINOR_MAX

from .columns import id_default, metadata

products = Table(
    "products",
    metadata,
    Column("id", Text, primary_key=True, server_default=sql(f"({id_default('prd')})")),
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
)
