"""Codes that take something off an order, and how often each is used by orders that stand."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Table
from sqlalchemy import text as sql

from ordercast.commerce.money import BASIS_POINTS
from ordercast.commerce.promotions import PromotionKind

from .columns import EXTERNAL_ACTOR, Integer, Text, amount, flag, metadata, moment, one_of

_VALUE: str = (
    f"CASE kind WHEN '{PromotionKind.PERCENT}' THEN value BETWEEN 1 AND {BASIS_POINTS}"
    f" WHEN '{PromotionKind.AMOUNT}' THEN value > 0 ELSE value = 0 END"
)

promotions = Table(
    "promotions",
    metadata,
    Column("code", Text, CheckConstraint("code = upper(code)", name="code_in_capitals"), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("value", Integer, CheckConstraint(_VALUE, name="value_fits_kind"), nullable=False),
    Column("currency", Text, nullable=False, server_default="BDT"),
    amount("min_subtotal"),
    Column("starts_at", Text),
    Column("ends_at", Text),
    amount("uses"),
    Column("uses_max", Integer),
    Column("uses_per_customer_max", Integer),
    flag("active", True),
    Column("version", Integer, nullable=False, server_default=sql("1")),
    Column("actor", Text, nullable=False, server_default=EXTERNAL_ACTOR),
    moment("created_at"),
    moment("updated_at"),
    one_of("kind", PromotionKind),
    CheckConstraint("uses_max IS NULL OR uses <= uses_max", name="uses_within_max"),
    CheckConstraint("ends_at IS NULL OR starts_at IS NULL OR ends_at > starts_at", name="ends_after_start"),
)
