"""Money: whole minor units and an ISO 4217 code, never a float.

How tax is rounded: per line, on the line's total (unit price times quantity), exactly, and half up: a half of a minor
unit counts as one. The order's tax is the sum of its lines' taxes, so a receipt adds up line by line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BASIS_POINTS: Final = 10_000  # a rate of 1,500 basis points is 15 %

# JavaScript reads integers exactly up to 2**53: 200 lines of 999 pieces at this price stay below it.
PRICE_MINOR_MAX: Final = 10_000_000_000

# ISO 4217 minor-unit exponents that are not 2, of the currencies a shop is likely to meet.
_EXPONENTS: Final = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}


@dataclass(frozen=True, slots=True)
class Money:
    """An amount as people are told it."""

    minor: int
    currency: str

    def __str__(self) -> str:
        exponent = _EXPONENTS.get(self.currency, 2)
        if exponent == 0:
            return f"{self.currency} {self.minor}"
        sign = "-" if self.minor < 0 else ""
        whole, rest = divmod(abs(self.minor), 10**exponent)
        return f"{self.currency} {sign}{whole}.{rest:0{exponent}d}"


def tax_on_line(line_total_minor: int, rate_bp: int) -> int:
    """Tax in minor units on one line, rounded half up."""
    return (line_total_minor * rate_bp + BASIS_POINTS // 2) // BASIS_POINTS
