"""Events published by back ends. Each is a feed row first, so as reliable as an order's."""

from __future__ import annotations

import logging
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.errors import InvalidField, RoomOutOfScope
from ordercast.commerce.people import Role
from ordercast.commerce.rooms import STORE_OWNERS, user_room
from ordercast.commerce.text_patterns import text_matching
from ordercast.db import Transaction, events
from ordercast.db.event_names import CONNECTION_EVENTS
from ordercast.db.events import BOOKING_EVENTS, RESERVED_EVENTS

from .auth import Identity
from .body import NO_CONTROLS, PLAIN, JsonBody
from .context import AnyRequest, Context
from .idempotency import created, run_once
from .responses import refusals

log = logging.getLogger("ordercast.api")

EVENT_MAX: Final = 128
ROOMS_MAX: Final = 100
ROOM_MAX: Final = 200
ARGS_MAX: Final = 32
# Databases and clients have limits too, some at a thousand.
DEPTH_MAX: Final = 64

Event = Annotated[str, text_matching(PLAIN, NO_CONTROLS, max_length=EVENT_MAX)]
Room = Annotated[str, text_matching(PLAIN, NO_CONTROLS, max_length=ROOM_MAX)]


class Emit(Struct, frozen=True, forbid_unknown_fields=True):
    event: Event
    rooms: Annotated[list[Room], Meta(min_length=1, max_length=ROOMS_MAX)]
    args: Annotated[list[Any], Meta(max_length=ARGS_MAX)] = []


class Published(Struct, frozen=True):
    id: str


_SERVICE_REFUSALS: Final = refusals(400, 401, 403, 422, 503)


@post(
    "/api/emit",
    dto=JsonBody[Emit],
    return_dto=None,
    status_code=202,
    tags=["back ends"],
    responses=_SERVICE_REFUSALS,
)
async def emit(data: JSONBody[Emit], request: AnyRequest, context: Context) -> Response[Published]:
    """Publish an event to rooms. Needs a service token."""
    if data.event in (RESERVED_EVENTS if context.is_built_in else CONNECTION_EVENTS):
        log.warning("an event of ours, %s, was to be published from outside, and was refused", data.event)
        raise InvalidField("event", f"The event name {data.event} is reserved: only the shop itself tells it.")
    if (
        context.is_built_in
        and data.event in BOOKING_EVENTS
        and not (len(data.args) == 1 and isinstance(data.args[0], dict))
    ):
        raise InvalidField("args", f"The event {data.event} has one argument, an object.")
    return await _publish(data, request, context)


@post(
    "/emit-booking",
    dto=JsonBody[dict[str, Any]],
    return_dto=None,
    status_code=202,
    tags=["back ends"],
    responses=_SERVICE_REFUSALS,
)
async def emit_booking(data: JSONBody[dict[str, Any]], request: AnyRequest, context: Context) -> Response[Published]:
    """Publish a new booking to staff and its user: any object, passed on whole as `new_booking`."""
    rooms = [STORE_OWNERS]
    user_id = data.get("userId")
    if user_id is not None:
        rooms.append(_room_of(user_id))
    return await _publish(Emit("new_booking", rooms, [data]), request, context)


def _room_of(user_id: object) -> str:
    if not isinstance(user_id, str | int) or isinstance(user_id, bool) or user_id == "":
        raise InvalidField("userId", "A user's id is a short text or a whole number.")
    try:
        return msgspec.convert(user_room(str(user_id)), Room)
    except (msgspec.ValidationError, ValueError):
        raise InvalidField("userId", "A user's id is short, and has no control characters.") from None


async def _publish(data: Emit, request: AnyRequest, context: Context) -> Response[Published]:
    actor = await context.authorize(request, "publish events", frozenset({Role.SERVICE}))
    _check_scope(data.rooms, await context.require_identity(request))
    if _is_deeper(data.args, DEPTH_MAX):
        raise InvalidField("args", f"Only {DEPTH_MAX} levels of nesting are passed on.")
    rooms, args = msgspec.json.encode(data.rooms), msgspec.json.encode(data.args)
    now, event_id = context.now(), context.new_id("evt")

    def effect(transaction: Transaction) -> bytes:
        publish = events.publish if context.is_built_in else events.tell
        publish(transaction, event_id, data.event, rooms, args, actor=actor, now=now)
        return msgspec.json.encode(Published(event_id))

    outcome = await run_once(context, request, actor, data, effect)
    return created(outcome, outcome.answer, 202)


def _check_scope(rooms: list[str], identity: Identity) -> None:
    """Raise RoomOutOfScope for the first room outside of the token's scope."""
    if identity.publishes_to is None:
        return
    for number, room in enumerate(rooms):
        if not any(_covers(scope, room) for scope in identity.publishes_to):
            log.warning("%s was refused to publish to the room %r: its token is for others", identity.actor, room)
            raise RoomOutOfScope(identity.actor, room, f"rooms[{number}]")


def _covers(scope: str, room: str) -> bool:
    return room.startswith(scope[:-1]) if scope.endswith("*") else room == scope


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, list | dict):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in inner)


ROUTES: Final = [emit, emit_booking]
