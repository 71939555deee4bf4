"""Free times: within the hours of the shop's clock and beside what is booked, on days of any length."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.slots import (
    WEEKDAYS,
    Diary,
    FreeTime,
    Offer,
    Span,
    around,
    check_hours,
    free_times,
    is_free,
    minute_at,
    minute_of,
    moment_of,
    nearest,
    span_of,
    starts_of,
    weekly,
)

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN, SUMMER = date(2026, 3, 29), date(2026, 10, 25), date(2026, 6, 2)
HOUR = Offer(60, 60)
# Where the clock leaps by an hour, by half of one, at midnight, and not at all.
ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Asia/Dhaka", "UTC")]


def diary(hours: dict[str, list[tuple[str, str]]], *booked: Span, days_off: frozenset[str] = frozenset()) -> Diary:
    return Diary("car_1", weekly(hours), days_off, sorted(booked))


ALWAYS = {day: [("00:00", "24:00")] for day in WEEKDAYS}


def starts(of: Diary, offer: Offer, day: date, zone: ZoneInfo = BERLIN) -> list[str]:
    """The local times at which it may begin, as the clock shows them."""
    found = starts_of(of, offer, span_of(day, day, zone), zone)
    return [datetime.fromtimestamp(each * 60, UTC).astimezone(zone).strftime("%H:%M") for each in found]


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (SUMMER, 24)])
def test_a_day_has_as_many_hours_as_the_clock_gives_it(day: date, hours: int) -> None:
    assert len(starts(diary(ALWAYS), HOUR, day)) == hours


def test_an_hour_that_does_not_come_is_not_offered_and_one_that_comes_twice_is_twice() -> None:
    night = diary({"sunday": [("00:00", "05:00")]})
    assert starts(night, HOUR, SPRING) == ["00:00", "01:00", "03:00", "04:00"]
    assert starts(night, HOUR, AUTUMN) == ["00:00", "01:00", "02:00", "02:00", "03:00", "04:00"]


def test_a_shift_that_begins_in_the_leap_begins_behind_it() -> None:
    assert starts(diary({"sunday": [("02:30", "05:00")]}), HOUR, SPRING) == ["03:00", "04:00"]
    assert starts(diary({"sunday": [("01:00", "02:30")]}), Offer(30, 30), SPRING) == ["01:00", "01:30"]


def test_who_works_through_midnight_is_booked_through_it() -> None:
    watch = diary({"tuesday": [("22:00", "24:00")], "wednesday": [("00:00", "06:00")]})
    assert starts(watch, Offer(240, 60), SUMMER) == ["22:00", "23:00"]
    assert starts(watch, Offer(240, 60), SUMMER + timedelta(days=1)) == ["00:00", "01:00", "02:00"]


def test_a_pause_and_a_day_off_are_not_offered() -> None:
    hours = {"tuesday": [("09:00", "11:00"), ("12:00", "13:30")]}
    assert starts(diary(hours), HOUR, SUMMER) == ["09:00", "10:00", "12:00"]
    assert starts(diary(hours, days_off=frozenset({"2026-06-02"})), HOUR, SUMMER) == []


def test_what_is_booked_is_not_offered_and_what_touches_it_is() -> None:
    ten = minute_at(SUMMER, 600, BERLIN)
    booked = diary({"tuesday": [("09:00", "13:00")]}, Span(ten, ten + 60))
    assert starts(booked, Offer(60, 30), SUMMER) == ["09:00", "11:00", "11:30", "12:00"]
    assert not is_free(booked, Span(ten + 30, ten + 90), BERLIN)
    assert is_free(booked, Span(ten - 60, ten), BERLIN)
    assert is_free(booked, Span(ten + 60, ten + 120), BERLIN)


def test_carers_who_are_free_at_the_same_time_stand_together() -> None:
    hours = weekly({"tuesday": [("09:00", "11:00")]})
    ten = minute_at(SUMMER, 600, BERLIN)
    diaries = [Diary("car_1", hours, frozenset(), [Span(ten, ten + 60)]), Diary("car_2", hours, frozenset(), [])]
    found = free_times(diaries, HOUR, span_of(SUMMER, SUMMER, BERLIN), BERLIN)
    assert [(each.starts_at, each.carer_ids) for each in found] == [
        ("2026-06-02T07:00:00.000Z", ["car_1", "car_2"]),
        ("2026-06-02T08:00:00.000Z", ["car_2"]),
    ]


def test_the_nearest_are_offered_first_and_none_that_has_gone_by() -> None:
    found = [FreeTime(moment_of(minute), moment_of(minute + 60), []) for minute in (100, 200, 260, 400, 500, 900)]
    assert [minute_of(each.starts_at) for each in nearest(found, 250)] == [260, 200, 100, 400, 500]
    assert around(250, 240, 7).begin == 241


@pytest.mark.parametrize(
    ("shifts", "field"),
    [
        ([("12:00", "12:00")], "hours.monday[0].to"),
        ([("09:00", "08:00")], "hours.monday[0].to"),
        ([("09:00", "12:00"), ("11:00", "13:00")], "hours.monday[1].from"),
    ],
)
def test_hours_that_overlap_or_end_before_they_begin_are_refused(shifts: list[tuple[str, str]], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        check_hours(weekly({"monday": shifts}))
    assert caught.value.field == field


# --- Whatever the hours, the clock and the bookings -------------------------------------------------------------------

_days = st.dates(date(2025, 1, 1), date(2027, 12, 31))
_clock = st.integers(0, 24 * 4).map(lambda quarters: f"{quarters // 4:02d}:{quarters % 4 * 15:02d}")


@st.composite
def _weeks(draw: st.DrawFn) -> dict[str, list[tuple[str, str]]]:
    hours = {}
    for day in WEEKDAYS:
        ends = sorted(draw(st.lists(_clock, max_size=6, unique=True)))
        hours[day] = list(zip(ends[::2], ends[1::2], strict=False))
    return hours


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Diary, Offer, Span, ZoneInfo]:
    zone, day = draw(st.sampled_from(ZONES)), draw(_days)
    within = span_of(day, day + timedelta(days=draw(st.integers(0, 3))), zone)
    booked, at = [], within.begin - 300
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 300), st.integers(5, 400)), max_size=8)):
        booked.append(Span(at + gap, at + gap + length))
        at += gap + length
    offer = Offer(draw(st.integers(5, 600)), draw(st.integers(5, 240)))
    return Diary("car_1", weekly(draw(_weeks())), frozenset(), booked), offer, within, zone


@given(_cases())
def test_whatever_is_offered_is_free_within_the_span_and_told_once(case: tuple[Diary, Offer, Span, ZoneInfo]) -> None:
    of, offer, within, zone = case
    found = list(starts_of(of, offer, within, zone))
    assert found == sorted(set(found))
    for start in found:
        assert within.begin <= start < within.end
        assert is_free(of, Span(start, start + offer.duration), zone)


@given(_cases())
def test_a_span_and_its_parts_offer_the_same(case: tuple[Diary, Offer, Span, ZoneInfo]) -> None:
    of, offer, within, zone = case
    middle = (within.begin + within.end) // 2
    parts = [*starts_of(of, offer, Span(within.begin, middle), zone)]
    parts += starts_of(of, offer, Span(middle, within.end), zone)
    assert parts == list(starts_of(of, offer, within, zone))


@given(st.sampled_from(ZONES), _days)
def test_days_follow_each_other_without_a_gap(zone: ZoneInfo, day: date) -> None:
    today, next_day = span_of(day, day, zone), span_of(day + timedelta(days=1), day + timedelta(days=1), zone)
    assert today.end == next_day.begin
    assert 22 * 60 < today.end - today.begin < 26 * 60
    assert len(list(starts_of(diary(ALWAYS), Offer(1, 1), today, zone))) == today.end - today.begin
