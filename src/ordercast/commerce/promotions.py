"""Promotions: codes, their conditions and discounts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, Self

from msgspec import Struct, structs

from .errors import InvalidField, PromotionRefused
from .money import BASIS_POINTS, PRICE_MINOR_MAX, Money, Rounding, divided
from .orders import CODE_MAX
from .text_patterns import text_matching
from .timestamps import Timestamp

CODE_PATTERN: Final = rf"^[A-Z0-9][A-Z0-9_-]{{1,{CODE_MAX - 1}}}$"
USES_MAX: Final = 1_000_000_000

Code = Annotated[
    str,
    text_matching(
        CODE_PATTERN,
        "A code of capital letters and digits is wanted, such as WELCOME10",
        description="Compared without regard to case",
    ),
]


class PromotionKind(StrEnum):
    PERCENT = "percent"
    """`value` is basis points of the subtotal: 1000 is 10 %."""
    AMOUNT = "amount"
    """`value` is minor units, and never more than the subtotal."""
    FREE_DELIVERY = "free_delivery"
    """`value` is 0: delivery costs nothing."""


class Promotion(Struct, frozen=True, kw_only=True, rename="camel"):
    """A promotion. Amounts are minor units of `currency`; `uses` counts orders that did not end unfulfilled."""

    code: str
    kind: PromotionKind
    value: int
    currency: str
    min_subtotal: int
    starts_at: Timestamp | None
    ends_at: Timestamp | None
    uses: int
    uses_max: int | None
    uses_per_customer_max: int | None
    active: bool
    version: int
    created_at: Timestamp
    updated_at: Timestamp

    def used(self) -> Self:
        """The promotion after one more use."""
        return structs.replace(self, uses=self.uses + 1)

    def discount(self, subtotal: int, rounding: Rounding) -> int:
        """The discount on the subtotal."""
        match self.kind:
            case PromotionKind.PERCENT:
                return divided(subtotal * self.value, BASIS_POINTS, rounding)
            case PromotionKind.AMOUNT:
                return min(self.value, subtotal)
            case PromotionKind.FREE_DELIVERY:
                return 0


@dataclass(frozen=True, slots=True)
class Offer:
    """A code that a buyer entered, with its promotion, if any."""

    code: str
    promotion: Promotion | None
    uses_by_customer: int
    now: Timestamp

    def checked(self, subtotal: int, currency: str) -> Promotion:
        """The promotion, if it applies to such an order. Raises PromotionRefused."""
        promotion = self.promotion
        if promotion is None:
            raise PromotionRefused(f"There is no promotion {self.code!r}.")
        if (sentence := _refusal(promotion, self.now, subtotal, currency, self.uses_by_customer)) is not None:
            raise PromotionRefused(f"{promotion.code} {sentence}.")
        return promotion


def as_code(written: str) -> str:
    """Normalize a code as typed."""
    return written.strip().upper()


def check_value(kind: PromotionKind, value: int) -> None:
    """Check a promotion's value. Raises InvalidField if its kind does not allow it."""
    bounds = {PromotionKind.PERCENT: (1, BASIS_POINTS), PromotionKind.AMOUNT: (1, PRICE_MINOR_MAX)}
    least, most = bounds.get(kind, (0, 0))
    if not least <= value <= most:
        raise InvalidField("value", f"A promotion of the kind {kind} has a value from {least} to {most}.")


def _refusal(promotion: Promotion, now: Timestamp, subtotal: int, currency: str, by_customer: int) -> str | None:
    """Why it does not apply, as the end of a sentence after the code; None if it does."""
    needed, there = Money(promotion.min_subtotal, currency), Money(subtotal, currency)
    reasons = {
        "has ended": not promotion.active or (promotion.ends_at is not None and now >= promotion.ends_at),
        f"begins at {promotion.starts_at}": promotion.starts_at is not None and now < promotion.starts_at,
        f"holds for orders in {promotion.currency}": promotion.currency != currency,
        f"needs goods for {needed}, and these come to {there}": subtotal < promotion.min_subtotal,
        "has been used as often as it may be": _is_reached(promotion.uses_max, promotion.uses),
        "has been used by this customer as often as it may be": _is_reached(
            promotion.uses_per_customer_max, by_customer
        ),
    }
    return next((sentence for sentence, is_so in reasons.items() if is_so), None)


def _is_reached(bound: int | None, count: int) -> bool:
    return bound is not None and count >= bound
