"""Drivers by a socket: giving one an order, and saying where one is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from ordercast.api.body import IdText
from ordercast.api.drivers import chosen
from ordercast.api.whereabouts import Whereabouts
from ordercast.commerce.errors import InvalidField, NotPermitted
from ordercast.commerce.moments import Moment, moment
from ordercast.commerce.people import Role
from ordercast.db import Transaction
from ordercast.db.drivers import Place
from ordercast.db.orders import assign_driver

from .answering import Caller, Commands, Repeatable
from .orders import Version

ASSIGN: Final = "assign_driver"
# A telephone's clock may be a little fast.
AHEAD_S_MAX: Final = 60


class AssignDriver(Repeatable, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """As over HTTP: a driver, or `nearest`."""

    order_id: IdText
    version: Version
    driver_id: IdText | None = None
    nearest: bool = False


class DriverLocation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the sender is. `accuracy` is metres; `at` is when it was so, now if it is left out."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lng: Annotated[float, Meta(ge=-180, le=180)]
    accuracy: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    at: datetime | None = None


def register(commands: Commands, whereabouts: Whereabouts) -> None:
    commands.add(ASSIGN, AssignDriver, partial(_assign, commands))
    commands.add("driver_location", DriverLocation, partial(_locate, commands, whereabouts))


async def _assign(commands: Commands, caller: Caller, command: AssignDriver) -> Any:
    """Give an order that is ready for delivery to a driver, and answer it as it is now."""
    now, driver_id = commands.desk.now(), chosen(command.driver_id, nearest=command.nearest)

    def effect(transaction: Transaction) -> bytes:
        return assign_driver(
            transaction,
            command.order_id,
            driver_id,
            caller.actor,
            expected_version=command.version,
            now=now,
            rules=commands.desk.deliveries,
        )

    return await commands.once_on_order(caller, ASSIGN, command, effect, command.order_id)


async def _locate(
    commands: Commands, whereabouts: Whereabouts, caller: Caller, command: DriverLocation
) -> dict[str, Any]:
    """Take where a driver is; answers whether it is news."""
    actor = caller.actor
    if actor.role is not Role.DRIVER:
        raise NotPermitted(actor, "say where a driver is")
    at = _at(command.at, commands.desk.now())
    return {"taken": whereabouts.learn(actor.id, Place(command.lat, command.lng, command.accuracy, at))}


def _at(at: datetime | None, now: Moment) -> Moment:
    if at is None:
        return now
    if at.tzinfo is None:
        raise InvalidField("at", "A time needs its offset from UTC, such as Z.")
    if at > datetime.fromisoformat(now) + timedelta(seconds=AHEAD_S_MAX):
        raise InvalidField("at", "This time has not come yet.")
    try:
        return moment(int(at.astimezone(UTC).timestamp() * 1000))
    except (OverflowError, ValueError):
        raise InvalidField("at", "This is no time that a calendar has.") from None
