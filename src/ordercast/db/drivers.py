"""Drivers: accounts of that role, whether they work, where they are, and who of them is free."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from ordercast.commerce.deliveries import Candidate
from ordercast.commerce.errors import NotFound
from ordercast.commerce.moments import Moment
from ordercast.commerce.places import Location

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
    row = transaction.one(transaction.sql.deliveries.driver, id=driver_id)
    return None if row is None else _driver(row)


def page(transaction: Transaction, after: str, limit: int) -> list[Driver]:
    """The next drivers by id after `after` ("" for the first)."""
    return [_driver(row) for row in transaction.all(transaction.sql.deliveries.drivers_after, after=after, limit=limit)]


def set_duty(transaction: Transaction, driver_id: str, on_duty: bool, now: Moment) -> Driver:
    """Let a driver begin or end their work; the orders that they have stay theirs. Raises NotFound."""
    if find(transaction, driver_id) is None:
        raise NotFound("driver")
    transaction.run(transaction.sql.deliveries.set_duty, driver_id=driver_id, on_duty=int(on_duty), updated_at=now)
    found = find(transaction, driver_id)
    assert found is not None
    return found


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
    candidates = []
    for id_, lat, lng, located_at, assigned_at in transaction.all(transaction.sql.deliveries.free):
        is_known = located_at is not None and is_fresh(located_at, now)
        candidates.append(Candidate(id_, Location(lat, lng) if is_known else None, assigned_at))
    return candidates


def is_fresh(located_at: str, now: Moment) -> bool:
    """Whether a place of that time may be taken for where somebody is."""
    age = datetime.fromisoformat(now) - datetime.fromisoformat(located_at)
    return age <= timedelta(seconds=PLACE_AGE_S_MAX)


def place_of(row: tuple[Any, ...]) -> Place | None:
    """Read latitude, longitude, accuracy and time as the statements give them."""
    return None if row[3] is None else Place(*row)


def _driver(row: tuple[Any, ...]) -> Driver:
    id_, name, active, on_duty, *place, held = row
    return Driver(id_, name, bool(active), bool(on_duty), place_of(tuple(place)), held)
