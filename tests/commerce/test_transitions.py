from __future__ import annotations

from ordercast.commerce.states import OrderStatus as S
from ordercast.commerce.transitions import BEFORE_PICKED_UP, MOVES, OPEN, TERMINAL, TRANSITIONS


def test_no_move_stands_twice_and_none_leads_nowhere() -> None:
    assert len(MOVES) == len(TRANSITIONS)
    assert all(t.source is not t.target and t.roles for t in TRANSITIONS)


def test_every_state_can_be_reached_and_every_open_one_can_end() -> None:
    assert _closure({S.PENDING}) == set(S)
    for state in set(S) - TERMINAL:
        assert _closure({state}) & TERMINAL


def test_an_end_is_an_end() -> None:
    assert {S.DELIVERED, S.RETURNED, S.CANCELLED, S.REJECTED, S.EXPIRED} == TERMINAL
    assert not [t for t in TRANSITIONS if t.source in TERMINAL]


def test_every_open_state_can_be_held_and_resumed() -> None:
    assert {t.source for t in TRANSITIONS if t.target is S.ON_HOLD} == set(OPEN)
    assert {t.target for t in TRANSITIONS if t.source is S.ON_HOLD} == {*OPEN, S.CANCELLED}


def test_an_order_is_cancelled_until_it_is_picked_up() -> None:
    sources = {t.source for t in TRANSITIONS if t.target is S.CANCELLED} - {S.ON_HOLD}
    assert sources == set(BEFORE_PICKED_UP)
    assert S.PICKED_UP not in sources


def _closure(states: set[S]) -> set[S]:
    reached = set(states)
    while more := {t.target for t in TRANSITIONS if t.source in reached} - reached:
        reached |= more
    return reached
