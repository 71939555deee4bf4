"""Codes that take something off an order, and how often each is used by orders that stand."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Table

from ordercast.commerce.money import BASIS_POINTS
from ordercast.commerce.promotions import PromotionKind
from ordercast.db.columns import (
    actor,
    amount,
    count,
    currency,
    flag,
    given_moment,
    line,
    metadata,
    moment,
    one_of,
    version,
    word,
)

_VALUE: str = (
    f"CASE kind WHEN '{PromotionKind.PERCENT}' THEN value BETWEEN 1 AND {BASIS_POINTS}"
    f" WHEN '{PromotionKind.AMOUNT}' THEN value > 0 ELSE value = 0 END"
)

promotions = Table(
    "promotions",
    metadata,
    line("code", CheckConstraint("code = upper(code)", name="code_in_capitals"), primary_key=True),
    word("kind"),
    count("value", CheckConstraint(_VALUE, name="value_fits_kind"), default=None),
    currency("BDT"),
    amount("min_subtotal"),
    given_moment("starts_at", optional=True),
    given_moment("ends_at", optional=True),
    count("uses", CheckConstraint("uses >= 0", name="uses_not_negative")),
    count("uses_max", default=None, optional=True),
    count("uses_per_customer_max", default=None, optional=True),
    flag("active", True),
    version(),
    actor(),
    moment("created_at"),
    moment("updated_at"),
    one_of("kind", PromotionKind),
    CheckConstraint("uses_max IS NULL OR uses <= uses_max", name="uses_within_max"),
    CheckConstraint("ends_at IS NULL OR starts_at IS NULL OR ends_at > starts_at", name="ends_after_start"),
)
