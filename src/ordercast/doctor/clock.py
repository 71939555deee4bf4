"""Two clocks beside each other: tokens are judged by the server's."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from .findings import Finding, fault, good, note
from .polling import TimedResponse

# The header is of whole seconds, and half the way of the answer is unknown.
SKEW_S_MAX: Final = 30.0


def offset_s_of(answer: TimedResponse) -> float | None:
    """By how many seconds the server's clock is ahead of this machine's."""
    try:
        there = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return None
    return (there - datetime.now(UTC)).total_seconds() + answer.took_s / 2


def check_clock(offset_s: float | None) -> Finding:
    if offset_s is None:
        return note("clock", "the server does not say what time it has")
    if abs(offset_s) <= SKEW_S_MAX:
        return good("clock", "the server's clock and this one agree")
    way = "ahead of" if offset_s > 0 else "behind"
    return fault(
        "clock",
        f"the server's clock is {_said(abs(offset_s))} {way} this machine's",
        "set both by NTP (`timedatectl set-ntp true`): tokens are expired, or not yet valid, by the wrong clock",
    )


def _said(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} s"
