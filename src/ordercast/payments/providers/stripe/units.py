"""Stripe's own minor units, which are not ISO 4217's for every currency, and the way there and back.

Source: Stripe's documentation, "Supported currencies", sections "Zero-decimal", "Three-decimal" and "Special cases".
"""

from __future__ import annotations

from typing import Final

from ordercast.commerce.currencies import exponent_of
from ordercast.commerce.errors import ProviderRefused
from ordercast.commerce.money import Money

# How many digits an amount there has behind its point, where that is not what the standard says.
_DIGITS: Final = {"ISK": 2, "UGX": 2, "MGA": 0}
# What an amount there must be a multiple of. Of ISK and UGX the two digits are always zero, as all of ours are.
_STEPS: Final = {"BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10}


def to_stripe(amount: Money) -> int:
    """The amount in Stripe's unit. Raises ProviderRefused for one that is finer than Stripe takes."""
    theirs, rest = divmod(amount.minor * _scale(_digits(amount.currency)), _scale(exponent_of(amount.currency)))
    if rest or theirs % _STEPS.get(amount.currency, 1):
        raise ProviderRefused(f"Stripe takes no amount as fine as {amount}.")
    return theirs


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's amount in the minor unit of ISO 4217; `currency` in either case."""
    code = currency.upper()
    return amount * _scale(exponent_of(code)) // _scale(_digits(code))


def _scale(digits: int) -> int:
    scale: int = 10**digits
    return scale


def _digits(currency: str) -> int:
    return _DIGITS.get(currency, exponent_of(currency))
