"""How the shop charges, in its one row; see ``commerce.shop``."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import CheckConstraint, Column, Table

from ordercast.commerce.money import Rounding
from ordercast.commerce.shop import DEMO_SHOP
from ordercast.db.columns import (
    actor,
    amount,
    currency,
    flag,
    json_array,
    json_object,
    metadata,
    moment,
    one_of,
    version,
    word,
)
from ordercast.db.domains import Integer

_TAX_RATES: Final = msgspec.json.encode(DEMO_SHOP.tax_rates_bp).decode()

shop = Table(
    "shop",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_shop"), primary_key=True, autoincrement=False),
    currency(DEMO_SHOP.currency),
    json_object("tax_rates_bp", _TAX_RATES),
    flag("prices_include_tax", DEMO_SHOP.prices_include_tax),
    word("rounding", default=DEMO_SHOP.rounding),
    amount("delivery_fee", DEMO_SHOP.delivery_fee),
    amount("free_delivery_from", DEMO_SHOP.free_delivery_from, optional=True),
    json_array("delivery_zones"),
    version(),
    actor(),
    moment("updated_at"),
    one_of("rounding", Rounding),
)
