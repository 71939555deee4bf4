"""How long a tracking token shows its order or booking, and how a buyer without it is known."""

from __future__ import annotations

from datetime import datetime
from typing import Final

# Long enough to look a delivery up again; a forwarded link must not work forever.
TRACKED_AFTER_END_S: Final = 48 * 3600
# The shortest numbers that anybody is called by across a town.
MOBILE_DIGITS_MIN: Final = 6


def tracking_ends(ended_at: str) -> int:
    """The Unix time at which the token of an order or booking that ended then expires."""
    return int(datetime.fromisoformat(ended_at).timestamp()) + TRACKED_AFTER_END_S


def lookup_key(number: int, mobile: str) -> str:
    """What a buyer knows of an order, as it waits to be looked for: its number, and the digits of a telephone."""
    return f"{number} {_digits(mobile)}"


def is_looked_up(key: str, number: int, mobile: str | None) -> bool:
    """Whether `key` speaks of the order of that number and telephone. People leave the country out, or a nought."""
    wanted, _, digits = key.partition(" ")
    given = _digits(mobile or "")
    if wanted != str(number) or min(len(digits), len(given)) < MOBILE_DIGITS_MIN:
        return False
    return given.endswith(digits) or digits.endswith(given)


def _digits(mobile: str) -> str:
    return "".join(filter(str.isdecimal, mobile)).lstrip("0")
