"""Caches statistics of large days, so that counting takes a bounded share of time."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from ordercast.commerce.stats import Stats

# Share of a reader's time, at most, for a day's statistics.
SHARE_MAX: Final = 0.05
# Faster days are counted for each request.
SMALL_S: Final = 0.05
# Cached days and time zones.
DAYS_MAX: Final = 32


class StatsCache:
    """A node's cache; used from its loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], tuple[float, asyncio.Future[Stats]]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<StatsCache {len(self._kept)} large days>"

    async def of(self, day: str, tz: str, count: Callable[[], Awaitable[Stats]]) -> Stats:
        """A day's statistics: current, or recent if counting takes long. Raises the errors of `count`."""
        until_s, counted = self._kept.get((day, tz), (0.0, None))
        if counted is not None and self._clock() < until_s:
            return await asyncio.shield(counted)
        return await self._count((day, tz), count, is_large=counted is not None)

    async def _count(self, key: tuple[str, str], count: Callable[[], Awaitable[Stats]], *, is_large: bool) -> Stats:
        began_s = self._clock()
        counting = asyncio.ensure_future(count())
        if is_large:  # concurrent requests share it
            self._kept[key] = (float("inf"), counting)
        try:
            found = await asyncio.shield(counting)
        except BaseException:
            self._kept.pop(key, None)
            raise
        took_s = self._clock() - began_s
        self._kept.pop(key, None)
        if took_s > SMALL_S:
            self._kept[key] = (began_s + took_s / SHARE_MAX, counting)
            if len(self._kept) > DAYS_MAX:
                self._kept.popitem(last=False)
        return found
