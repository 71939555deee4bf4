"""Measures delivery latency: from a change's timestamp to its write to the sockets."""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime
from typing import Final

from ordercast.commerce.stats import Percentiles, percentiles
from ordercast.telemetry import DELIVERY_SECONDS

SAMPLES_MAX: Final = 1_024
# Older changes are imports, or have a wrong time.
SECONDS_MAX: Final = 24 * 3600.0


class Latency:
    """Latency of the newest changes. Timestamps are taken before the commit, so none is reported too short."""

    def __init__(self) -> None:
        self._samples_ms: deque[float] = deque(maxlen=SAMPLES_MAX)

    def __repr__(self) -> str:
        return f"<Latency of {len(self._samples_ms)} changes>"

    def observe(self, at: str) -> None:
        """Record that a change with that timestamp was delivered now; invalid timestamps are ignored."""
        try:
            seconds = time.time() - datetime.fromisoformat(at).timestamp()
        except (ValueError, TypeError, OverflowError, OSError):
            return
        if 0 <= seconds <= SECONDS_MAX:
            self._samples_ms.append(seconds * 1000)
            DELIVERY_SECONDS.observe(seconds)

    def percentiles(self) -> Percentiles | None:
        """Percentiles in milliseconds; None before the first."""
        return percentiles(self._samples_ms) if self._samples_ms else None
