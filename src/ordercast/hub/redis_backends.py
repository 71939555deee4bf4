"""What other back ends say to our sockets through Redis, in the words of Socket.IO's own Node.js packages.

Sources: `@socket.io/redis-emitter` 5 and `@socket.io/redis-adapter` 8, the classic one. An event is published on
``<key>#<namespace>#``, or ``<key>#<namespace>#<room>#`` for a single room, as msgpack ``[sender, packet, options]``; a
request is published on ``<key>-request#<namespace>#``, as JSON or msgpack.

Each node hears everything and serves its own sockets, so every socket is served once. Loaded only where asked for.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ordercast.protocol.errors import MalformedPacket, ProtocolError
from ordercast.protocol.json import decode_json
from ordercast.protocol.msgpack import decode_value
from ordercast.protocol.socketio import PacketType, checked_event

from .broadcast import Broadcast
from .flags import Flags
from .namespace import OWN_EVENTS
from .redis_link import PULSE_S, LinkState, RedisLink
from .server import Server

log = logging.getLogger("ordercast.hub")

KEY: Final = "socket.io"
# A back end that says nothing but nonsense must not fill the disk.
COMPLAIN_EVERY_S: Final = 10.0

_Room = str | int
"""JavaScript's rooms may be numbers; ours are text."""


class _Flags(msgspec.Struct, frozen=True):
    volatile: bool | None = None
    compress: bool | None = None


class _Options(msgspec.Struct, frozen=True):
    rooms: list[_Room] | None = None
    except_: list[_Room] | None = msgspec.field(default=None, name="except")
    flags: _Flags | None = None


class _Packet(msgspec.Struct, frozen=True):
    data: list[Any]
    type: int = PacketType.EVENT
    nsp: str | None = "/"


class _Request(msgspec.Struct, frozen=True, tag_field="type"):
    """Base of what is obeyed. `sid` in place of `opts` is how older adapters name one socket."""

    opts: _Options | None = None
    sid: str | None = None

    @property
    def audience(self) -> _Options:
        """Raises MalformedPacket, where no word of it names anybody: that must not address everybody."""
        if self.opts is not None:
            return self.opts
        if not self.sid:
            raise MalformedPacket("request", "names no socket")
        return _Options(rooms=[self.sid])


class _Join(_Request, frozen=True, tag=2):
    rooms: list[_Room] = []
    room: _Room | None = None


class _Leave(_Request, frozen=True, tag=3):
    rooms: list[_Room] = []
    room: _Room | None = None


class _Disconnect(_Request, frozen=True, tag=4):
    close: bool | None = None


class _ServerSide(_Request, frozen=True, tag=6):
    data: list[Any] = []


# The others are questions between Node.js servers. They do not count us among those who will answer, because we
# subscribe by pattern; an answer of ours would be taken for one of theirs.
_OBEYED: Final = frozenset({2, 3, 4, 6})
_AnyRequest = _Join | _Leave | _Disconnect | _ServerSide


