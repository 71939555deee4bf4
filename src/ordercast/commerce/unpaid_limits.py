"""What guests may have set aside for them before anybody has paid for it, and the shop has looked at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .errors import InvalidField, TooManyWaiting


@dataclass(frozen=True, slots=True)
class UnpaidHoldings:
    """Of one caller: orders that are neither paid nor answered, and the pieces in them."""

    orders: int
    pieces: int


@dataclass(frozen=True, slots=True)
class UnpaidLimits:
    """None is no bound."""

    orders_max: int | None = None
    pieces_max: int | None = None
    order_pieces_max: int | None = None
    """Of one order of a guest, however it is paid."""

    def check(self, waiting: UnpaidHoldings) -> None:
        """Raises TooManyWaiting."""
        if self.orders_max is not None and waiting.orders > self.orders_max:
            raise TooManyWaiting("guest_orders_open")
        if self.pieces_max is not None and waiting.pieces > self.pieces_max:
            raise TooManyWaiting("guest_pieces_open")

    def check_order(self, pieces: int) -> None:
        """Raises InvalidField."""
        if self.order_pieces_max is not None and pieces > self.order_pieces_max:
            sentence = f"A guest may order {self.order_pieces_max} pieces at a time; who signs in may order more."
            raise InvalidField("cartItems", sentence)


UNBOUNDED: Final = UnpaidLimits()
