"""The timing wheel, with time moved by hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from ordercast.wire.heartbeat import TICKS_PER_INTERVAL, Heartbeat
from tests.clock import HandClock, time_by_hand

INTERVAL_S = 25.0
TIMEOUT_S = 20.0
TICK_S = TIMEOUT_S / TICKS_PER_INTERVAL


class Session:
    """Notes when it was pinged and when it timed out."""

    def __init__(self, clock: HandClock, wheel: Heartbeat) -> None:
        self.beat_slot = -1
        self.pong_due_s = 0.0
        self.pings: list[float] = []
        self.ended: list[float] = []
        self.on_end: Callable[[], None] = lambda: None
        self._clock = clock
        self._wheel = wheel

    def ping(self) -> None:
        self.pings.append(self._clock.now)

    def ping_timed_out(self) -> None:
        self.ended.append(self._clock.now)
        self._wheel.remove(self)  # as the engine does for every session that ends
        self.on_end()


@pytest.fixture
def clock() -> Iterator[HandClock]:
    with time_by_hand() as clock:
        yield clock


@pytest.fixture
def wheel() -> Heartbeat:
    return Heartbeat(INTERVAL_S, TIMEOUT_S)


def open_session(clock: HandClock, wheel: Heartbeat) -> Session:
    session = Session(clock, wheel)
    wheel.add(session)
    return session


def test_thousands_of_sessions_are_pinged_within_two_ticks_before_the_interval(
    clock: HandClock, wheel: Heartbeat
) -> None:
    opened = []
    chance = random.Random(1)
    for _ in range(5_000):
        clock.advance(chance.expovariate(200))
        opened.append((clock.now, open_session(clock, wheel)))
    clock.advance(INTERVAL_S)

    waits = [session.pings[0] - at for at, session in opened if session.pings]

    assert len(waits) > 4_800
    assert min(waits) >= INTERVAL_S - 2 * TICK_S - 1e-6
    assert max(waits) <= INTERVAL_S + 1e-6


def test_no_silent_session_ends_early_or_more_than_two_ticks_late(clock: HandClock, wheel: Heartbeat) -> None:
    sessions = []
    chance = random.Random(2)
    for _ in range(2_000):
        clock.advance(chance.expovariate(100))
        sessions.append(open_session(clock, wheel))
    clock.advance(INTERVAL_S + TIMEOUT_S + 2 * TICK_S)

    waits = [session.ended[0] - session.pings[0] for session in sessions]

    assert min(waits) >= TIMEOUT_S
    assert max(waits) <= TIMEOUT_S + 2 * TICK_S
    assert all(len(session.pings) == len(session.ended) == 1 for session in sessions)
    assert clock.timers <= 1


def test_who_answers_is_pinged_for_ever(clock: HandClock, wheel: Heartbeat) -> None:
    session = open_session(clock, wheel)

    for beat in range(1, 101):
        clock.advance(INTERVAL_S)
        assert len(session.pings) == beat
        wheel.pong(session)

    assert not session.ended


def test_an_unsolicited_pong_does_not_put_the_ping_off(clock: HandClock, wheel: Heartbeat) -> None:
    session = open_session(clock, wheel)
    for _ in range(1_000):
        clock.advance(INTERVAL_S / 1_000)
        wheel.pong(session)

    assert len(session.pings) == 1


def test_a_pong_after_the_end_changes_nothing(clock: HandClock, wheel: Heartbeat) -> None:
    session = open_session(clock, wheel)
    wheel.remove(session)

    wheel.pong(session)
    wheel.remove(session)
    clock.advance(INTERVAL_S * 2)

    assert not session.pings
    assert repr(wheel) == "<Heartbeat sessions=0 tick=312ms>"


def test_an_empty_wheel_sets_no_timer_and_starts_again(clock: HandClock, wheel: Heartbeat) -> None:
    wheel.remove(open_session(clock, wheel))
    clock.advance(1)
    assert clock.timers == 0

    session = open_session(clock, wheel)
    clock.advance(INTERVAL_S)

    assert len(session.pings) == 1


def test_after_a_stall_nobody_is_ended_before_having_had_the_time_to_answer(clock: HandClock, wheel: Heartbeat) -> None:
    sessions = [open_session(clock, wheel) for _ in range(10)]

    clock.stall(10 * (INTERVAL_S + TIMEOUT_S))
    clock.advance(TIMEOUT_S)
    assert all(len(session.pings) == 1 and not session.ended for session in sessions)

    clock.advance(3 * TICK_S)
    assert all(session.ended[0] - session.pings[0] >= TIMEOUT_S for session in sessions)


def test_after_a_stall_what_lies_unread_is_read_before_anybody_is_ended(clock: HandClock, wheel: Heartbeat) -> None:
    session = open_session(clock, wheel)
    clock.advance(INTERVAL_S)
    assert session.pings

    clock.stall(10 * TIMEOUT_S)
    wheel.pong(session)  # it was sent in time, and is read now
    clock.advance(TICK_S)

    assert not session.ended


def test_a_short_stall_shortens_no_deadline(clock: HandClock, wheel: Heartbeat) -> None:
    session = open_session(clock, wheel)

    clock.stall(INTERVAL_S + TIMEOUT_S / 2)
    clock.advance(TIMEOUT_S + 4 * TICK_S)

    assert session.ended[0] - session.pings[0] >= TIMEOUT_S


def test_deadlines_go_on_after_a_stall(clock: HandClock, wheel: Heartbeat) -> None:
    session = open_session(clock, wheel)
    clock.stall(1_000.3)
    clock.advance(TICK_S)
    wheel.pong(session)

    clock.advance(INTERVAL_S)

    assert len(session.pings) == 2
    assert session.pings[1] - session.pings[0] >= INTERVAL_S - 2 * TICK_S - 1e-6


def test_a_session_that_ends_another_due_at_the_same_tick_leaves_the_count_right(
    clock: HandClock, wheel: Heartbeat
) -> None:
    first, second = open_session(clock, wheel), open_session(clock, wheel)
    first.on_end = lambda: wheel.remove(second)
    second.on_end = lambda: wheel.remove(first)
    bystander = open_session(clock, wheel)
    clock.advance(INTERVAL_S)
    wheel.pong(bystander)

    clock.advance(INTERVAL_S)

    assert len(first.ended) + len(second.ended) == 1
    assert repr(wheel) == "<Heartbeat sessions=1 tick=312ms>"
    assert len(bystander.pings) == 2, "the wheel still turns"
