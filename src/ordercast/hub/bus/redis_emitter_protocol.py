"""What Socket.IO's Node.js packages for Redis publish, as values.

Sources: `@socket.io/redis-emitter` 5 and `@socket.io/redis-adapter` 8, the classic one. An event is msgpack
``[sender, packet, options]``; a request is JSON or msgpack.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from ordercast.protocol.errors import MalformedPacket
from ordercast.protocol.json import decode_json
from ordercast.protocol.msgpack import decode_value
from ordercast.protocol.socketio import PacketType, checked_event

Room = str | int
"""JavaScript's rooms may be numbers; ours are text."""


def _names(rooms: Sequence[Room] | None) -> tuple[str, ...]:
    return tuple(map(str, rooms or ()))


class EmitterFlags(msgspec.Struct, frozen=True):
    """How an event is sent; None is the default."""

    volatile: bool | None = None
    compress: bool | None = None


class Audience(msgspec.Struct, frozen=True):
    """The sockets addressed, as an emitter writes them."""

    rooms: list[Room] | None = None
    except_: list[Room] | None = msgspec.field(default=None, name="except")
    flags: EmitterFlags | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return _names(self.rooms)

    @property
    def excluded(self) -> tuple[str, ...]:
        return _names(self.except_)


# Events


class EmitterEvent(NamedTuple):
    """An event to be emitted."""

    namespace: str
    audience: Audience
    data: list[Any]
    """Name and arguments."""


class _Packet(msgspec.Struct, frozen=True):
    data: Any
    type: int = PacketType.EVENT
    nsp: str | None = "/"


def parse_event(message: bytes) -> EmitterEvent:
    """Raises MalformedPacket."""
    value = decode_value(message)
    if type(value) is not list or len(value) < 3:
        raise MalformedPacket("message", "is not of sender, packet and options")
    packet, audience = _converted(value[1:3], tuple[_Packet, Audience])
    if packet.type not in {PacketType.EVENT, PacketType.BINARY_EVENT}:
        raise MalformedPacket("packet", "is no event")
    return EmitterEvent(packet.nsp or "/", audience, checked_event(packet.data))


# Requests


class SocketsRequest(msgspec.Struct, frozen=True, tag_field="type"):
    """Base of what is to be done with sockets; `sid` in place of `opts` is how older adapters name one."""

    opts: Audience | None = None
    sid: str | None = None

    @property
    def audience(self) -> Audience:
        """Raises MalformedPacket where nothing in it names a socket: that must not address everybody."""
        if self.opts is not None:
            return self.opts
        if not self.sid:
            raise MalformedPacket("request", "names no socket")
        return Audience([self.sid])


class RoomsRequest(SocketsRequest, frozen=True):
    """Base of what is to be done with rooms; `room` is how older adapters name one."""

    rooms: list[Room] = []
    room: Room | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Raises MalformedPacket where there are none."""
        names = _names(self.rooms or (() if self.room is None else (self.room,)))
        if not names:
            raise MalformedPacket("request", "names no room")
        return names


class JoinRequest(RoomsRequest, frozen=True, tag=2):
    """Make the sockets addressed join rooms."""


class LeaveRequest(RoomsRequest, frozen=True, tag=3):
    """Make the sockets addressed leave rooms."""


class DisconnectRequest(SocketsRequest, frozen=True, tag=4):
    """Disconnect the sockets addressed."""

    close: bool | None = None


class ServerSideRequest(msgspec.Struct, frozen=True, tag_field="type", tag=6):
    """Call the handlers of the servers themselves."""

    data: Any
    """Name and arguments."""


Request = JoinRequest | LeaveRequest | DisconnectRequest | ServerSideRequest
_SERVED: Final = frozenset({2, 3, 4, 6})


def parse_request(message: bytes) -> Request | None:
    """None for a question: those are between Node.js servers. Raises MalformedPacket."""
    value = decode_json(message) if message.startswith(b"{") else decode_value(message)
    if type(value) is dict and type(kind := value.get("type")) is int and kind not in _SERVED:
        return None
    request: Request = _converted(value, Request)
    if isinstance(request, ServerSideRequest):
        checked_event(request.data)
    return request


def _converted(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise MalformedPacket("message", str(error)) from None
