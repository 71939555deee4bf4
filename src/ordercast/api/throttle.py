"""Bounding how often somebody may fail."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from .refusals import TooManyAttempts

FAILURES_MAX: Final = 10
# One caller may stand for a whole office behind one address; and must not walk through everyone's account.
CALLER_FAILURES_MAX: Final = 100
# Who registers often is no shop's customer, but perhaps somebody who tries which addresses have an account.
REGISTRATIONS_MAX: Final = 30
WINDOW_S: Final = 300
# So many addresses are remembered; past it the one that failed longest ago is forgotten.
REMEMBERED_MAX: Final = 10_000


class Throttle:
    """Counts attempts by key, such as an account's address and the caller's. Times are seconds of any one clock.

    An attempt counts from its beginning, so that many at once are not judged by a count that none has raised yet.
    """

    def __init__(self, failures_max: int = FAILURES_MAX) -> None:
        self._failures_max = failures_max
        self._attempts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Throttle {len(self._attempts)} remembered>"

    def attempt(self, key: str, now_s: float) -> None:
        """Count one. Raises TooManyAttempts while the window that began with the first is full."""
        since, count = self._attempts.pop(key, (now_s, 0))
        left_s = since + WINDOW_S - now_s
        if left_s <= 0:
            since, count = now_s, 0
        is_full = count >= self._failures_max
        self._attempts[key] = (since, count if is_full else count + 1)
        while len(self._attempts) > REMEMBERED_MAX:
            self._attempts.popitem(last=False)
        if is_full:
            raise TooManyAttempts(int(left_s) + 1)

    def undo(self, key: str) -> None:
        """Take one attempt back: it did not fail."""
        since, count = self._attempts.pop(key, (0.0, 0))
        if count > 1:
            self._attempts[key] = (since, count - 1)

    def forget(self, key: str) -> None:
        """Take every attempt back: who asks has shown who they are."""
        self._attempts.pop(key, None)
