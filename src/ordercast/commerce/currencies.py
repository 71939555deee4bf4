"""Currencies as ISO 4217 has them. Server, pages and docs count the digits of money by this table alone."""

from __future__ import annotations

from functools import cache
from typing import Final

USUAL_DIGITS: Final = 2


@cache
def minor_digits() -> dict[str, int]:
    """How many digits of a major unit are behind its point, for every currency in use; gold and the like have none."""
    # Not at start: reading the standard's table takes 30 ms, and a shop in one usual currency may never need it.
    from iso4217 import Currency  # noqa: PLC0415

    return {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}


def exponent_of(currency: str) -> int:
    """The digits behind the point; two for a code that the standard does not list any more, as old orders may have."""
    return minor_digits().get(currency, USUAL_DIGITS)


def is_in_use(currency: str) -> bool:
    """Whether a shop may charge in it."""
    return currency in minor_digits()


def unusual_digits() -> dict[str, int]:
    """The digits of those currencies that have not two, for pages."""
    return {code: digits for code, digits in sorted(minor_digits().items()) if digits != USUAL_DIGITS}
