"""How fast one socket may send events: a token bucket."""

from __future__ import annotations


class Budget:
    """Refills at a steady rate up to its size. Who sends faster waits; nothing is refused here.

    Kept as the moment at which it will be full again (GCRA), so that nothing runs to refill it.
    """

    __slots__ = ("_full_at_s", "_interval_s", "_slack_s")

    def __init__(self, per_second: float, burst: int) -> None:
        self._interval_s = 1 / per_second
        self._slack_s = (burst - 1) * self._interval_s
        self._full_at_s = 0.0

    def take(self, now_s: float) -> float:
        """Take one and give 0, or take none and give the seconds until there is one."""
        wait_s = self._full_at_s - now_s - self._slack_s
        # Under a nanosecond is a rounding error of clocks counted in days.
        if wait_s > 1e-9:
            return wait_s
        self._full_at_s = max(self._full_at_s, now_s) + self._interval_s
        return 0.0
