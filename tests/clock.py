"""Time moved by hand: what `asyncio.get_running_loop()` gives to code that only sets timers."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import Callable, Iterator
from typing import Any


class Timer:
    """What `call_at` gives."""

    def __init__(self, when: float, callback: Callable[..., None], args: tuple[Any, ...]) -> None:
        self.when = when
        self.run: Callable[[], None] | None = lambda: callback(*args)

    def cancel(self) -> None:
        self.run = None


class HandClock:
    """A loop with timers and nothing else; it runs them when told that time has passed."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., None], *args: Any) -> Timer:
        timer = Timer(when, callback, args)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def call_later(self, delay: float, callback: Callable[..., None], *args: Any) -> Timer:
        return self.call_at(self.now + delay, callback, *args)

    def call_soon(self, callback: Callable[..., None], *args: Any) -> Timer:
        return self.call_at(self.now, callback, *args)

    @property
    def timers(self) -> int:
        """How many are set."""
        return sum(timer.run is not None for _, _, timer in self._timers)

    def advance(self, seconds: float) -> None:
        """Let time pass, each timer running at its moment."""
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.now = max(self.now, self._timers[0][0])
            self._run_first()
        self.now = end

    def stall(self, seconds: float) -> None:
        """Let time pass with nothing running, as when the machine slept; then run whatever was due."""
        self.now += seconds
        while self._timers and self._timers[0][0] <= self.now:
            self._run_first()

    def _run_first(self) -> None:
        timer = heapq.heappop(self._timers)[2]
        if timer.run is not None:
            timer.run()


def let_pass(seconds: float) -> None:
    """Move the running loop ahead: what was to happen by then is due. Not for uvloop, whose clock is its own."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, asyncio.BaseEventLoop)
    now = loop.time
    loop.time = lambda: now() + seconds  # type: ignore[method-assign]


@contextlib.contextmanager
def time_by_hand() -> Iterator[HandClock]:
    """Make a `HandClock` the running loop of the block."""
    clock = HandClock()
    asyncio._set_running_loop(clock)  # type: ignore[arg-type]
    try:
        yield clock
    finally:
        asyncio._set_running_loop(None)