class RedisBackends:
    """Call `start` in the server's loop; raises ValueError for a URL that is none.

    Whoever can publish under this key is believed: it may say anything to any socket, move it between rooms and send
    it away.
    """

    def __init__(self, server: Server, url: str, *, key: str = KEY, pulse_s: float = PULSE_S) -> None:
        self._server = server
        self._events = f"{key}#"
        self._requests = f"{key}-request#"
        self._bytes_max = server.options.backlog_bytes_max  # of more, no client could be told
        self._complained_at = -COMPLAIN_EVERY_S
        self.refused = 0
        """Messages that were not understood."""
        name = secrets.token_hex(6)
        self._link = RedisLink(
            url,
            name=f"back ends at {key}",
            hear=self._hear,
            pulse=(f"{key}-pulse#{name}", name.encode()),
            patterns=[f"{_literal(prefix)}*" for prefix in (self._events, self._requests)],
            pulse_s=pulse_s,
        )

    def __repr__(self) -> str:
        return f"<RedisBackends {self._events} {self.state} refused={self.refused}>"

    @property
    def state(self) -> LinkState:
        """Whether back ends are heard now."""
        return self._link.state

    async def until_up(self) -> None:
        """Wait until back ends are heard."""
        await self._link.up.wait()

    def start(self) -> None:
        self._link.start()

    async def close(self) -> None:
        await self._link.close()

    # What comes

    def _hear(self, channel: str, message: bytes) -> None:
        try:
            if len(message) > self._bytes_max:
                raise MalformedPacket("message", f"of {len(message)} bytes is past backlog_bytes_max")
            if channel.startswith(self._events):
                self._event(channel, message)
            elif channel.startswith(self._requests):
                self._request(channel.removeprefix(self._requests).removesuffix("#"), message)
        except (msgspec.ValidationError, ProtocolError, ValueError) as error:
            self._complain(channel, error)

    def _complain(self, channel: str, error: Exception) -> None:
        self.refused += 1
        now = time.monotonic()
        if now - self._complained_at >= COMPLAIN_EVERY_S:
            self._complained_at = now
            log.error("not understood, from a back end on %.100r: %.200s; so far: %d", channel, error, self.refused)

    def _event(self, channel: str, message: bytes) -> None:
        value = decode_value(message)
        if type(value) is not list or len(value) < 3:
            raise MalformedPacket("message", "is not of sender, packet and options")
        packet, options = msgspec.convert(value[1:3], tuple[_Packet, _Options])
        namespace = packet.nsp or "/"
        if packet.type not in {PacketType.EVENT, PacketType.BINARY_EVENT}:
            raise MalformedPacket("packet", "is no event")
        if not channel.startswith(f"{self._events}{namespace}#"):
            raise MalformedPacket("packet", "is for another namespace than its channel")
        event, *args = checked_event(packet.data)
        flags = options.flags or _Flags()
        audience = self._audience(
            namespace, options, volatile=bool(flags.volatile), compress=flags.compress is not False
        )
        if audience is not None:
            audience.emit(event, *args)

    def _request(self, namespace: str, message: bytes) -> None:
        value = decode_json(message) if message.startswith(b"{") else decode_value(message)
        if type(value) is dict and type(kind := value.get("type")) is int and kind not in _OBEYED:
            return
        request: _AnyRequest = msgspec.convert(value, _AnyRequest)
        if isinstance(request, _ServerSide):
            self._server_side(namespace, request)
            return
        audience = self._audience(namespace, request.audience)
        if audience is None:
            return
        match request:
            case _Join():
                audience.sockets_join(*_rooms(request))
            case _Leave():
                audience.sockets_leave(*_rooms(request))
            case _Disconnect():
                audience.disconnect_sockets(close=bool(request.close))

    def _server_side(self, name: str, request: _ServerSide) -> None:
        event, *args = checked_event(request.data)
        if event in OWN_EVENTS:
            raise MalformedPacket("request", f"{event!r} has a meaning of its own")
        namespace = self._server.find(name)
        if namespace is not None:
            self._server.tell(namespace, event, *args)

    def _audience(
        self, name: str, options: _Options, *, volatile: bool = False, compress: bool = True
    ) -> Broadcast | None:
        """Whoever is meant on this node; None without such a namespace."""
        namespace = self._server.find(name)
        if namespace is None:
            return None
        flags = Flags(volatile=volatile, compress=compress, local=True)
        return Broadcast(namespace, _names(options.rooms), _names(options.except_), flags)


def _names(rooms: Sequence[_Room] | None) -> tuple[str, ...]:
    return tuple(map(str, rooms or ()))


def _rooms(request: _Join | _Leave) -> tuple[str, ...]:
    return _names(request.rooms or ([] if request.room is None else [request.room]))


def _literal(text: str) -> str:
    """Give a pattern of PSUBSCRIBE that matches just this text."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)
