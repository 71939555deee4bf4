"""Currencies (ISO 4217). Server, pages and docs take the digits of money from this table."""

from __future__ import annotations

from functools import cache
from typing import Final

USUAL_DIGITS: Final = 2


@cache
def minor_digits() -> dict[str, int]:
    """Decimal digits by currency; codes without digits, such as gold, are left out."""
    # Lazily: reading the table takes 30 ms.
    from iso4217 import Currency  # noqa: PLC0415

    return {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}


def exponent_of(currency: str) -> int:
    """The decimal digits of a currency; 2 for a code that is no longer listed."""
    return minor_digits().get(currency, USUAL_DIGITS)


def is_in_use(currency: str) -> bool:
    """Whether a shop may use the currency."""
    return currency in minor_digits()


def unusual_digits() -> dict[str, int]:
    """Decimal digits of the currencies that do not have two, for pages."""
    return {code: digits for code, digits in sorted(minor_digits().items()) if digits != USUAL_DIGITS}
