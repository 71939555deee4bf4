"""Advances each endpoint's cursor in the feed, and inserts deliveries of the rows it passes, each once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Change, Store, Transaction, UnitOfWork, feed
from ordercast.db.store import change_of
from ordercast.db.webhooks import deliveries
from ordercast.db.webhooks.deliveries import NewDelivery
from ordercast.db.webhooks.endpoints import WebhookEndpoint

from . import events

log = logging.getLogger("ordercast.webhooks")

# Rows per unit of work: other writers wait for milliseconds.
ROWS_AT_ONCE: Final = 256


class _Lag(NamedTuple):
    """Endpoints whose cursor is behind the feed, and the rows after the oldest cursor."""

    endpoints: list[WebhookEndpoint]
    changes: list[Change]
    oldest: int
    """The oldest row that is not pruned."""
    newest: int


async def follow(store: Store, enabled: Sequence[WebhookEndpoint], now: Timestamp) -> bool:
    """Make deliveries of the next rows for these endpoints; return whether there may be more."""
    lag = await store.read(lambda transaction: _read_lag(transaction, enabled))
    if lag is None:
        return False
    moves = [(endpoint, *_next(lag, endpoint, store.epoch, now)) for endpoint in lag.endpoints]

    def unit(transaction: Transaction) -> None:
        for endpoint, through, new in moves:
            deliveries.advance(transaction, endpoint, through, new, now)

    await store.write(UnitOfWork(unit, waits=False))
    return len(lag.changes) == ROWS_AT_ONCE


def rows_after(transaction: Transaction, after: int, limit: int) -> list[Change]:
    return [change_of(row) for row in transaction.all(feed.AFTER, after=after, limit=limit)]


def _read_lag(transaction: Transaction, enabled: Sequence[WebhookEndpoint]) -> _Lag | None:
    newest = feed.newest_seq(transaction)
    found = [each for each in enabled if each.through != newest and not deliveries.is_full(transaction, each.id)]
    if not found:
        return None
    # A cursor ahead of the feed is from another history: it continues at the newest row.
    after = min(newest, *(each.through for each in found))
    row = transaction.one(feed.OLDEST_SEQ)
    return _Lag(found, rows_after(transaction, after, ROWS_AT_ONCE), (row[0] or 0) if row else 0, newest)


def _next(lag: _Lag, endpoint: WebhookEndpoint, epoch: str, now: Timestamp) -> tuple[int, list[NewDelivery]]:
    """The endpoint's next cursor, and the deliveries up to there."""
    if endpoint.through > lag.newest:
        return lag.newest, []
    changes = [change for change in lag.changes if change.seq > endpoint.through]
    if not changes:  # another endpoint is further behind
        return endpoint.through, []
    new = list(events.deliveries_of(changes, epoch, endpoint.events))
    if changes[0].seq > endpoint.through + 1 and endpoint.through + 1 < lag.oldest:
        log.warning("rows of the feed were pruned before webhook endpoint %s was sent them", endpoint.id)
        new.insert(0, events.missed_rows(epoch, endpoint.through, changes[0].seq - 1, now))
    return changes[-1].seq, new
