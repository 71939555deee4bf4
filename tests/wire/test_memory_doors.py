"""One connection, whatever it sends and however it comes in, costs a server no more than 16 MB."""

from __future__ import annotations

import pytest

from .memory_doors import BOUND_MB, DOORS, Door, cost_mb


@pytest.mark.parametrize("door", DOORS, ids=[door.__name__ for door in DOORS])
def test_no_door_lets_one_connection_cost_more_than_the_bound(door: Door) -> None:
    assert cost_mb(door) < BOUND_MB
