"""Ends orders and bookings that the shop did not answer in time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from ordercast.commerce.people import Actor, Role
from ordercast.commerce.timestamps import Timestamp

from .statement import Statement
from .transaction import Transaction

TIMER: Final = Actor(Role.SERVICE, "timer")
log = logging.getLogger("ordercast.db")

# Per unit of work, so that other writers do not wait for a night's orders.
EXPIRED_AT_ONCE_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Expiry:
    """How one noun expires."""

    noun: str
    unanswered: Statement
    """Ids and numbers of those unanswered `before` a moment, above the number `after`, in order."""
    unanswered_for_update: Statement
    """The same, locked, without those that somebody is changing."""
    end: Callable[[Transaction, str, Timestamp], object]
    """Ends the one of an id; it may raise."""


class Expired(NamedTuple):
    """How many were ended, and the number after which more may follow; None at the end."""

    ended: int
    through: int | None


def expire(
    transaction: Transaction,
    expiry: Expiry,
    before: Timestamp,
    now: Timestamp,
    *,
    after: int = 0,
    limit: int | None = None,
) -> Expired:
    """End the oldest above the number `after` that nobody answered `before` that moment. One that fails is skipped."""
    limit = limit or EXPIRED_AT_ONCE_MAX
    found = transaction.all(expiry.unanswered_for_update, before=before, after=after, limit=limit)
    ended = sum(_end(transaction, expiry, id_, now) for id_, _ in found)
    return Expired(ended, found[-1][1] if len(found) == limit else None)


def unanswered(transaction: Transaction, expiry: Expiry, before: Timestamp, after: int) -> list[int]:
    """The numbers that `expire` would find, up to EXPIRED_AT_ONCE_MAX."""
    found = transaction.all(expiry.unanswered, before=before, after=after, limit=EXPIRED_AT_ONCE_MAX)
    return [number for _, number in found]


def _end(transaction: Transaction, expiry: Expiry, id_: str, now: Timestamp) -> bool:
    try:
        transaction.attempt(lambda part: expiry.end(part, id_, now))
    except Exception as error:
        if not transaction.is_of_row(error):
            raise
        if transaction.damaged.is_first("expiry", id_):
            log.warning("could not expire %s %s: %s", expiry.noun, id_, error)
        return False
    return True
