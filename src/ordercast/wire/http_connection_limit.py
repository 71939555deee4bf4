"""The limit on HTTP connections of one caller: each holds a descriptor, of which a process has only so many.

A connection that has become a WebSocket counts as a session instead.
"""

from __future__ import annotations

from collections import Counter


class HttpConnectionLimit:
    """Counts a port's connections per address. Trusted proxies are not counted, as their clients differ by request."""

    def __init__(self, per_caller_max: int | None) -> None:
        """None: no limit."""
        self._max = per_caller_max
        self._of_caller: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<HttpConnectionLimit {self._of_caller.total()} of {len(self._of_caller)} callers>"

    def acquire(self, caller: str) -> bool:
        """Count a connection; False, and not counted, where it is one too many."""
        if self._max is not None and self._of_caller[caller] >= self._max:
            return False
        self._of_caller[caller] += 1
        return True

    def release(self, caller: str) -> None:
        """Undo one `acquire` that gave True."""
        self._of_caller[caller] -= 1
        if not self._of_caller[caller]:
            del self._of_caller[caller]
