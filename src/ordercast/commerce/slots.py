"""Computes free times: working hours in the shop's time zone, less bookings, cut into slots.

Times are minutes of Unix time, so days have their real length: 23 hours in spring, 25 in autumn. A shift's end in the
hour that the clock skips is moved to the skip; in a repeated hour a shift begins at the first and ends at the second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any, Final, NamedTuple

from msgspec import Meta, Struct, field

from .errors import InvalidField
from .text_patterns import text_matching
from .timestamps import Timestamp, timestamp

DAY_MINUTES: Final = 24 * 60
SHIFTS_MAX: Final = 12
"""Shifts per weekday."""
DAYS_OFF_MAX: Final = 1_000
"""Days off per carer."""
SLOT_DAYS_MAX: Final = 31
"""Days per request: a page of a calendar."""
SLOTS_MAX: Final = 1_000
"""Free times per response: every quarter of an hour of ten days."""
NEAREST_MAX: Final = 5
"""Alternatives offered for an unavailable time."""
NEAREST_DAYS: Final = (1, 3, 7)
"""Days around it that are searched for these, step by step."""

Clock = Annotated[
    str,
    text_matching(
        r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$(?!\n)",
        "A time of the day is wanted, such as 09:30, or 24:00",
        description="As `09:30`",
    ),
]
Day = Annotated[
    str,
    text_matching(
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)", "A day is wanted, such as 2026-12-25", description="As `2026-12-25`"
    ),
]


class Shift(Struct, frozen=True, forbid_unknown_fields=True):
    """Local times; `24:00` is the end of the day."""

    from_: Clock = field(name="from")
    to: Clock


Shifts = Annotated[list[Shift], Meta(max_length=SHIFTS_MAX)]


class WeekHours(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Weekly working hours. A night shift ends one day at `24:00` and begins the next at `00:00`."""

    monday: Shifts = []
    tuesday: Shifts = []
    wednesday: Shifts = []
    thursday: Shifts = []
    friday: Shifts = []
    saturday: Shifts = []
    sunday: Shifts = []


WEEKDAYS: Final = WeekHours.__struct_fields__


class FreeTime(Struct, frozen=True, rename="camel"):
    """A free time, and the carers who are free."""

    starts_at: Timestamp
    ends_at: Timestamp
    carer_ids: list[str]


class Span(NamedTuple):
    """A half-open interval of Unix minutes."""

    begin: int
    end: int


class WantedTime(NamedTuple):
    """The requested beginning, and the carer or any."""

    service_id: str
    start: int
    duration: int
    carer_id: str | None


class Diary(NamedTuple):
    """A carer's working hours and bookings; `booked` is sorted and does not overlap."""

    carer_id: str
    hours: WeekHours
    days_off: frozenset[str]
    booked: Sequence[Span]


class Offer(NamedTuple):
    """A service's duration and slot interval."""

    duration: int
    step: int


# --- Reading ----------------------------------------------------------------------------------------------------------


def check_hours(hours: WeekHours) -> None:
    """Check working hours. Raises InvalidField for a shift that ends before it begins, or overlaps the next."""
    for weekday in WEEKDAYS:
        ended = 0
        for place, shift in enumerate(getattr(hours, weekday)):
            begin, end = _minutes(shift.from_), _minutes(shift.to)
            if end <= begin:
                raise InvalidField(f"hours.{weekday}[{place}].to", "It would end before it begins.")
            if begin < ended:
                raise InvalidField(f"hours.{weekday}[{place}].from", "It would begin before the one above it ends.")
            ended = end


def day_in(name: str, text: str) -> date:
    """Parse a date. Raises InvalidField."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidField(name, "This is no day that a calendar has.") from None


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def minute_of(at: str) -> int:
    """The Unix minute of a timestamp, which must be whole."""
    return int(datetime.fromisoformat(at).timestamp()) // 60


def moment_of(minute: int) -> Timestamp:
    return timestamp(minute * 60_000)


# --- Hours ------------------------------------------------------------------------------------------------------------


def minute_at(day: date, clock: int, zone: tzinfo, *, last: bool = False) -> int:
    """The Unix minute of a local time on that day; with `last`, the second if it occurs twice."""
    local = datetime.combine(day, time()) + timedelta(minutes=clock)
    first, second = (_minute(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if first <= second:
        return second if last else first
    return _leap(second, first, zone)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _leap(before: int, after: int, zone: tzinfo) -> int:
    """The minute between the two at which the offset changes."""
    offset = _offset(before, zone)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(middle, zone) == offset else (before, middle)
    return after


def _offset(minute: int, zone: tzinfo) -> timedelta | None:
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).utcoffset()


def shifts_on(diary: Diary, day: date, zone: tzinfo) -> list[Span]:
    """The carer's shifts on that day."""
    if day.isoformat() in diary.days_off:
        return []
    shifts: list[Shift] = getattr(diary.hours, WEEKDAYS[day.weekday()])
    spans = (
        Span(minute_at(day, _minutes(shift.from_), zone), minute_at(day, _minutes(shift.to), zone, last=True))
        for shift in shifts
    )
    return [span for span in spans if span.begin < span.end]


