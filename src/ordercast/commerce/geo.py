"""Geographic locations, and the distance between two of them."""

from __future__ import annotations

from math import asin, cos, hypot, radians, sin, sqrt
from typing import Annotated, Final

from msgspec import Meta, Struct

EARTH_RADIUS_M: Final = 6_371_008.8  # mean radius (IUGG), accurate to 0.6 %


class Location(Struct, frozen=True, forbid_unknown_fields=True):
    """Degrees (WGS 84), as phones report them."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lng: Annotated[float, Meta(ge=-180, le=180)]


def distance_m(a: Location, b: Location) -> float:
    """The great-circle distance in metres (haversine formula, exact for short distances too)."""
    lat_a, lat_b = radians(a.lat), radians(b.lat)
    half_lat, half_lng = (lat_b - lat_a) / 2, radians(b.lng - a.lng) / 2
    chord = hypot(sin(half_lat), sqrt(cos(lat_a) * cos(lat_b)) * sin(half_lng))
    return 2 * EARTH_RADIUS_M * asin(min(1.0, chord))
