from __future__ import annotations

from datetime import UTC, date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.stats import AGE_NAMES, bounds, day_of, local_hour, open_orders, percentiles, zone
from ordercast.commerce.timestamps import Timestamp

DHAKA = ZoneInfo("Asia/Dhaka")
BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")


def test_a_day_begins_where_the_shop_is() -> None:
    assert bounds(date(2026, 11, 21), DHAKA) == ("2026-11-20T18:00:00.000Z", "2026-11-21T18:00:00.000Z")
    assert day_of(Timestamp("2026-11-20T18:00:00.000Z"), DHAKA) == date(2026, 11, 21)
    assert day_of(Timestamp("2026-11-20T17:59:59.999Z"), DHAKA) == date(2026, 11, 20)


def test_a_day_on_which_the_clock_is_changed_is_shorter_or_longer() -> None:
    assert bounds(date(2026, 3, 29), BERLIN) == ("2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z")
    assert bounds(date(2026, 10, 25), BERLIN) == ("2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z")


@pytest.mark.parametrize(
    ("minute", "tz", "hour"),
    [("2026-11-21T18:29", KOLKATA, 23), ("2026-11-21T18:30", KOLKATA, 0), ("2026-11-21T06:15", UTC, 6)],
)
def test_an_hour_is_the_local_clocks(minute: str, tz: ZoneInfo, hour: int) -> None:
    assert local_hour(minute, tz) == hour


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "/etc/localtime", "", "a" * 500, "\0"])
def test_what_is_no_zone_is_refused_by_its_field(name: str) -> None:
    with pytest.raises(InvalidField) as refused:
        zone(name)
    assert refused.value.field == "tz"


@pytest.mark.parametrize("day", [date.max, date.min])
def test_a_day_at_the_end_of_the_calendar_is_refused(day: date) -> None:
    with pytest.raises(InvalidField):
        bounds(day, DHAKA)


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_each_percentile_did_occur_and_they_are_in_order(durations: list[float]) -> None:
    found = percentiles(durations)
    assert found.count == len(durations)
    assert found.median is not None
    assert found.p90 is not None
    assert found.p99 is not None
    assert found.median <= found.p90 <= found.p99
    assert {found.median, found.p90, found.p99} <= {round(duration, 3) for duration in durations}
    assert sum(duration <= found.p90 + 0.001 for duration in durations) >= 0.9 * len(durations)


def test_known_percentiles() -> None:
    found = percentiles([float(n) for n in range(1, 101)])
    assert (found.median, found.p90, found.p99) == (50, 90, 99)
    assert percentiles([]).median is None


def test_orders_are_counted_by_how_long_they_wait() -> None:
    found = open_orders([0, 299, 300, 899.9, 1800, 3599, 3600, 1e6])
    assert found.ages == dict(zip(AGE_NAMES, (2, 2, 0, 2, 2), strict=True))
    assert (found.count, found.oldest_seconds) == (8, 1e6)
    assert open_orders([]).oldest_seconds is None
