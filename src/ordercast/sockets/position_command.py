"""``driver_location``: a driver's phone reports its position."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from ordercast.api.commands import CommandDoc, RepeatableCommand
from ordercast.api.context import ApiContext
from ordercast.commerce.errors import InvalidField, NotPermitted
from ordercast.commerce.people import Role
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.db.drivers import DriverPosition
from ordercast.feed import DriverPositions

from .command_router import Caller, CommandRouter

# A phone's clock may be fast.
AHEAD_S_MAX: Final = 60


class DriverLocation(RepeatableCommand, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Where the sender is. `accuracy` is metres; `at` is when it was so, now if it is left out."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lng: Annotated[float, Meta(ge=-180, le=180)]
    accuracy: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    at: datetime | None = None


class Located(Struct, frozen=True):
    """Whether it was accepted."""

    taken: bool
    """False for one older than the known position."""


_DOC: Final = CommandDoc(
    data=Located,
    errors=(NotPermitted,),
    example={"lat": 23.7461, "lng": 90.3742, "accuracy": 8.0},
    answer={"taken": True},
)


def register(router: CommandRouter, positions: DriverPositions) -> None:
    router.on("driver_location", DriverLocation, partial(_locate, router.context, positions), _DOC)


async def _locate(
    context: ApiContext, positions: DriverPositions, caller: Caller, command: DriverLocation
) -> dict[str, Any]:
    """Update a driver's position; return whether it was newer than the known one."""
    actor = caller.identity.actor
    if actor.role is not Role.DRIVER:
        raise NotPermitted(actor, "say where a driver is")
    at = _at(command.at, context.now())
    return {"taken": positions.update(actor.id, DriverPosition(command.lat, command.lng, command.accuracy, at))}


def _at(at: datetime | None, now: Timestamp) -> Timestamp:
    if at is None:
        return now
    if at.tzinfo is None:
        raise InvalidField("at", "A time needs its offset from UTC, such as Z.")
    if at > datetime.fromisoformat(now) + timedelta(seconds=AHEAD_S_MAX):
        raise InvalidField("at", "This time has not come yet.")
    try:
        return timestamp(int(at.astimezone(UTC).timestamp() * 1000))
    except (OverflowError, ValueError):
        raise InvalidField("at", "This is no time that a calendar has.") from None
