"""How the shop charges, in its one row; see ``commerce.shop``."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import CheckConstraint, Column, Table
from sqlalchemy import text as sql

from ordercast.commerce.money import Rounding
from ordercast.commerce.shop import DEMO_SHOP

from .columns import EXTERNAL_ACTOR, Integer, Text, amount, flag, json_array, json_text, metadata, moment, one_of

_TAX_RATES: Final = msgspec.json.encode(DEMO_SHOP.tax_rates_bp).decode()

shop = Table(
    "shop",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_shop"), primary_key=True, autoincrement=False),
    Column("currency", Text, nullable=False, server_default=DEMO_SHOP.currency),
    json_text("tax_rates_bp", _TAX_RATES),
    flag("prices_include_tax", DEMO_SHOP.prices_include_tax),
    Column("rounding", Text, nullable=False, server_default=DEMO_SHOP.rounding),
    amount("delivery_fee", DEMO_SHOP.delivery_fee),
    # An amount like the others, but one that may be missing.
    Column("free_delivery_from", Integer, server_default=sql(str(DEMO_SHOP.free_delivery_from))),
    json_array("delivery_zones"),
    Column("version", Integer, nullable=False, server_default=sql("1")),
    Column("actor", Text, nullable=False, server_default=EXTERNAL_ACTOR),
    moment("updated_at"),
    one_of("rounding", Rounding),
)
