"""Limits of unpaid, unanswered orders of guests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .errors import InvalidField, TooManyWaiting


@dataclass(frozen=True, slots=True)
class UnpaidHoldings:
    """A caller's unpaid, unanswered orders, and their pieces."""

    orders: int
    pieces: int


@dataclass(frozen=True, slots=True)
class UnpaidLimits:
    """The limits; None for no limit."""

    orders_max: int | None = None
    pieces_max: int | None = None
    order_pieces_max: int | None = None
    """Pieces per guest order, however it is paid."""

    def check(self, waiting: UnpaidHoldings) -> None:
        """Raise TooManyWaiting if a limit is exceeded."""
        if self.orders_max is not None and waiting.orders > self.orders_max:
            raise TooManyWaiting("guest_orders_open")
        if self.pieces_max is not None and waiting.pieces > self.pieces_max:
            raise TooManyWaiting("guest_pieces_open")

    def check_order(self, pieces: int) -> None:
        """Raise InvalidField if one order is too large."""
        if self.order_pieces_max is not None and pieces > self.order_pieces_max:
            sentence = f"A guest may order {self.order_pieces_max} pieces at a time; who signs in may order more."
            raise InvalidField("cartItems", sentence)


UNBOUNDED: Final = UnpaidLimits()
