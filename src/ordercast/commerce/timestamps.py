"""Timestamps as text: RFC 3339, UTC, milliseconds, ``Z``; such texts sort as the times do."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NewType

from .errors import InvalidField

Timestamp = NewType("Timestamp", str)

YEAR_MIN: Final = 2000
YEAR_MAX: Final = 2200


def timestamp(now_ms: int) -> Timestamp:
    """Format Unix milliseconds as ``2026-11-21T06:15:19.608Z``."""
    seconds, milliseconds = divmod(now_ms, 1000)
    return Timestamp(f"{_second(seconds)}.{milliseconds:03d}Z")


def timestamp_at(field: str, time: datetime) -> Timestamp:
    """Format a time of a request, which has an offset. Raises InvalidField outside of the supported years."""
    if not YEAR_MIN <= time.year <= YEAR_MAX:
        raise InvalidField(field, f"A year from {YEAR_MIN} to {YEAR_MAX} is wanted.")
    return timestamp(round(time.timestamp() * 1000))


# Orders of the same second share all but the last four characters.
@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
