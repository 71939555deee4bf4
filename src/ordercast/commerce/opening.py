"""When the shop takes orders: by its hours, in its own time zone, unless it is paused.

A shop without hours is always open. Days have their real length, as those of `slots`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

from .errors import InvalidField, ShopClosed
from .people import SEES_EVERY_ORDER, Actor
from .slots import Diary, Span, WeekHours, joined, minute_at, minute_of, moment_of, shifts_on
from .timestamps import Timestamp

# Longer than a week it is not a pause: the hours say that.
PAUSE_MINUTES_MAX: Final = 7 * 24 * 60
PAUSE_REASON_MAX: Final = 200
# Whoever plans further ahead books, or asks: prices and the catalogue are of today.
ORDER_AHEAD_DAYS: Final = 7
# Half hours are offered, in every time zone that there is; any minute is taken.
ORDER_TIME_STEP_MIN: Final = 30
# A shop opens once a week at least, or the next opening is not known.
_DAYS_AHEAD: Final = 8

PauseMinutes = Annotated[int, Meta(ge=1, le=PAUSE_MINUTES_MAX)]
PauseReason = Annotated[str, Meta(max_length=PAUSE_REASON_MAX)]


class ClosedFor(StrEnum):
    """Why no orders are taken."""

    PAUSED = "paused"
    HOURS = "hours"


class Opening(Struct, frozen=True, kw_only=True, rename="camel"):
    """The hours and the pause as they are kept."""

    hours: WeekHours | None = None
    """By the shop's clock; null for a shop that is always open."""
    paused: bool = False
    """Whether somebody has paused it; the pause is over at `pausedUntil`."""
    paused_until: str | None = None
    """Null for until somebody resumes."""
    pause_reason: str | None = None
    """For buyers."""
    version: int = 0
    """0 until it is changed for the first time."""
    updated_at: str | None = None


@dataclass(frozen=True, slots=True)
class OpeningState:
    """Whether the shop takes orders at a moment, and when that changes."""

    closed_for: ClosedFor | None
    opens_at: Timestamp | None = None
    """When it is closed: the next time at which it opens; None if that is not known."""
    closes_at: Timestamp | None = None
    """When it is open, and has hours that end."""

    @property
    def is_open(self) -> bool:
        return self.closed_for is None


def opening_state(opening: Opening, now: Timestamp, zone: tzinfo) -> OpeningState:
    minute = minute_of(now)
    if opening.paused and (opening.paused_until is None or now < opening.paused_until):
        until = opening.paused_until
        # It opens with the minute in which the pause ends, or with the hours after it.
        opens = None if until is None else _open_from(opening, minute_of(until), zone)
        is_within = until is not None and opens == minute_of(until)
        return OpeningState(ClosedFor.PAUSED, Timestamp(until) if is_within and until else _moment(opens))
    if opening.hours is None:
        return OpeningState(None)
    spans = _spans(opening.hours, minute, zone)
    now_in = next((span for span in spans if span.begin <= minute < span.end), None)
    if now_in is None:
        return OpeningState(ClosedFor.HOURS, _moment(_open_from(opening, minute, zone)))
    # What ends with the last day looked at goes on behind it.
    return OpeningState(None, closes_at=moment_of(now_in.end) if now_in is not spans[-1] else None)


def check_open(opening: Opening, actor: Actor, now: Timestamp, zone: tzinfo, wanted: Timestamp | None = None) -> None:
    """Refuse buyers while the shop takes no orders; its own people know what they do. What is `wanted` later is taken
    while it is closed, if it will be open then. Raises ShopClosed or InvalidField.
    """
    if wanted is not None:
        _check_wanted(wanted, now)
    if actor.role in SEES_EVERY_ORDER:
        return
    found = opening_state(opening, now if wanted is None else wanted, zone)
    if found.closed_for is not None:
        if wanted is not None:
            raise InvalidField("requestedTime", "The shop is closed then.")
        reason = opening.pause_reason if found.closed_for is ClosedFor.PAUSED else None
        raise ShopClosed(found.closed_for, found.opens_at, reason)


def back_in_stock_at(opening: Opening, now: Timestamp, zone: tzinfo) -> Timestamp:
    """When what is sold out today is there again: at the next opening, or at the shop's midnight."""
    minute = minute_of(now)
    spans = [] if opening.hours is None else _spans(opening.hours, minute, zone)
    begins = (span.begin for span in spans if span.begin > minute)
    return moment_of(next(begins, minute_at(_local_day(minute, zone) + timedelta(days=1), 0, zone)))


def order_times(opening: Opening, from_: Timestamp, zone: tzinfo) -> list[Timestamp]:
    """Every half hour from then on at which an order can be wanted, for as many days as one can be."""
    begin = minute_of(from_)
    first = -(-begin // ORDER_TIME_STEP_MIN) * ORDER_TIME_STEP_MIN
    end = begin + ORDER_AHEAD_DAYS * 24 * 60
    if opening.paused:
        if opening.paused_until is None:
            return []
        first = max(first, -(-minute_of(opening.paused_until) // ORDER_TIME_STEP_MIN) * ORDER_TIME_STEP_MIN)
    every = range(first, end, ORDER_TIME_STEP_MIN)
    if opening.hours is None:
        return [moment_of(minute) for minute in every]
    spans = _spans(opening.hours, begin, zone)
    return [moment_of(minute) for minute in every if any(span.begin <= minute < span.end for span in spans)]


def _check_wanted(wanted: Timestamp, now: Timestamp) -> None:
    if wanted < now:
        raise InvalidField("requestedTime", "This moment has passed.")
    if minute_of(wanted) > minute_of(now) + ORDER_AHEAD_DAYS * 24 * 60:
        raise InvalidField("requestedTime", f"An order can be wanted {ORDER_AHEAD_DAYS} days ahead at most.")


def _spans(hours: WeekHours, minute: int, zone: tzinfo) -> list[Span]:
    """When it is open, from yesterday on; what is open past midnight is one."""
    diary, today = Diary("", hours, frozenset(), ()), _local_day(minute, zone)
    days = (today + timedelta(days=each) for each in range(-1, _DAYS_AHEAD + 1))
    return joined(span for day in days for span in shifts_on(diary, day, zone))


def _open_from(opening: Opening, minute: int, zone: tzinfo) -> int | None:
    """The first minute from this one on in which it is open; None if there is none within a week."""
    if opening.hours is None:
        return minute
    ahead = (span for span in _spans(opening.hours, minute, zone) if span.end > minute)
    return next((max(minute, span.begin) for span in ahead), None)


def _local_day(minute: int, zone: tzinfo) -> date:
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).date()


def _moment(minute: int | None) -> Timestamp | None:
    return None if minute is None else moment_of(minute)
