"""Follows the feed for each endpoint, from a place of its own: makes deliveries of what comes behind it, each once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Change, Store, Transaction, UnitOfWork, feed
from ordercast.db.store import change_of
from ordercast.db.webhooks import deliveries, endpoints
from ordercast.db.webhooks.deliveries import NewDelivery
from ordercast.db.webhooks.endpoints import WebhookEndpoint

from . import events

log = logging.getLogger("ordercast.webhooks")

# Rows read of the feed, and written as deliveries, in one go: an order that comes meanwhile waits for milliseconds.
ROWS_AT_ONCE: Final = 256


class _Behind(NamedTuple):
    """Endpoints that are behind the feed, and the rows behind the one that is furthest."""

    endpoints: list[WebhookEndpoint]
    changes: list[Change]
    oldest: int
    """The first row that is still kept."""
    newest: int


async def follow(store: Store, enabled: Sequence[WebhookEndpoint], now: Timestamp) -> bool:
    """Make deliveries of the next rows of the feed for these endpoints; whether there may be more of them."""
    behind = await store.read(lambda transaction: _behind(transaction, enabled))
    if behind is None:
        return False
    moves = [(endpoint, *_next(behind, endpoint, store.epoch, now)) for endpoint in behind.endpoints]

    def unit(transaction: Transaction) -> None:
        for endpoint, through, new in moves:
            deliveries.advance(transaction, endpoint, through, new, now)

    await store.write(UnitOfWork(unit, waits=False))
    return len(behind.changes) == ROWS_AT_ONCE


def rows_behind(transaction: Transaction, after: int, limit: int) -> list[Change]:
    return [change_of(row) for row in transaction.all(feed.AFTER, after=after, limit=limit)]


def _behind(transaction: Transaction, enabled: Sequence[WebhookEndpoint]) -> _Behind | None:
    newest = endpoints.newest_seq(transaction)
    found = [each for each in enabled if each.through != newest and not deliveries.is_full(transaction, each.id)]
    if not found:
        return None
    # One that is ahead of the feed has the place of another history: it goes on from the newest.
    after = min(newest, *(each.through for each in found))
    row = transaction.one(feed.OLDEST_SEQ)
    return _Behind(found, rows_behind(transaction, after, ROWS_AT_ONCE), (row[0] or 0) if row else 0, newest)


def _next(behind: _Behind, endpoint: WebhookEndpoint, epoch: str, now: Timestamp) -> tuple[int, list[NewDelivery]]:
    """The endpoint's next place, and what it is to be sent of the rows up to there."""
    if endpoint.through > behind.newest:
        return behind.newest, []
    changes = [change for change in behind.changes if change.seq > endpoint.through]
    if not changes:  # another one is further behind
        return endpoint.through, []
    new = list(events.deliveries_of(changes, epoch, endpoint.events))
    if changes[0].seq > endpoint.through + 1 and endpoint.through + 1 < behind.oldest:
        log.warning("rows of the feed were pruned before webhook endpoint %s was sent them", endpoint.id)
        new.insert(0, events.gap(epoch, endpoint.through, changes[0].seq - 1, now))
    return changes[-1].seq, new
