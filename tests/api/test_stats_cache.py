"""A large day is counted for everybody, a small one for whoever asks."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from ordercast.api.stats_cache import DAYS_MAX, StatsCache
from ordercast.commerce.stats import Stats


class Shop:
    """Counts how often it is counted; each time takes `takes_s` of a clock that is moved by hand."""

    def __init__(self, takes_s: float) -> None:
        self.now_s = 100.0
        self.takes_s = takes_s
        self.counted = 0
        self.going_on = asyncio.Event()
        self.going_on.set()
        self.figures = StatsCache(lambda: self.now_s)

    async def count(self) -> Stats:
        self.counted += 1
        nth = self.counted
        await self.going_on.wait()
        self.now_s += self.takes_s
        return cast(Stats, nth)

    async def ask(self, day: str = "2026-11-30") -> int:
        return cast(int, await self.figures.of(day, "UTC", self.count))


async def test_a_small_day_is_counted_for_each_who_asks() -> None:
    shop = Shop(takes_s=0.01)
    assert [await shop.ask() for _ in range(3)] == [1, 2, 3]


async def test_a_large_day_is_counted_for_a_twentieth_of_the_time() -> None:
    shop = Shop(takes_s=1.0)
    assert [await shop.ask() for _ in range(3)] == [1, 1, 1]
    assert await shop.ask("2026-11-29") == 2
    shop.now_s += 17
    assert await shop.ask() == 1
    shop.now_s += 1
    assert await shop.ask() == 3


async def test_who_asks_while_a_large_day_is_counted_waits_for_the_same() -> None:
    shop = Shop(takes_s=1.0)
    await shop.ask()
    shop.now_s += 20
    shop.going_on.clear()
    asking = [asyncio.create_task(shop.ask()) for _ in range(3)]
    await asyncio.sleep(0)
    asking[0].cancel()  # its browser has gone
    await asyncio.sleep(0)
    shop.going_on.set()
    assert await asyncio.gather(*asking[1:]) == [2, 2]


async def test_what_could_not_be_counted_is_counted_again() -> None:
    shop = Shop(takes_s=1.0)

    async def fail() -> Stats:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await shop.figures.of("2026-11-30", "UTC", fail)
    assert await shop.ask() == 1


async def test_only_so_many_days_are_remembered() -> None:
    shop = Shop(takes_s=1.0)
    for day in range(DAYS_MAX + 1):
        await shop.ask(str(day))
    assert repr(shop.figures) == f"<StatsCache {DAYS_MAX} large days>"
