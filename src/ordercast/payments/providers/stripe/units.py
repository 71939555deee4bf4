"""Converts between ISO 4217's minor units and Stripe's, which differ for some currencies.

Source: Stripe's documentation, "Supported currencies", sections "Zero-decimal", "Three-decimal" and "Special cases".
"""

from __future__ import annotations

from typing import Final

from ordercast.commerce.currencies import exponent_of
from ordercast.commerce.errors import ProviderRefused
from ordercast.commerce.money import Money

# Stripe's decimals where they differ from the standard.
_DIGITS: Final = {"ISK": 2, "UGX": 2, "MGA": 0}
# Required multiples. For ISK and UGX two digits are always zero, as in ours.
_STEPS: Final = {"BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10}


def to_stripe(amount: Money) -> int:
    """Convert to Stripe's unit. Raises ProviderRefused if it is finer than Stripe accepts."""
    theirs, rest = divmod(amount.minor * _scale(_digits(amount.currency)), _scale(exponent_of(amount.currency)))
    if rest or theirs % _STEPS.get(amount.currency, 1):
        raise ProviderRefused(f"Stripe takes no amount as fine as {amount}.")
    return theirs


def from_stripe(amount: int, currency: str) -> int:
    """Convert from Stripe's unit; `currency` in either case."""
    code = currency.upper()
    return amount * _scale(exponent_of(code)) // _scale(_digits(code))


def _scale(digits: int) -> int:
    scale: int = 10**digits
    return scale


def _digits(currency: str) -> int:
    return _DIGITS.get(currency, exponent_of(currency))
