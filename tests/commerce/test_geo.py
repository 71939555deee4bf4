from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.commerce.geo import EARTH_RADIUS_M, Location, distance_m

places = st.builds(Location, st.floats(-90, 90), st.floats(-180, 180))


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        (Location(0, 0), Location(0, 1), 111_195),
        (Location(23.7806, 90.4074), Location(23.7806, 90.4074), 0),
        (Location(52.5163, 13.3777), Location(48.8584, 2.2945), 878_000),  # Berlin to Paris
        (Location(0, 179.5), Location(0, -179.5), 111_195),  # over the date line
        (Location(90, 0), Location(-90, 0), 20_015_115),
    ],
)
def test_known_distances(a: Location, b: Location, metres: float) -> None:
    assert distance_m(a, b) == pytest.approx(metres, rel=0.002, abs=1)


@given(places, places)
def test_a_distance_is_the_same_both_ways_and_at_most_half_around(a: Location, b: Location) -> None:
    assert distance_m(a, b) == pytest.approx(distance_m(b, a), abs=0.01)
    assert 0 <= distance_m(a, b) <= 3.1416 * EARTH_RADIUS_M
