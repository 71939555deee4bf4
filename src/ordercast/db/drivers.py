"""Units of work on drivers: duty, position, and free ones."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.commerce.deliveries import Candidate
from ordercast.commerce.errors import NotFound
from ordercast.commerce.geo import Location
from ordercast.commerce.people import Role
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.commerce.transitions import TERMINAL

from .columns import check, degrees, flag, given_moment, identifier, index, moment, real, table
from .lenient_json import is_moment
from .noun import Impersonal, Noun
from .sql import literals
from .statement import Statement, statements_in
from .transaction import Transaction

# Older positions are ignored.
PLACE_AGE_S_MAX: Final = 15 * 60
# Larger values mean unknown.
ACCURACY_M_MAX: Final = 20_100_000

driver_states = table(
    "driver_states",
    identifier("driver_id", primary_key=True),
    flag("on_duty", False),
    degrees("lat", 90),
    degrees("lng", 180),
    real("accuracy_m", check("accuracy_bounds", f"accuracy_m BETWEEN 0 AND {ACCURACY_M_MAX}")),
    given_moment("located_at", optional=True),
    given_moment("assigned_at", optional=True),
    moment("updated_at"),
    index("drivers_on_duty", "driver_id", where="on_duty = 1"),
    rowid=False,
    may_be_emptied=True,
)

# --- Statements -------------------------------------------------------------------------------------------------------

# IN (open statuses), as an index serves it, unlike NOT IN.
_IS_OPEN: Final = f"orders.status IN ({literals({*OrderStatus} - {*TERMINAL})})"

_DRIVER: Final = f"""
    SELECT accounts.id, accounts.name, accounts.active, driver_states.on_duty, driver_states.lat, driver_states.lng,
      driver_states.accuracy_m, driver_states.located_at,
      (SELECT count(*) FROM orders WHERE orders.driver_id = accounts.id AND {_IS_OPEN})
    FROM accounts LEFT JOIN driver_states ON driver_states.driver_id = accounts.id
    WHERE accounts.role = '{Role.DRIVER}'
"""
BY_ID: Final = Statement(f"{_DRIVER} AND accounts.id = :id")
AFTER: Final = Statement(f"{_DRIVER} AND accounts.id > :after ORDER BY accounts.id LIMIT :limit")
# CROSS JOIN: SQLite begins with the few on duty.
FREE: Final = Statement(f"""
    SELECT accounts.id, driver_states.lat, driver_states.lng, driver_states.located_at, driver_states.assigned_at
    FROM driver_states CROSS JOIN accounts
    WHERE driver_states.on_duty = 1 AND accounts.id = driver_states.driver_id AND accounts.role = '{Role.DRIVER}'
      AND accounts.active = 1 AND NOT EXISTS (
        SELECT 1 FROM orders WHERE orders.driver_id = driver_states.driver_id AND {_IS_OPEN})
""")
ON_DUTY: Final = Statement("SELECT on_duty FROM driver_states WHERE driver_id = :driver_id")
HOLD: Final = Statement("SELECT driver_id FROM driver_states WHERE driver_id = :driver_id @for_update")
SET_DUTY: Final = Statement("""
    INSERT INTO driver_states (driver_id, on_duty, updated_at) VALUES (:driver_id, :on_duty, :updated_at)
    ON CONFLICT (driver_id) DO UPDATE SET on_duty = excluded.on_duty, updated_at = excluded.updated_at
""")
SET_PLACE: Final = Statement("""
    INSERT INTO driver_states (driver_id, lat, lng, accuracy_m, located_at, updated_at)
    VALUES (:driver_id, :lat, :lng, :accuracy_m, :located_at, :updated_at)
    ON CONFLICT (driver_id) DO UPDATE SET lat = excluded.lat, lng = excluded.lng, accuracy_m = excluded.accuracy_m,
      located_at = excluded.located_at, updated_at = excluded.updated_at
""")
ASSIGNED: Final = Statement("UPDATE driver_states SET assigned_at = :at WHERE driver_id = :id")

NOUN: Final = Noun(
    name="drivers",
    tables=(driver_states,),
    statements=statements_in(globals()),
    personal={"driver_states": Impersonal("where drivers are")},
)

# --- Units of work ----------------------------------------------------------------------------------------------------


class DriverPosition(Struct, frozen=True):
    """A driver's position. `accuracy` is in metres."""

    lat: float
    lng: float
    accuracy: float | None
    at: str

    @property
    def location(self) -> Location:
        return Location(self.lat, self.lng)


class Driver(Struct, frozen=True, rename="camel"):
    """A driver; `orders` counts their current ones, `position` is the last stored one."""

    id: str
    name: str
    active: bool
    on_duty: bool = False
    position: DriverPosition | None = None
    orders: int = 0


def find(transaction: Transaction, driver_id: str) -> Driver | None:
    return transaction.read_one(BY_ID, _driver, "accounts", id=driver_id)


def page(transaction: Transaction, after: str, limit: int) -> list[Driver]:
    """A page of drivers by id after `after` ("" for the first)."""
    return transaction.page(AFTER, _driver, "accounts", after=after, limit=limit)


def set_duty(
    transaction: Transaction, driver_id: str, on_duty: bool, now: Timestamp, *, known_elsewhere_as: str | None = None
) -> Driver:
    """Begin or end a driver's duty; their orders stay. Raises NotFound.

    `known_elsewhere_as` is the name of an external driver, who needs no account here.
    """
    if known_elsewhere_as is None and find(transaction, driver_id) is None:
        raise NotFound("driver")
    transaction.run(SET_DUTY, driver_id=driver_id, on_duty=int(on_duty), updated_at=now)
    return find(transaction, driver_id) or Driver(driver_id, known_elsewhere_as or "", True, on_duty)


def is_on_duty(transaction: Transaction, driver_id: str) -> bool:
    """Whether the driver is on duty; new ones are not."""
    row = transaction.one(ON_DUTY, driver_id=driver_id)
    return row is not None and bool(row[0])


def save_position(transaction: Transaction, driver_id: str, place: DriverPosition, now: Timestamp) -> None:
    """Store a driver's position, for assignment and new pages."""
    transaction.run(
        SET_PLACE,
        driver_id=driver_id,
        lat=place.lat,
        lng=place.lng,
        accuracy_m=place.accuracy,
        located_at=place.at,
        updated_at=now,
    )


def free(transaction: Transaction, now: Timestamp) -> list[Candidate]:
    """The free drivers on duty; old positions are left out."""

    def candidate(row: tuple[Any, ...]) -> Candidate:
        id_, lat, lng, located_at, assigned_at = row
        place = position_of((lat, lng, None, located_at))
        return Candidate(id_, place.location if place is not None and is_fresh(place.at, now) else None, assigned_at)

    return transaction.read(FREE, candidate, "driver_states")


def is_fresh(located_at: str, now: Timestamp) -> bool:
    """Whether a position of that time is recent enough."""
    age = datetime.fromisoformat(now) - datetime.fromisoformat(located_at)
    return age <= timedelta(seconds=PLACE_AGE_S_MAX)


def position_of(row: tuple[Any, ...]) -> DriverPosition | None:
    """Convert latitude, longitude, accuracy and time; None if damaged."""
    if not is_moment(row[3]):
        return None
    try:
        return DriverPosition(*msgspec.convert(row, tuple[float, float, float | None, str]))
    except msgspec.ValidationError:
        return None


def _driver(row: tuple[Any, ...]) -> Driver:
    id_, name, active, on_duty, *place, held = row
    return Driver(id_, name, bool(active), bool(on_duty), position_of(tuple(place)), held)
