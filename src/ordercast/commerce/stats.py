"""A day of the shop in figures: which day it is, and how many figures become a few."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import ceil
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from .errors import InvalidField
from .timestamps import Timestamp, timestamp

# What people ask of a waiting order: is it new, usual, slow, late, forgotten?
AGE_BOUNDS_MINUTES: Final = (5, 15, 30, 60)
AGE_NAMES: Final = ("under5", "under15", "under30", "under60", "over60")


class Percentiles(Struct, frozen=True, rename="camel"):
    """Some durations in four figures, each one that did occur (nearest rank); null where there were none."""

    count: int
    median: float | None
    p90: float | None
    p95: float | None
    p99: float | None


class Hour(Struct, frozen=True, rename="camel"):
    """One hour of the local clock; of an hour that the clock goes through twice, both."""

    orders: int
    ordered: int


class OpenOrders(Struct, frozen=True, rename="camel"):
    """Orders that wait for anything now, of whatever day, by the minutes since they were placed."""

    count: int
    oldest_seconds: float | None
    ages: dict[str, int]


class Stats(Struct, frozen=True, rename="camel"):
    """One day. Sums are minor units of `currency`."""

    date: str
    tz: str
    currency: str
    orders: int
    """Placed on that day."""
    ordered: int
    """What those come to that were not rejected, cancelled, expired or returned."""
    revenue: int
    """What was captured of those of the day, less what was refunded: money that is the shop's now."""
    by_status: dict[str, int]
    by_hour: list[Hour]
    preparation: Percentiles
    """Seconds from `processing` to ready, of the orders that became ready on that day."""
    delivery: Percentiles
    """Seconds from `picked_up` to the door, of the orders that were delivered on that day."""
    open: OpenOrders
    notice: Percentiles
    """Seconds from the commit to the first screen that said it had painted it, of orders and bookings of that day."""
    latency: Percentiles | None
    """Milliseconds from the moment on a change to its writing to this node's sockets, of the newest; null elsewhere."""
    at: str


def zone(name: str) -> tzinfo:
    """The time zone of an IANA name. Raises InvalidField."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidField("tz", f"There is no time zone {name[:64]!r} here.") from None


def day_of(now: Timestamp, tz: tzinfo) -> date:
    return datetime.fromisoformat(now).astimezone(tz).date()


def bounds(day: date, tz: tzinfo) -> tuple[Timestamp, Timestamp]:
    """When a day begins and ends in that zone: 23 to 25 hours. Raises InvalidField for a day outside of all time."""
    try:
        begin = datetime.combine(day, time(), tz)
        end = datetime.combine(day + timedelta(days=1), time(), tz)
        return _timestamp(begin), _timestamp(end)
    except (OverflowError, ValueError):
        raise InvalidField("date", "This day is outside of what a calendar holds.") from None


def local_hour(minute: str, tz: tzinfo) -> int:
    """The hour of the local clock at a minute of UTC, such as ``2026-11-21T06:15``."""
    return datetime.fromisoformat(f"{minute}:00+00:00").astimezone(tz).hour


def percentiles(durations: Sequence[float]) -> Percentiles:
    """The nearest-rank percentiles: each is one of the durations."""
    ordered = sorted(durations)
    if not ordered:
        return Percentiles(0, None, None, None, None)
    # In hundredths, for 0.95 * 20 may be a little more than 19 to a computer.
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
