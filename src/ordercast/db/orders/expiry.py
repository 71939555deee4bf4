"""Letting orders expire that the shop has not answered."""

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

# In one unit of work, so that an order that comes meanwhile does not wait for a whole night's.
EXPIRED_AT_ONCE_MAX: Final = 100


class Expired(NamedTuple):
    """How many `orders` have expired, and the number behind which others may be to expire; None where none are."""

    orders: int
    through: int | None


def expire_pending(
    transaction: Transaction, before: Timestamp, now: Timestamp, *, after: int = 0, limit: int | None = None
) -> Expired:
    """Expire the oldest orders with a number above `after` that are pending and unchanged since `before`. One that
    cannot be expired keeps no other from it.

    Counted from the last change, not from the placing: an order that comes back from `on_hold` has its time again.
    """
    limit = limit or EXPIRED_AT_ONCE_MAX
    found = transaction.all(statements.PENDING_SINCE_FOR_UPDATE, before=before, after=after, limit=limit)
    orders = sum(_expire(transaction, order_id, now) for order_id, _ in found)
    return Expired(orders, found[-1][1] if len(found) == limit else None)


def pending_since(transaction: Transaction, before: Timestamp, after: int) -> list[int]:
    """The numbers of those that `expire_pending` would find, up to EXPIRED_AT_ONCE_MAX."""
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
            log.warning("order %s cannot be expired: %s", order_id, error)
        return False
    return True