def joined(spans: Iterable[Span]) -> list[Span]:
    """Merge adjacent shifts, so that bookings may span midnight."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.begin <= joined[-1].end:
            joined[-1] = Span(joined[-1].begin, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def _local_day(minute: int, zone: tzinfo) -> date:
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).date()


def _days(span: Span, zone: tzinfo) -> list[date]:
    """The local days of a span and one on either side, for shifts and services across midnight."""
    first, last = _local_day(span.begin, zone) - timedelta(days=1), _local_day(span.end, zone) + timedelta(days=1)
    return [first + timedelta(days=each) for each in range((last - first).days + 1)]


# --- Free times -------------------------------------------------------------------------------------------------------


def is_free(diary: Diary, wanted: Span, zone: tzinfo) -> bool:
    """Whether the carer works and has no booking in that time."""
    shifts = joined(span for day in _days(wanted, zone) for span in shifts_on(diary, day, zone))
    works = any(shift.begin <= wanted.begin and wanted.end <= shift.end for shift in shifts)
    return works and not any(taken.begin < wanted.end and wanted.begin < taken.end for taken in diary.booked)


def starts_of(diary: Diary, offer: Offer, within: Span, zone: tzinfo) -> Iterator[int]:
    """The minutes in a span at which the carer can begin, sorted."""
    shifts = [span for day in _days(within, zone) for span in shifts_on(diary, day, zone)]
    works, taken = joined(shifts), list(diary.booked)
    seen = -1
    for shift in sorted(shifts):
        skipped = max(0, -(-(within.begin - shift.begin) // offer.step))
        for start in range(shift.begin + skipped * offer.step, min(shift.end, within.end), offer.step):
            wanted = Span(start, start + offer.duration)
            while taken and taken[0].end <= start:
                taken.pop(0)
            while works and works[0].end <= start:
                works.pop(0)
            fits = works and works[0].begin <= start and wanted.end <= works[0].end
            if fits and start > seen and not (taken and taken[0].begin < wanted.end):
                yield start
                seen = start


def free_times(
    diaries: Sequence[Diary], offer: Offer, within: Span, zone: tzinfo, *, most: int | None = None
) -> list[FreeTime]:
    """The free times of a service, sorted, each with the free carers. Searches day by day; with `most`, until that many
    are found.
    """
    found: list[FreeTime] = []
    for begin in range(within.begin, within.end, DAY_MINUTES):
        if most is not None and len(found) >= most:
            break
        carers: dict[int, list[str]] = {}
        for diary in diaries:
            for start in starts_of(diary, offer, Span(begin, min(begin + DAY_MINUTES, within.end)), zone):
                carers.setdefault(start, []).append(diary.carer_id)
        found += [_free_time(start, offer, carers[start]) for start in sorted(carers)]
    return found


def _free_time(start: int, offer: Offer, carer_ids: list[str]) -> FreeTime:
    return FreeTime(moment_of(start), moment_of(start + offer.duration), carer_ids)


def around(wanted: int, now: int, days: int) -> Span:
    """The span of `days` before and after a minute, without the past."""
    begin = max(wanted - days * DAY_MINUTES, now + 1)
    return Span(begin, max(wanted, begin) + days * DAY_MINUTES)


def nearest(found: Sequence[FreeTime], wanted: int) -> list[FreeTime]:
    """The free times nearest to a minute, nearest first."""
    return sorted(found, key=lambda each: abs(minute_of(each.starts_at) - wanted))[:NEAREST_MAX]


def span_of(first: date, last: date, zone: tzinfo) -> Span:
    """The span from the beginning of one local day to the end of another."""
    return Span(minute_at(first, 0, zone), minute_at(last + timedelta(days=1), 0, zone))


def weekly(hours: Mapping[str, Sequence[tuple[str, str]]]) -> WeekHours:
    """Make weekly hours of pairs of local times by weekday."""
    shifts: dict[str, Any] = {day: [Shift(*each) for each in spans] for day, spans in hours.items()}
    return WeekHours(**shifts)
