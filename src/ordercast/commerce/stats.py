"""Daily statistics: day boundaries and percentiles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import ceil
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from .errors import InvalidField
from .timestamps import Timestamp, timestamp

# Age classes of waiting orders: new, usual, slow, late, forgotten.
AGE_BOUNDS_MINUTES: Final = (5, 15, 30, 60)
AGE_NAMES: Final = ("under5", "under15", "under30", "under60", "over60")


class Percentiles(Struct, frozen=True, rename="camel"):
    """Percentiles of durations (nearest rank, so each occurred); null without any."""

    count: int
    median: float | None
    p90: float | None
    p95: float | None
    p99: float | None


class Hour(Struct, frozen=True, rename="camel"):
    """One hour of the local clock; a repeated hour counts both."""

    orders: int
    ordered: int


class OpenOrders(Struct, frozen=True, rename="camel"):
    """Open orders of any day, by minutes since they were placed."""

    count: int
    oldest_seconds: float | None
    ages: dict[str, int]


class BookingFigures(Struct, frozen=True, rename="camel"):
    """Bookings that begin on a day. Sums are minor units."""

    count: int
    """How many there are, whatever became of them."""
    by_status: dict[str, int]
    revenue: int
    """Captured for them, less refunds."""


class Stats(Struct, frozen=True, rename="camel"):
    """Statistics of one day. Sums are minor units of `currency`."""

    date: str
    tz: str
    currency: str
    orders: int
    """Orders placed on that day."""
    ordered: int
    """The total of those that were not rejected, cancelled, expired or returned."""
    revenue: int
    """Captured for that day's orders, less refunds."""
    by_status: dict[str, int]
    by_hour: list[Hour]
    preparation: Percentiles
    """Seconds from `processing` to ready, of the orders that became ready on that day."""
    delivery: Percentiles
    """Seconds from `picked_up` to the door, of the orders that were delivered on that day."""
    open: OpenOrders
    bookings: BookingFigures
    """Of that day's bookings, by when they begin."""
    notice: Percentiles
    """Seconds from commit to the first screen that painted it, of that day's orders and bookings."""
    latency: Percentiles | None
    """Milliseconds from a change's timestamp to its write to this node's sockets, of the newest changes; null in other
    places.
    """
    at: str


def zone(name: str) -> tzinfo:
    """Find a time zone by its IANA name. Raises InvalidField."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidField("tz", f"There is no time zone {name[:64]!r} here.") from None


def day_of(now: Timestamp, tz: tzinfo) -> date:
    return datetime.fromisoformat(now).astimezone(tz).date()


def bounds(day: date, tz: tzinfo) -> tuple[Timestamp, Timestamp]:
    """The beginning and end of a local day, 23 to 25 hours. Raises InvalidField for a date out of range."""
    try:
        begin = datetime.combine(day, time(), tz)
        end = datetime.combine(day + timedelta(days=1), time(), tz)
        return _timestamp(begin), _timestamp(end)
    except (OverflowError, ValueError):
        raise InvalidField("date", "This day is outside of what a calendar holds.") from None


def local_hour(minute: str, tz: tzinfo) -> int:
    """The local hour of a UTC minute, such as ``2026-11-21T06:15``."""
    return datetime.fromisoformat(f"{minute}:00+00:00").astimezone(tz).hour


def percentiles(durations: Sequence[float]) -> Percentiles:
    """Nearest-rank percentiles: each is one of the durations."""
    ordered = sorted(durations)
    if not ordered:
        return Percentiles(0, None, None, None, None)
    # In hundredths, as 0.95 * 20 may exceed 19 in floating point.
    parts = (round(ordered[ceil(part * len(ordered) / 100) - 1], 3) for part in (50, 90, 95, 99))
    return Percentiles(len(ordered), *parts)


def open_orders(ages_s: Sequence[float]) -> OpenOrders:
    """Count orders by their ages in seconds."""
    counts = dict.fromkeys(AGE_NAMES, 0)
    for age_s in ages_s:
        passed = sum(age_s >= bound * 60 for bound in AGE_BOUNDS_MINUTES)
        counts[AGE_NAMES[passed]] += 1
    return OpenOrders(len(ages_s), round(max(ages_s), 3) if ages_s else None, counts)


def _timestamp(when: datetime) -> Timestamp:
    return timestamp(int(when.timestamp() * 1000))
