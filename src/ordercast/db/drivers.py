"""Drivers: accounts of that role, whether they work, where they are, and who of them is free."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.commerce.deliveries import Candidate
from ordercast.commerce.errors import NotFound
from ordercast.commerce.moments import Moment
from ordercast.commerce.places import Location

from .lenient_json import is_moment
from .transaction import Transaction

# Where somebody was longer ago says nothing of where they are.
PLACE_AGE_S_MAX: Final = 15 * 60


class Place(Struct, frozen=True):
    """Where a driver was. `accuracy` is metres."""

    lat: float
    lng: float
    accuracy: float | None
    at: str

    @property
    def location(self) -> Location:
        return Location(self.lat, self.lng)


class Driver(Struct, frozen=True, rename="camel"):
    """`orders` is how many they have now; `position` where they were seen last, to some seconds."""

    id: str
    name: str
    active: bool
    on_duty: bool = False
    position: Place | None = None
    orders: int = 0


def find(transaction: Transaction, driver_id: str) -> Driver | None:
    return transaction.read_one(transaction.sql.deliveries.driver, _driver, "accounts", id=driver_id)


def page(transaction: Transaction, after: str, limit: int) -> list[Driver]:
    """The next drivers by id after `after` ("" for the first)."""
    return transaction.page(transaction.sql.deliveries.drivers_after, _driver, "accounts", after=after, limit=limit)


def set_duty(
    transaction: Transaction, driver_id: str, on_duty: bool, now: Moment, *, known_elsewhere_as: str | None = None
) -> Driver:
    """Let a driver begin or end their work; the orders that they have stay theirs. Raises NotFound.

    `known_elsewhere_as` is the name of one whom another issuer vouches for, and who needs no account here.
    """
    if known_elsewhere_as is None and find(transaction, driver_id) is None:
        raise NotFound("driver")
    transaction.run(transaction.sql.deliveries.set_duty, driver_id=driver_id, on_duty=int(on_duty), updated_at=now)
    return find(transaction, driver_id) or Driver(driver_id, known_elsewhere_as or "", True, on_duty)


def is_on_duty(transaction: Transaction, driver_id: str) -> bool:
    """Whether they said that they work; a new driver has not."""
    row = transaction.one(transaction.sql.deliveries.on_duty, driver_id=driver_id)
    return row is not None and bool(row[0])


def keep_place(transaction: Transaction, driver_id: str, place: Place, now: Moment) -> None:
    """Keep where a driver is: for choosing the nearest, and for who looks only now."""
    transaction.run(
        transaction.sql.deliveries.set_place,
        driver_id=driver_id,
        lat=place.lat,
        lng=place.lng,
        accuracy_m=place.accuracy,
        located_at=place.at,
        updated_at=now,
    )


def free(transaction: Transaction, now: Moment) -> list[Candidate]:
    """Those on duty who have no order; a place that is too old is left out."""

    def candidate(row: tuple[Any, ...]) -> Candidate:
        id_, lat, lng, located_at, assigned_at = row
        place = place_of((lat, lng, None, located_at))
        return Candidate(id_, place.location if place is not None and is_fresh(place.at, now) else None, assigned_at)

    return transaction.read(transaction.sql.deliveries.free, candidate, "driver_states")


def is_fresh(located_at: str, now: Moment) -> bool:
    """Whether a place of that time may be taken for where somebody is."""
    age = datetime.fromisoformat(now) - datetime.fromisoformat(located_at)
    return age <= timedelta(seconds=PLACE_AGE_S_MAX)


def place_of(row: tuple[Any, ...]) -> Place | None:
    """Read latitude, longitude, accuracy and time as the statements give them; None for what is no place."""
    if not is_moment(row[3]):
        return None
    try:
        return Place(*msgspec.convert(row, tuple[float, float, float | None, str]))
    except msgspec.ValidationError:
        return None


def _driver(row: tuple[Any, ...]) -> Driver:
    id_, name, active, on_duty, *place, held = row
    return Driver(id_, name, bool(active), bool(on_duty), place_of(tuple(place)), held)
