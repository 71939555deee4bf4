from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from ordercast.commerce.errors import ShopClosed
from ordercast.commerce.opening import ClosedFor, Opening, OpeningState, back_in_stock_at, check_open, opening_state
from ordercast.commerce.people import GUEST, Actor, Role
from ordercast.commerce.slots import WEEKDAYS, WeekHours, weekly
from ordercast.commerce.timestamps import Timestamp

BERLIN, DHAKA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Dhaka")
# 30 November 2026 is a Monday.
LUNCH = weekly({"monday": [("11:00", "14:00")], "wednesday": [("11:00", "14:00")]})


def at(text: str) -> Timestamp:
    return Timestamp(f"{text}:00.000Z")


def every_day(begin: str, end: str) -> WeekHours:
    return weekly({day: [(begin, end)] for day in WEEKDAYS})


def test_a_shop_without_hours_is_always_open() -> None:
    assert opening_state(Opening(), at("2026-11-30T03:00"), UTC) == OpeningState(None)


def test_it_is_open_within_its_hours_by_its_own_clock() -> None:
    opening = Opening(hours=LUNCH)
    # Eleven o'clock in Dhaka is five in UTC.
    assert opening_state(opening, at("2026-11-30T04:59"), DHAKA).opens_at == at("2026-11-30T05:00")
    assert opening_state(opening, at("2026-11-30T05:00"), DHAKA) == OpeningState(None, closes_at=at("2026-11-30T08:00"))
    closed = opening_state(opening, at("2026-11-30T08:00"), DHAKA)
    assert closed == OpeningState(ClosedFor.HOURS, opens_at=at("2026-12-02T05:00"))


def test_what_is_open_past_midnight_is_one_opening_and_always_has_no_end() -> None:
    night = Opening(hours=weekly({"monday": [("18:00", "24:00")], "tuesday": [("00:00", "02:00")]}))
    assert opening_state(night, at("2026-11-30T20:00"), UTC).closes_at == at("2026-12-01T02:00")
    assert opening_state(night, at("2026-12-01T01:00"), UTC).closes_at == at("2026-12-01T02:00")
    always = Opening(hours=every_day("00:00", "24:00"))
    assert opening_state(always, at("2026-11-30T20:00"), UTC) == OpeningState(None)


def test_hours_that_hold_nothing_are_closed_and_nobody_knows_until_when() -> None:
    assert opening_state(Opening(hours=WeekHours()), at("2026-11-30T20:00"), UTC) == OpeningState(ClosedFor.HOURS)


def test_days_of_twenty_three_and_twenty_five_hours_have_their_hours() -> None:
    opening = Opening(hours=every_day("01:00", "05:00"))
    # On 29 March 2026 the clock skips from two to three, on 25 October it goes back from three to two.
    spring, autumn = at("2026-03-29T00:00"), at("2026-10-24T23:00")
    assert opening_state(opening, spring, BERLIN).closes_at == at("2026-03-29T03:00")
    assert opening_state(opening, autumn, BERLIN).closes_at == at("2026-10-25T04:00")
    skipped = Opening(hours=weekly({"sunday": [("02:30", "05:00")]}))
    assert opening_state(skipped, spring, BERLIN).opens_at == at("2026-03-29T01:00")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-30T11:30", OpeningState(ClosedFor.PAUSED, at("2026-11-30T12:15"))),
        ("2026-11-30T12:15", OpeningState(None, closes_at=at("2026-11-30T14:00"))),
    ],
    ids=["during", "after"],
)
def test_a_pause_ends_by_itself(now: str, expected: OpeningState) -> None:
    paused = Opening(hours=LUNCH, paused=True, paused_until=at("2026-11-30T12:15"))
    assert opening_state(paused, at(now), UTC) == expected


def test_after_a_pause_that_outlasts_the_hours_it_opens_with_the_next() -> None:
    paused = Opening(hours=LUNCH, paused=True, paused_until=at("2026-11-30T15:00"))
    assert opening_state(paused, at("2026-11-30T12:00"), UTC).opens_at == at("2026-12-02T11:00")
    endless = Opening(paused=True)
    assert opening_state(endless, at("2026-11-30T12:00"), UTC) == OpeningState(ClosedFor.PAUSED)


def test_buyers_are_refused_while_it_is_closed_and_the_shops_people_are_not() -> None:
    paused = Opening(paused=True, paused_until=at("2026-11-30T12:15"), pause_reason="Too many orders")
    now = at("2026-11-30T12:00")
    for buyer in (GUEST, Actor(Role.CUSTOMER, "cus_1")):
        with pytest.raises(ShopClosed, match=r"Too many orders.*2026-11-30T12:15") as refused:
            check_open(paused, buyer, now, UTC)
        assert (refused.value.closed_for, refused.value.opens_at) == ("paused", at("2026-11-30T12:15"))
    check_open(paused, Actor(Role.STORE, "usr_1"), now, UTC)
    check_open(paused, GUEST, at("2026-11-30T12:15"), UTC)


def test_what_is_sold_out_today_is_back_with_the_next_opening_or_at_midnight() -> None:
    now = at("2026-11-30T12:00")
    assert back_in_stock_at(Opening(), now, DHAKA) == at("2026-11-30T18:00")
    assert back_in_stock_at(Opening(hours=LUNCH), now, UTC) == at("2026-12-02T11:00")
    assert back_in_stock_at(Opening(hours=every_day("00:00", "24:00")), now, UTC) == at("2026-12-01T00:00")
    assert back_in_stock_at(Opening(), at("2026-10-25T12:00"), BERLIN) == at("2026-10-25T23:00")
