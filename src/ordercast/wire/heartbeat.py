"""Pings and their deadlines for all sessions, with one timer.

A timing wheel (Varghese and Lauck, 1987): a ring of slots, one per tick, each holding the sessions that are due then.
Moving a session is two set operations, whatever their number, and an idle session owns no timer and no task.
"""

from __future__ import annotations

import asyncio
import functools
import math
from typing import Protocol

# Fine enough that a ping is hardly early, coarse enough that the timer itself costs nothing.
TICKS_PER_INTERVAL = 64
TICK_S_MIN = 0.005
# uvloop's clock and timers go by whole milliseconds: a timer that fires a little early, and asks to be called again
# after the rest, is called at once, over and over until the millisecond is full.
CLOCK_S = 0.001
# A loop that is this late has stood still, not just been busy.
STALL_TICKS = 4


class Pingable(Protocol):
    """What the heartbeat watches; the fields belong to the heartbeat."""

    beat_slot: int
    """Where on the wheel it is; -1 when it is not."""
    pong_due_s: float
    """Loop time by which a pong must have come; 0 when none is awaited."""

    def ping(self) -> None:
        """Send a ping."""

    def ping_timed_out(self) -> None:
        """Close it: no pong came in time."""


class Heartbeat:
    """Pings each session `interval_s` after its last pong, and ends it when `timeout_s` pass without another."""

    def __init__(self, interval_s: float, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._tick_s = max(min(interval_s, timeout_s) / TICKS_PER_INTERVAL, TICK_S_MIN)
        # A ping may come two ticks early but a session never ends early: the one rounds down, the other up.
        self._interval_ticks = max(1, math.floor(interval_s / self._tick_s) - 1)
        self._timeout_ticks = math.ceil(timeout_s / self._tick_s) + 1
        self._slots: list[set[Pingable]] = [set() for _ in range(max(self._interval_ticks, self._timeout_ticks) + 2)]
        self._now = 0
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Heartbeat sessions={self._count} tick={self._tick_s * 1000:.0f}ms>"

    def add(self, session: Pingable) -> None:
        """Begin to watch a session that has just opened."""
        session.pong_due_s = 0.0
        self._put(session, self._interval_ticks)
        self._count += 1
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._tick_s, self._tick, loop.time() + self._tick_s)

    def remove(self, session: Pingable) -> None:
        """Stop watching a session; one that is not watched is ignored."""
        if session.beat_slot >= 0:
            self._slots[session.beat_slot].discard(session)
            session.beat_slot = -1
            self._count -= 1

    def pong(self, session: Pingable) -> None:
        """Handle a session's pong. An unsolicited one changes nothing: it would put the ping off for ever, and only
        the answer to a ping shows that a client reads.
        """
        if session.beat_slot >= 0 and session.pong_due_s:
            self._slots[session.beat_slot].discard(session)
            session.pong_due_s = 0.0
            self._put(session, self._interval_ticks)

    def _put(self, session: Pingable, ticks: int) -> None:
        slot = (self._now + ticks) % len(self._slots)
        self._slots[slot].add(session)
        session.beat_slot = slot

    def _tick(self, due_s: float, *, stalled: bool = False) -> None:
        if not self._count:
            self._timer = None
            return
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        if now_s - due_s > STALL_TICKS * self._tick_s and not stalled:
            # Pongs may lie unread since the process stood still; libuv runs timers before it reads.
            self._timer = loop.call_later(self._tick_s, functools.partial(self._tick, due_s, stalled=True))
            return
        # Missed ticks are made up for at once, and all of them before the first beat: what a beat puts back on the
        # wheel must lie ahead of now.
        due: list[Pingable] = []
        while due_s <= now_s + CLOCK_S:
            self._now = (self._now + 1) % len(self._slots)
            due += self._slots[self._now]
            self._slots[self._now] = set()
            due_s += self._tick_s
        self._timer = loop.call_at(due_s, self._tick, due_s)
        for session in due:
            if session.beat_slot >= 0:  # else the beat before it has ended this one too
                self._beat(session, now_s)

    def _beat(self, session: Pingable, now_s: float) -> None:
        if session.pong_due_s:
            session.beat_slot = -1
            self._count -= 1
            session.ping_timed_out()
        else:
            session.pong_due_s = now_s + self._timeout_s
            self._put(session, self._timeout_ticks)
            session.ping()
