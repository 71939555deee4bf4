"""For back ends in Python: events for the sockets of a site, by way of Redis or Valkey. Durable ones, in one's own
transaction or by HTTP, are ``ordercast.publishing``'s.

What is published is what `@socket.io/redis-emitter` 5 publishes, so it reaches our nodes
(`ordercast.hub.bus.redis_emitters`) and Node.js servers with `@socket.io/redis-adapter` alike::

    emitter = Emitter(redis.Redis())
    emitter.to("store-owners").emit("stock_low", {"sku": "A1"})

    emitter = Emitter(redis.asyncio.Redis())
    await emitter.to("store-owners").emit("stock_low", {"sku": "A1"})
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Generic, Protocol, TypeVar

from ordercast.protocol.errors import UnencodableValue
from ordercast.protocol.json import encode_json
from ordercast.protocol.msgpack import encode_value
from ordercast.protocol.socketio import RESERVED_EVENTS, PacketType

# Identifies senders that are no servers.
_SENDER: Final = "emitter"
_JOIN, _LEAVE, _DISCONNECT, _SERVER_SIDE = 2, 3, 4, 6

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Redis(Protocol[R_co]):
    """A redis-py client, or anything with its `publish`."""

    def publish(self, channel: str, message: bytes) -> R_co: ...


@dataclass(frozen=True, slots=True)
class Emitter(Generic[R]):
    """Emits to an audience, as `ordercast.hub.BroadcastOperator`: each call returns a narrower one.

    Methods return what the client's `publish` returns: the number of servers, or with an asyncio client an awaitable of
    it. Connection errors are the client's.
    """

    redis: Redis[R]
    key: str = "socket.io"
    """The `key` of the servers' adapters."""
    namespace: str = "/"
    rooms: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    flags: tuple[tuple[str, bool], ...] = ()

    # Who

    def of(self, namespace: str) -> Emitter[R]:
        """Address a namespace, such as ``/admin``; by default ``/``."""
        name = namespace if namespace.startswith("/") else f"/{namespace}"
        return Emitter(self.redis, self.key, name)

    def to(self, *rooms: str) -> Emitter[R]:
        """Address rooms; a socket's id is a room too. Raises ValueError without any."""
        return replace(self, rooms=(*self.rooms, *_require_rooms(rooms)))

    in_ = to

    def except_(self, *rooms: str) -> Emitter[R]:
        """Exclude the sockets in these rooms. Raises ValueError without any."""
        return replace(self, excluded=(*self.excluded, *_require_rooms(rooms)))

    # How

    @property
    def volatile(self) -> Emitter[R]:
        """Drop the event for clients that cannot take it at once."""
        return replace(self, flags=(*self.flags, ("volatile", True)))

    def compress(self, compress: bool) -> Emitter[R]:
        """Set whether compressing connections compress this event."""
        return replace(self, flags=(*self.flags, ("compress", compress)))

    # What

    def emit(self, event: str, *args: Any) -> R:
        """Emit an event; `bytes` arguments arrive as binary. Raises UnencodableValue."""
        if event in RESERVED_EVENTS:
            raise UnencodableValue(f"{event!r} is a reserved event name")
        packet = {"type": int(PacketType.EVENT), "data": [event, *args], "nsp": self.namespace}
        options = {**self._audience(), "flags": dict(self.flags)}
        channel = f"{self.key}#{self.namespace}#"
        if len(set(self.rooms)) == 1:
            channel += f"{self.rooms[0]}#"
        return self.redis.publish(channel, encode_value([_SENDER, packet, options]))

    def sockets_join(self, *rooms: str) -> R:
        """Join the addressed sockets to `rooms`. Raises ValueError without any."""
        return self._request({"type": _JOIN, "opts": self._audience(), "rooms": _require_rooms(rooms)})

    def sockets_leave(self, *rooms: str) -> R:
        """Remove the addressed sockets from `rooms`. Raises ValueError without any."""
        return self._request({"type": _LEAVE, "opts": self._audience(), "rooms": _require_rooms(rooms)})

    def disconnect_sockets(self, *, close: bool = False) -> R:
        """Disconnect the addressed sockets from the namespace; with `close` their connections too."""
        return self._request({"type": _DISCONNECT, "opts": self._audience(), "close": close})

    def server_side_emit(self, event: str, *args: Any) -> R:
        """Emit to the servers' listeners of `event` on the namespace. Raises UnencodableValue."""
        return self._request({"uid": _SENDER, "type": _SERVER_SIDE, "data": [event, *args]})

    # Steps

    def _audience(self) -> dict[str, Any]:
        return {"rooms": list(dict.fromkeys(self.rooms)), "except": list(dict.fromkeys(self.excluded))}

    def _request(self, request: dict[str, Any]) -> R:
        return self.redis.publish(f"{self.key}-request#{self.namespace}#", encode_json(request))


def _require_rooms(rooms: tuple[str, ...]) -> tuple[str, ...]:
    """Return `rooms`: an empty list must not address everybody."""
    if not rooms:
        raise ValueError("name at least one room")
    return rooms
