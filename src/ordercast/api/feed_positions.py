"""Reads lists together with the feed's position, so that live events continue without gap or repetition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from ordercast.db import Store, Transaction, feed

T = TypeVar("T")

# Changes are numbered within milliseconds, unless no node leads: then events may repeat, none is missed.
TRIES_MAX: Final = 200
RETRY_S: Final = 0.01


async def read_with_position(
    store: Store, query: Callable[[Transaction], T], entities: Callable[[T], Iterable[str]]
) -> tuple[T, str]:
    """Run `query`; return its result and the feed's position of the same snapshot: earlier changes of its `entities`
    are included, later ones follow as events.
    """

    def both(transaction: Transaction) -> tuple[T, bool, int]:
        found = query(transaction)
        newest = feed.newest_seq(transaction)
        is_numbered = all(feed.seen_with(transaction, each) is not None for each in entities(found))
        return found, is_numbered, newest

    for _ in range(TRIES_MAX):
        found, is_numbered, newest = await store.read(both)
        if is_numbered:
            break
        await asyncio.sleep(RETRY_S)
    return found, f"{store.epoch}:{newest}"
