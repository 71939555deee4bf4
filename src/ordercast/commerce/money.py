"""Money: whole minor units and an ISO 4217 code, never a float.

Tax is rounded once per line, on the line's total (unit price times quantity) less its share of the discount, exactly,
by the shop's rounding. The order's tax is the sum of its lines' taxes, so a receipt adds up line by line.
``docs/reference/money.md`` has examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .currencies import exponent_of

BASIS_POINTS: Final = 10_000  # a rate of 1,500 basis points is 15 %

# JavaScript reads integers exactly up to 2**53: 200 lines of 999 pieces at this price stay below it.
PRICE_MINOR_MAX: Final = 10_000_000_000


# What one row may hold, in minor units: a hundred billion in most currencies. 900 of the largest add up to what
# JavaScript reads exactly, and 900,000 to what a database's sum holds.
AMOUNT_MAX: Final = 10**13


@dataclass(frozen=True, slots=True)
class Money:
    """An amount, formatted for people."""

    minor: int
    currency: str

    def __str__(self) -> str:
        exponent = exponent_of(self.currency)
        if exponent == 0:
            return f"{self.currency} {self.minor}"
        sign = "-" if self.minor < 0 else ""
        whole, rest = divmod(abs(self.minor), 10**exponent)
        return f"{self.currency} {sign}{whole}.{rest:0{exponent}d}"


class Rounding(StrEnum):
    """How halves of a minor unit are rounded."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    """To the even neighbour: halves go up as often as down."""


def divided(numerator: int, denominator: int, rounding: Rounding) -> int:
    """`numerator` divided by `denominator`, rounded exactly. Neither is negative."""
    whole, rest = divmod(numerator, denominator)
    doubled = 2 * rest
    if doubled != denominator:
        return whole + (doubled > denominator)
    return whole + (rounding is Rounding.HALF_UP or whole % 2 == 1)


def tax_on_line(
    line_total_minor: int, rate_bp: int, *, included: bool = False, rounding: Rounding = Rounding.HALF_UP
) -> int:
    """Tax on a line in minor units; `included` says that the total includes it."""
    return divided(line_total_minor * rate_bp, BASIS_POINTS + (rate_bp if included else 0), rounding)


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Split `amount` in proportion to `weights` into whole units that sum up to it. No share exceeds its weight if
    `amount` does not exceed their sum.

    Each share is rounded down; the remaining units go to the largest remainders, the earlier first among equals.
    """
    whole = sum(weights)
    if amount == 0 or whole == 0:
        return [0] * len(weights)
    shares = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: (-(amount * weights[index] % whole), index))
    for index in by_remainder[: amount - sum(shares)]:
        shares[index] += 1
    return shares
