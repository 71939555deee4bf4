"""Replay: sends an endpoint again what it missed since a time or a position."""

from __future__ import annotations

from functools import partial
from typing import Final, NamedTuple

from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Store, Transaction, UnitOfWork, feed
from ordercast.db.webhooks import deliveries, statements
from ordercast.db.webhooks.endpoints import WebhookEndpoint

from . import events
from .feed_follower import ROWS_AT_ONCE, rows_after

# Rows per request, a second or two; the client continues where it ended.
ROWS_MAX: Final = 5_000


class ReplayResult(NamedTuple):
    replayed: int
    """How many deliveries are pending now, repeated or new."""
    next_after: int | None
    """Where the next request continues; None at the end."""


async def replay_after(
    store: Store, endpoint: WebhookEndpoint, after: int, now: Timestamp, *, delivered_too: bool
) -> ReplayResult:
    """Send the rows after `after` that match the endpoint's filters, up to its cursor."""
    count, looked_at = 0, 0
    while looked_at < ROWS_MAX:
        changes = await store.read(partial(rows_after, after=after, limit=ROWS_AT_ONCE))
        changes = [change for change in changes if change.seq <= endpoint.through]
        if not changes:
            return ReplayResult(count, None)
        new = list(events.deliveries_of(changes, store.epoch, endpoint.events))
        unit = partial(deliveries.add_or_replay, endpoint_id=endpoint.id, new=new, now=now, delivered_too=delivered_too)
        count += await store.write(UnitOfWork(unit)) if new else 0
        after, looked_at = changes[-1].seq, looked_at + len(changes)
    return ReplayResult(count, after if after < endpoint.through else None)


def position_at(transaction: Transaction, moment: str) -> int:
    """The position of the last row before a time, by binary search: rows are in commit order, which differs from time
    order by seconds at most.
    """
    after, newest = _oldest(transaction) - 1, feed.newest_seq(transaction)
    while after < newest:
        middle = (after + newest) // 2
        row = transaction.one(statements.FEED_AT, after=middle)
        if row is None or str(row[1]) >= moment:
            newest = middle
        else:
            after = row[0]
    return max(0, after)


def _oldest(transaction: Transaction) -> int:
    row = transaction.one(statements.FEED_AT, after=0)
    return 1 if row is None else int(row[0])
