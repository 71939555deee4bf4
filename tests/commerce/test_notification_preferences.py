from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from ordercast.commerce.letters import Language
from ordercast.commerce.notification_preferences import (
    SMS_CHARACTERS_MAX,
    SMS_UNITS_MAX,
    Channel,
    Drop,
    Hold,
    NotificationPreferences,
    QuietHours,
    Send,
    decide,
    default_channels,
    language_for,
    sms_text,
)
from ordercast.commerce.notifications import NotificationKind, Severity, Topic, topic_of
from ordercast.commerce.people import Role

NEW_YORK = ZoneInfo("America/New_York")
DHAKA = ZoneInfo("Asia/Dhaka")
NIGHT = QuietHours(time(22), time(7))


def at(zone: ZoneInfo, text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


# --- Quiet hours ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-06-01T21:59:59", None),
        ("2026-06-01T22:00:00", "2026-06-02T07:00:00"),
        ("2026-06-02T00:00:00", "2026-06-02T07:00:00"),
        ("2026-06-02T06:59:59", "2026-06-02T07:00:00"),
        ("2026-06-02T07:00:00", None),
    ],
)
def test_quiet_hours_go_over_midnight(now: str, until: str | None) -> None:
    assert NIGHT.until(at(DHAKA, now), DHAKA) == (None if until is None else at(DHAKA, until))


def test_quiet_hours_within_a_day_end_on_it() -> None:
    nap = QuietHours(time(13), time(15, 30))
    assert nap.until(at(DHAKA, "2026-06-01T14:00:00"), DHAKA) == at(DHAKA, "2026-06-01T15:30:00")
    assert nap.until(at(DHAKA, "2026-06-01T15:30:00"), DHAKA) is None


# In New York clocks were put forward on 8 March 2026 from 2 to 3, and put back on 1 November from 2 to 1.
def test_a_night_on_which_clocks_are_put_forward_is_an_hour_shorter() -> None:
    begin, end = at(NEW_YORK, "2026-03-07T22:00:00"), at(NEW_YORK, "2026-03-08T07:00:00")
    assert end - begin == timedelta(hours=8)
    assert NIGHT.until(begin, NEW_YORK) == end
    assert NIGHT.until(end - timedelta(seconds=1), NEW_YORK) == end
    assert NIGHT.until(end, NEW_YORK) is None


def test_a_night_on_which_clocks_are_put_back_is_an_hour_longer() -> None:
    begin, end = at(NEW_YORK, "2026-10-31T22:00:00"), at(NEW_YORK, "2026-11-01T07:00:00")
    assert end - begin == timedelta(hours=10)
    assert NIGHT.until(begin, NEW_YORK) == end
    assert NIGHT.until(end - timedelta(seconds=1), NEW_YORK) == end


def test_quiet_hours_that_end_in_an_hour_that_is_left_out_end_after_it() -> None:
    short = QuietHours(time(22), time(2, 30))
    assert short.until(at(NEW_YORK, "2026-03-08T01:00:00"), NEW_YORK) == at(NEW_YORK, "2026-03-08T03:30:00")


def test_quiet_hours_that_ended_in_an_hour_that_comes_twice_do_not_begin_again() -> None:
    short = QuietHours(time(22), time(1, 30))
    end = at(NEW_YORK, "2026-11-01T01:30:00")
    assert short.until(end - timedelta(minutes=1), NEW_YORK) == end
    for minute in range(0, 90, 10):  # through the second half past one
        assert short.until(end + timedelta(minutes=minute), NEW_YORK) is None


def test_at_every_minute_of_a_year_quiet_hours_end_within_their_length_and_an_hour() -> None:
    now, step = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=7)
    while now.year == 2026:
        until = NIGHT.until(now, NEW_YORK)
        assert until is None or now < until <= now + timedelta(hours=10), now
        now += step


