"""Lists that live events join without a gap, and without telling anything twice: read with the feed's position."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from ordercast.db import Store, Transaction, feed

T = TypeVar("T")

# A change has its number within milliseconds of its commit, unless no node leads just now: then what is listed may be
# told once more, and nothing is missed.
TRIES_MAX: Final = 200
RETRY_S: Final = 0.01


async def read_with_position(
    store: Store, query: Callable[[Transaction], T], entities: Callable[[T], Iterable[str]]
) -> tuple[T, str]:
    """What `query` finds, and the feed's position in the same moment: what it found of those `entities` was told up to
    there, and what comes will be told behind it.
    """

    def both(transaction: Transaction) -> tuple[T, bool, int]:
        found = query(transaction)
        newest = transaction.one(feed.NEWEST_SEQ)
        is_numbered = all(feed.seen_with(transaction, each) is not None for each in entities(found))
        return found, is_numbered, (newest[0] or 0) if newest else 0

    for _ in range(TRIES_MAX):
        found, is_numbered, newest = await store.read(both)
        if is_numbered:
            break
        await asyncio.sleep(RETRY_S)
    return found, f"{store.epoch}:{newest}"
