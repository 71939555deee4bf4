"""The promised time: when the shop says that an order will be ready, to be collected or to leave with a driver.

It is set as the order is accepted, and may be changed until the order is ready.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta

from .errors import InvalidField
from .people import Actor
from .states import OrderState
from .states import OrderStatus as S
from .timestamps import Timestamp, timestamp

# What takes longer than a day is not prepared while somebody waits: it is a booking, or sent later.
PREPARATION_MINUTES_MAX: Final = 24 * 60

PreparationMinutes = Annotated[
    int, Meta(ge=1, le=PREPARATION_MINUTES_MAX, description="How many minutes from now it will be ready")
]


@dataclass(frozen=True, slots=True)
class Preparation:
    """How long an order takes that begins to be prepared: what was asked for, or the shop's default; else unsaid."""

    asked: int | None = None
    default: int | None = None

    def promised_at(self, source: S, target: S, now: Timestamp, wanted: Timestamp | None = None) -> Timestamp | None:
        """The time to promise with that move; None leaves it as it was. What the buyer `wanted` at a time is promised
        for then, unless another is said. Raises InvalidField.
        """
        if target is not S.PROCESSING:
            if self.asked is not None:
                raise InvalidField("preparationMinutes", "It is promised with the move to processing, and no other.")
            return None
        if self.asked is None and source is S.PENDING and wanted is not None and wanted > now:
            return wanted
        # An order that was on hold keeps what it was promised, unless somebody promises anew.
        minutes = self.asked or (self.default if source is S.PENDING else None)
        return None if minutes is None else minutes_after(now, minutes)


UNSAID: Final = Preparation()


@dataclass(frozen=True, slots=True)
class PromiseChanged:
    """A decided change of the promised time."""

    order: OrderState
    promised_at: Timestamp
    actor: Actor
    reason: str
    at: Timestamp


def minutes_after(now: Timestamp, minutes: int) -> Timestamp:
    return timestamp(round(datetime.fromisoformat(now).timestamp() * 1000) + minutes * 60_000)
