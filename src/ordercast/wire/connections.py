"""How many connections each caller has that speak HTTP: each holds a descriptor, of which a process has only so many.

One that has become a WebSocket is counted as a session.
"""

from __future__ import annotations

from collections import Counter


class Connections:
    """Those of one port. Proxies that are named are not counted: their clients are told apart by request."""

    def __init__(self, per_caller_max: int | None) -> None:
        self._max = per_caller_max
        self._of_caller: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Connections {self._of_caller.total()} of {len(self._of_caller)} callers>"

    def opened(self, caller: str) -> bool:
        """Count one; False for one too many, which is not counted."""
        if self._max is not None and self._of_caller[caller] >= self._max:
            return False
        self._of_caller[caller] += 1
        return True

    def ended(self, caller: str) -> None:
        self._of_caller[caller] -= 1
        if not self._of_caller[caller]:
            del self._of_caller[caller]
