"""For back ends in Python: events for the sockets of a site, by way of Redis or Valkey.

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

# By these names the packages know what is not from one of their servers.
_SENDER: Final = "emitter"
_JOIN, _LEAVE, _DISCONNECT, _SERVER_SIDE = 2, 3, 4, 6

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Redis(Protocol[R_co]):
    """A client of redis-py, or whatever publishes as it does."""

    def publish(self, channel: str, message: bytes) -> R_co: ...


@dataclass(frozen=True, slots=True)
class Emitter(Generic[R]):
    """An audience being described, as with `ordercast.hub.BroadcastOperator`: each word gives a narrower one.

    What publishes gives what the client's `publish` gives: how many servers received it, or with an asyncio client
    an awaitable of that. A client that cannot reach Redis raises its own error.
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
        """Address everybody in a namespace."""
        name = namespace if namespace.startswith("/") else f"/{namespace}"
        return Emitter(self.redis, self.key, name)

    def to(self, *rooms: str) -> Emitter[R]:
        """Add rooms; a socket's id is a room of its own. Raises ValueError without any."""
        return replace(self, rooms=(*self.rooms, *_require_rooms(rooms)))

    in_ = to

    def except_(self, *rooms: str) -> Emitter[R]:
        """Leave out whoever is in these rooms. Raises ValueError without any."""
        return replace(self, excluded=(*self.excluded, *_require_rooms(rooms)))

    # How

    @property
    def volatile(self) -> Emitter[R]:
        """Let the event be dropped for whoever cannot take it at once."""
        return replace(self, flags=(*self.flags, ("volatile", True)))

    def compress(self, compress: bool) -> Emitter[R]:
        """Whether a connection that compresses should compress this."""
        return replace(self, flags=(*self.flags, ("compress", compress)))

    # What

    def emit(self, event: str, *args: Any) -> R:
        """Send an event; `bytes` among the arguments arrive as binary. Raises UnencodableValue."""
        if event in RESERVED_EVENTS:
            raise UnencodableValue(f"{event!r} is a reserved event name")
        packet = {"type": int(PacketType.EVENT), "data": [event, *args], "nsp": self.namespace}
        options = {**self._audience(), "flags": dict(self.flags)}
        channel = f"{self.key}#{self.namespace}#"
        if len(set(self.rooms)) == 1:
            channel += f"{self.rooms[0]}#"
        return self.redis.publish(channel, encode_value([_SENDER, packet, options]))

    def sockets_join(self, *rooms: str) -> R:
        """Let the sockets addressed enter `rooms`. Raises ValueError without any."""
        return self._request({"type": _JOIN, "opts": self._audience(), "rooms": _require_rooms(rooms)})

    def sockets_leave(self, *rooms: str) -> R:
        """Let the sockets addressed leave `rooms`. Raises ValueError without any."""
        return self._request({"type": _LEAVE, "opts": self._audience(), "rooms": _require_rooms(rooms)})

    def disconnect_sockets(self, *, close: bool = False) -> R:
        """Send the sockets addressed away; with `close` their connections end too."""
        return self._request({"type": _DISCONNECT, "opts": self._audience(), "close": close})

    def server_side_emit(self, event: str, *args: Any) -> R:
        """Tell the servers themselves: what listens to `event` on the namespace. Raises UnencodableValue."""
        return self._request({"uid": _SENDER, "type": _SERVER_SIDE, "data": [event, *args]})

    # Steps

    def _audience(self) -> dict[str, Any]:
        return {"rooms": list(dict.fromkeys(self.rooms)), "except": list(dict.fromkeys(self.excluded))}

    def _request(self, request: dict[str, Any]) -> R:
        return self.redis.publish(f"{self.key}-request#{self.namespace}#", encode_json(request))


def _require_rooms(rooms: tuple[str, ...]) -> tuple[str, ...]:
    """Give `rooms` back: a list that happens to be empty must not address everybody."""
    if not rooms:
        raise ValueError("name at least one room")
    return rooms