@pytest.mark.parametrize(
    ("lets_through", "kept"),
    [
        (Severity.ERROR, {Severity.INFO, Severity.WARNING}),
        (Severity.WARNING, {Severity.INFO}),
        (Severity.INFO, set()),
        (None, set(Severity)),
    ],
)
def test_what_matters_enough_is_let_through(lets_through: Severity | None, kept: set[Severity]) -> None:
    quiet = QuietHours(time(22), time(7), lets_through)
    assert {severity for severity in Severity if quiet.keeps(severity)} == kept


# --- Deciding ---------------------------------------------------------------------------------------------------------


def decided(
    preferences: NotificationPreferences,
    channel: Channel = Channel.PUSH,
    kind: NotificationKind = NotificationKind.ORDER_STATUS,
    severity: Severity = Severity.INFO,
    role: Role = Role.CUSTOMER,
) -> Send | Hold | Drop:
    now = at(DHAKA, "2026-06-01T23:00:00")
    return decide(preferences, role, channel, kind, severity, now=now, zone=DHAKA)


def test_by_default_a_device_is_pushed_to_and_nobody_is_mailed_or_texted() -> None:
    nothing = NotificationPreferences()
    assert isinstance(decided(nothing), Send)
    assert isinstance(decided(nothing, Channel.MAIL), Drop)
    assert isinstance(decided(nothing, Channel.SMS), Drop)


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.GUEST, Role.DRIVER])
def test_the_shops_work_is_told_to_its_people_alone(role: Role) -> None:
    assert default_channels(role, Topic.SHOP) == frozenset()
    assert default_channels(Role.STORE, Topic.SHOP) == default_channels(role, Topic.ORDERS) == {Channel.PUSH}
    assert Topic.SHOP not in dict(NotificationPreferences().by_topic(role))


def test_what_was_chosen_goes_before_what_is_by_default() -> None:
    by_mail = NotificationPreferences(topics={Topic.ORDERS: frozenset({Channel.MAIL})})
    assert isinstance(decided(by_mail), Drop)
    assert isinstance(decided(by_mail, Channel.MAIL), Send)
    assert isinstance(decided(by_mail, kind=NotificationKind.ASSIGNED), Send)


def test_in_quiet_hours_it_waits_for_their_end_unless_it_matters() -> None:
    quiet = NotificationPreferences(quiet_hours=NIGHT)
    assert decided(quiet) == Hold(at(DHAKA, "2026-06-02T07:00:00"))
    assert isinstance(decided(quiet, severity=Severity.ERROR), Send)


def test_every_kind_has_its_topic() -> None:
    assert all(isinstance(topic_of(kind), Topic) for kind in NotificationKind)


# --- Languages and SMS ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "language"),
    [
        (("bn",), Language.BENGALI),
        (("bn-BD",), Language.BENGALI),
        (("BN-Beng-BD",), Language.BENGALI),
        ((None, "en-GB"), Language.ENGLISH),
        (("fr-CH", "bn"), Language.BENGALI),
        (("fr", None), Language.BENGALI),
        ((), Language.BENGALI),
    ],
)
def test_the_first_language_that_we_speak_is_spoken(tags: tuple[str | None, ...], language: Language) -> None:
    assert language_for(*tags, default=Language.BENGALI) is language


def test_an_sms_says_all_where_it_fits() -> None:
    assert sms_text("On its way", "Order 7 is on its way to you.", "https://s.example.com/track/ord_7") == (
        "On its way: Order 7 is on its way to you. https://s.example.com/track/ord_7"
    )


@pytest.mark.parametrize(
    ("letter", "bound"),
    [("x", SMS_CHARACTERS_MAX), ("\N{BENGALI LETTER KA}", SMS_UNITS_MAX), ("\U0001f389", SMS_UNITS_MAX)],
)
def test_an_sms_has_three_parts_at_most_and_its_whole_link(letter: str, bound: int) -> None:
    text = sms_text("Title", letter * 1_000, "https://s.example.com/track/ord_7")
    assert bound - 2 <= len(text.encode("utf-16-le")) // 2 <= bound
    assert text.endswith(" https://s.example.com/track/ord_7")
