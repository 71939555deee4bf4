"""Orders by what their buyers know of them."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from ordercast.db.transaction import Transaction

from . import statements

# As many as every database counts to.
NUMBER_DIGITS_MAX: Final = 18


class PlacedAs(NamedTuple):
    """By whom an order was placed, and how its guest is known."""

    id: str
    number: int
    email: str | None
    mobile: str | None
    tracking_hash: bytes | None


def placed_as(transaction: Transaction, number: str) -> PlacedAs | None:
    """The order of that number, as it was typed. Raises DamagedRow."""
    if not number.isdecimal() or len(number) > NUMBER_DIGITS_MAX:
        return None
    return transaction.read_one(
        statements.PLACED_AS, lambda row: msgspec.convert(row, PlacedAs, strict=False), "orders", number=int(number)
    )
