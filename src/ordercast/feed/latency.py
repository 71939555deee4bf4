"""How long our own events take: from the moment that stands on a change to its writing to the sockets."""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime
from typing import Final

from ordercast.commerce.stats import Percentiles, percentiles
from ordercast.telemetry import DELIVERY_SECONDS

SAMPLES_MAX: Final = 1_024
# An older change was not delivered late by us: it was brought in from elsewhere, or has a false time.
SECONDS_MAX: Final = 24 * 3600.0


class Latency:
    """Of the newest changes. A change's timestamp is its decision's, before the commit: none is reported too short."""

    def __init__(self) -> None:
        self._samples_ms: deque[float] = deque(maxlen=SAMPLES_MAX)

    def __repr__(self) -> str:
        return f"<Latency of {len(self._samples_ms)} changes>"

    def observe(self, at: str) -> None:
        """Note that a change of that timestamp has been delivered now; one of another program may be no time."""
        try:
            seconds = time.time() - datetime.fromisoformat(at).timestamp()
        except (ValueError, TypeError, OverflowError, OSError):
            return
        if 0 <= seconds <= SECONDS_MAX:
            self._samples_ms.append(seconds * 1000)
            DELIVERY_SECONDS.observe(seconds)

    def percentiles(self) -> Percentiles | None:
        """In milliseconds; None before the first."""
        return percentiles(self._samples_ms) if self._samples_ms else None
