from __future__ import annotations

from ordercast.commerce.booking_states import BOOKING_LABELS
from ordercast.commerce.booking_states import BookingStatus as S
from ordercast.commerce.booking_transitions import (
    BOOKING_MOVES,
    BOOKING_TERMINAL,
    BOOKING_TRANSITIONS,
    COMING,
    FREEING,
    RESCHEDULES,
    TAKING_TIME,
    BookingEffect,
)


def test_no_move_stands_twice_and_none_leads_nowhere() -> None:
    assert len(BOOKING_MOVES) == len(BOOKING_TRANSITIONS)
    assert all(t.source is not t.target and t.roles for t in BOOKING_TRANSITIONS)


def test_every_state_can_be_reached_and_every_open_one_can_end() -> None:
    assert _closure({S.REQUESTED}) == set(S)
    for state in set(S) - BOOKING_TERMINAL:
        assert _closure({state}) & BOOKING_TERMINAL


def test_an_end_is_an_end() -> None:
    assert {S.COMPLETED, S.CANCELLED, S.NO_SHOW} == BOOKING_TERMINAL
    assert not [t for t in (*BOOKING_TRANSITIONS, *RESCHEDULES) if t.source in BOOKING_TERMINAL]


def test_what_is_called_off_or_missed_gives_its_time_back_and_nothing_takes_it_anew() -> None:
    assert {S.CANCELLED, S.NO_SHOW} == FREEING
    assert set(TAKING_TIME) == set(S) - FREEING
    assert not [t for t in BOOKING_TRANSITIONS if t.source in FREEING and t.target in TAKING_TIME]


def test_only_what_has_not_begun_is_moved_to_another_time_and_each_role_in_one_way() -> None:
    assert {t.source for t in RESCHEDULES} == set(COMING)
    assert all(BookingEffect.CHANGE_TIME in t.effects for t in RESCHEDULES)
    ways = [(t.source, role) for t in RESCHEDULES for role in t.roles]
    assert len(ways) == len(set(ways))


def test_every_state_has_its_names() -> None:
    assert BOOKING_LABELS.keys() == set(S)


def _closure(states: set[S]) -> set[S]:
    reached = set(states)
    while more := {t.target for t in BOOKING_TRANSITIONS if t.source in reached} - reached:
        reached |= more
    return reached
