from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.feed import Position

EPOCHS = st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=32)


@given(EPOCHS, st.integers(0, 10**17), st.none() | st.integers(0, 9999))
def test_a_position_survives_the_way_to_the_client_and_back(epoch: str, seq: int, event: int | None) -> None:
    position = Position(epoch, seq) if event is None else Position(epoch, seq, event)
    assert Position.parse(str(position)) == position


def test_the_end_of_a_row_is_behind_each_of_its_events() -> None:
    assert Position("e", 6) < Position("e", 7, 0) < Position("e", 7, 1) < Position("e", 7) < Position("e", 8, 0)


@pytest.mark.parametrize(
    "text", ["", ":", "e:", ":1", "e:-1", "e:1.", "e:1.x", "E:1", "e:1 ", "e:1\n", "e:" + "9" * 19]
)
def test_what_we_cannot_have_given_is_no_position(text: str) -> None:
    assert Position.parse(text) is None
