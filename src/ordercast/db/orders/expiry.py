"""Expires orders that the shop has not answered."""

from __future__ import annotations

import logging
from typing import Final, NamedTuple

from ordercast.commerce.people import Actor, Role
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.db.transaction import Transaction

from . import change_status, statements

TIMER: Final = Actor(Role.SERVICE, "timer")
log = logging.getLogger("ordercast.db")

# Per unit of work, so that other writers do not wait for a night's orders.
EXPIRED_AT_ONCE_MAX: Final = 100


class Expired(NamedTuple):
    """The number of expired `orders`, and the number after which more may follow; None at the end."""

    orders: int
    through: int | None


def expire_pending(
    transaction: Transaction, before: Timestamp, now: Timestamp, *, after: int = 0, limit: int | None = None
) -> Expired:
    """Expire the oldest orders above the number `after` that are pending and unchanged since `before`. One that fails
    is skipped.

    Counted from the last change: an order back from `on_hold` has its full time again.
    """
    limit = limit or EXPIRED_AT_ONCE_MAX
    found = transaction.all(statements.PENDING_SINCE_FOR_UPDATE, before=before, after=after, limit=limit)
    orders = sum(_expire(transaction, order_id, now) for order_id, _ in found)
    return Expired(orders, found[-1][1] if len(found) == limit else None)


def pending_since(transaction: Transaction, before: Timestamp, after: int) -> list[int]:
    """The numbers that `expire_pending` would find, up to EXPIRED_AT_ONCE_MAX."""
    found = transaction.all(statements.PENDING_SINCE, before=before, after=after, limit=EXPIRED_AT_ONCE_MAX)
    return [number for _, number in found]


def _expire(transaction: Transaction, order_id: str, now: Timestamp) -> bool:
    reason, expired = "The shop did not answer in time.", OrderStatus.EXPIRED

    def one(part: Transaction) -> None:
        change_status(part, order_id, expired, TIMER, reason=reason, expected_version=None, now=now)

    try:
        transaction.attempt(one)
    except Exception as error:
        if not transaction.is_of_row(error):
            raise
        if transaction.damaged.is_first("expiry", order_id):
            log.warning("could not expire order %s: %s", order_id, error)
        return False
    return True
