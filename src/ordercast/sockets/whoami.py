"""``whoami``: the identity of a socket, its rooms and why it is in each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from msgspec import structs, to_builtins

from ordercast.api.commands import CommandDoc, RepeatableCommand
from ordercast.api.whoami import RoomOfIdentity, WhoAmI, who
from ordercast.commerce.room_access import Reason
from ordercast.commerce.rooms import is_table_watch_room, is_watched_room, room_kind
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.hub import Socket

from .command_router import Caller, CommandRouter
from .requested_rooms import RequestedRooms


class AskWhoAmI(RepeatableCommand, frozen=True, forbid_unknown_fields=True):
    """Nothing."""


class SocketIdentity(WhoAmI, frozen=True, rename="camel"):
    """The identity of a socket."""

    connected_at: Timestamp
    """When its connection was opened."""
    socket_id: str
    """Its Socket.IO id."""
    position: str
    """``epoch:seq``: what lies up to it has been sent to this socket."""


_DOC: Final = CommandDoc(
    data=SocketIdentity,
    example={},
    answer={
        "id": "42",
        "role": "vendor",
        "name": None,
        "rooms": [
            {"room": "vendor_7", "reason": "claim", "by": "vendor: vendor_{vendorId}"},
            {"room": "order_4711", "reason": "rule", "by": "order_{id}", "since": "2026-11-24T09:15:42.318Z"},
        ],
        "expiresAt": 1795515600,
        "connectedAt": "2026-11-24T09:15:40.007Z",
        "socketId": "n1_FQ2nqzWq0a8dXk1AAAAB",
        "position": "a5f3c2e8b7d94061:4711",
    },
)


def register(router: CommandRouter, rooms: RequestedRooms, position: Callable[[], object]) -> None:
    router.on("whoami", AskWhoAmI, partial(_whoami, rooms, position), _DOC, is_of_shop=False)


async def _whoami(
    rooms: RequestedRooms, position: Callable[[], object], caller: Caller, command: AskWhoAmI
) -> dict[str, Any]:
    """Return who this socket is, in which role, until when, and its rooms: those of the token and its claims, those
    that it asked for, and what it watches.
    """
    del command
    socket, token = caller.socket, who(caller.identity)
    of_token = [each for each in token.rooms if each.room in socket.rooms]
    asked = [
        RoomOfIdentity(room, Reason.RULE, membership.rule, membership.since)
        for room, membership in rooms.memberships(socket).items()
    ]
    found = SocketIdentity(
        **{**structs.asdict(token), "rooms": [*of_token, *asked, *_watched(socket)]},
        connected_at=timestamp(socket.handshake.issued),
        socket_id=socket.id,
        position=str(position()),
    )
    return to_builtins(found)  # type: ignore[no-any-return]


def _watched(socket: Socket) -> list[RoomOfIdentity]:
    watched = sorted(room for room in socket.rooms if is_watched_room(room) and not is_table_watch_room(room))
    tables = sorted(filter(is_table_watch_room, socket.rooms))
    return [
        *(RoomOfIdentity(room, Reason.WATCH, room_kind(room)) for room in watched),
        *(RoomOfIdentity(room, Reason.WATCH, "watch") for room in tables),
    ]
