"""Letting orders expire that the shop has not answered."""

from __future__ import annotations

import logging
from typing import Final

import msgspec

from ordercast.commerce.moments import Moment
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.states import OrderStatus

from .orders import change_status
from .transaction import Transaction

TIMER: Final = Actor(Role.SERVICE, "timer")
log = logging.getLogger("ordercast.db")

# In one unit of work, so that an order that comes meanwhile does not wait for a whole night's.
EXPIRED_AT_ONCE_MAX: Final = 100


def expire_pending(
    transaction: Transaction, before: Moment, now: Moment, *, after: int = 0, limit: int | None = None
) -> int:
    """Expire the oldest orders with a number above `after` that are pending and unchanged since `before`; how many.

    Counted from the last change, not from the placing: an order that comes back from `on_hold` has its time again.
    """
    statement = transaction.sql.orders.pending_since_to_change
    found = transaction.all(statement, before=before, after=after, limit=limit or EXPIRED_AT_ONCE_MAX)
    return sum(_expire(transaction, order_id, now) for order_id, _ in found)


def pending_since(transaction: Transaction, before: Moment, after: int) -> list[int]:
    """The numbers of those that `expire_pending` would find, up to EXPIRED_AT_ONCE_MAX."""
    statement = transaction.sql.orders.pending_since
    found = transaction.all(statement, before=before, after=after, limit=EXPIRED_AT_ONCE_MAX)
    return [number for _, number in found]


def _expire(transaction: Transaction, order_id: str, now: Moment) -> bool:
    reason = "The shop did not answer in time."
    try:
        change_status(transaction, order_id, OrderStatus.EXPIRED, TIMER, reason=reason, expected_version=None, now=now)
    except msgspec.MsgspecError:
        # Another program wrote a row that cannot be read; it must not keep the others from expiring.
        log.warning("order cannot be expired: %s", order_id, exc_info=True)
        return False
    return True
