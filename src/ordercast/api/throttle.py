"""Bounding how often somebody may fail."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from .refusals import TooManyAttempts

FAILURES_MAX: Final = 10
WINDOW_S: Final = 300
# So many addresses are remembered; past it the one that failed longest ago is forgotten.
REMEMBERED_MAX: Final = 10_000


class Throttle:
    """Counts failures by key, such as an account's address and the caller's. Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Throttle {len(self._failures)} remembered>"

    def check(self, key: str, now_s: float) -> None:
        """Raises TooManyAttempts while the window that began with the first failure is full."""
        since, count = self._failures.get(key, (now_s, 0))
        left_s = since + WINDOW_S - now_s
        if left_s <= 0:
            self._failures.pop(key, None)
        elif count >= FAILURES_MAX:
            raise TooManyAttempts(int(left_s) + 1)

    def failed(self, key: str, now_s: float) -> None:
        since, count = self._failures.pop(key, (now_s, 0))
        self._failures[key] = (since, count + 1)
        while len(self._failures) > REMEMBERED_MAX:
            self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        self._failures.pop(key, None)
