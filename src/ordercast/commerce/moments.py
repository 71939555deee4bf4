"""Points in time as this project writes them: RFC 3339, UTC, milliseconds, ``Z``; such texts sort as the times do."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import NewType

Moment = NewType("Moment", str)


def moment(now_ms: int) -> Moment:
    """Write Unix milliseconds as ``2026-11-21T06:15:19.608Z``."""
    seconds, milliseconds = divmod(now_ms, 1000)
    return Moment(f"{_second(seconds)}.{milliseconds:03d}Z")


# Orders of the same second share all but the last four characters.
@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
