"""One client in one namespace."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ordercast.protocol.errors import UnencodableValue
from ordercast.protocol.socketio import PacketType, encode, encode_event

from .acks import Acks
from .broadcast import Broadcast
from .errors import LimitReached, NotConnected
from .reasons import DisconnectReason
from .turns import Turns

if TYPE_CHECKING:
    from .client import Client
    from .connection import Handshake
    from .namespace import Namespace

log = logging.getLogger("ordercast.hub")


class Socket(Turns):
    """What handlers are given: emit to it, listen to it, put it in rooms.

    Its events are handled one after another: while a handler is awaited, later packets of this socket wait, those of
    others do not.
    """

    __slots__ = (
        "__weakref__",
        "auth",
        "data",
        "identity",
        "pid",
        "recovered",
        "rooms",
    )

    def __init__(self, namespace: Namespace, client: Client, sid: str, auth: dict[str, Any]) -> None:
        super().__init__(namespace, client, sid)
        self.auth = auth
        """The payload of the client's CONNECT."""
        self.data: Any = None
        """Whatever the program wants to keep with this socket."""
        self.identity = ""
        """Who this is, as a middleware found; a session is resumed only by the same identity."""
        self.pid: str | None = None
        self.recovered = False
        self.rooms: set[str] = set()

    def __repr__(self) -> str:
        state = "connected" if self.connected else "disconnected"
        return f"<Socket {self.id} {state} namespace={self.namespace.name} rooms={len(self.rooms)}>"

    @property
    def handshake(self) -> Handshake:
        """The request that opened the connection."""
        return self._client.connection.handshake

    @property
    def entered(self) -> bool:
        """Whether it is in its rooms: connected, and told what it had missed."""
        return self.namespace.sockets.get(self.id) is self

    @property
    def transport_name(self) -> str:
        """``polling`` or ``websocket``, as of now."""
        return self._client.connection.transport_name

    # Emitting

    def emit(self, event: str, *args: Any, volatile: bool = False, ack: Callable[..., Any] | None = None) -> None:
        """Send an event to this socket; `ack` is called with what the client acknowledges, if it ever does.

        Does nothing once disconnected. Raises UnencodableValue, LimitReached.
        """
        if not self.connected:
            return
        if ack is None:
            self._client.connection.send(self.namespace.encode(event, args, (self.id,), volatile=volatile))
        else:
            self._send_expecting(event, args).add_done_callback(functools.partial(self._acknowledged, event, ack))

    async def emit_with_ack(self, event: str, *args: Any, timeout_s: float | None = None) -> Any:
        """Send an event and wait for its acknowledgement: None, the one value, or a tuple of several.

        Raises AckTimeout, NotConnected (also when the socket ends meanwhile), LimitReached, UnencodableValue.
        """
        if not self.connected:
            raise NotConnected(self.id)
        return await Acks.wait(self._send_expecting(event, args), event, timeout_s)

    def _send_expecting(self, event: str, args: Sequence[Any]) -> asyncio.Future[list[Any]]:
        if self._acks is None:
            self._acks = Acks(self.namespace.server.options.acks_pending_max)
        ack_id, answer = self._acks.expect()
        try:
            message = encode_event(self.namespace.name, event, args, ack_id)
        except UnencodableValue:
            answer.cancel()
            raise
        self._client.connection.send(message)
        return answer

    def _acknowledged(self, event: str, ack: Callable[..., Any], answer: asyncio.Future[list[Any]]) -> None:
        if answer.cancelled() or answer.exception() is not None:
            return  # the client went without answering
        pending = self._run(event, answer.result(), None, (ack,))
        if pending is not None:
            self.namespace.server.spawn(pending)

    def to(self, *rooms: str) -> Broadcast:
        """Address everybody in `rooms` but this socket."""
        return Broadcast(self.namespace, rooms, (self.id,))

    @property
    def broadcast(self) -> Broadcast:
        """Address everybody in the namespace but this socket."""
        return Broadcast(self.namespace, (), (self.id,))

    # Rooms

    def join(self, *rooms: str) -> None:
        """Enter rooms; in a middleware, from the moment the socket is let in. Raises LimitReached."""
        bound = self.namespace.server.options.rooms_max
        if len(self.rooms.union(rooms)) > bound:
            raise LimitReached("rooms_max", bound)
        if not self.entered:
            self.rooms.update(rooms)
            return
        for room in rooms:
            self.namespace.rooms.join(self, room)
        self.namespace.rooms_changed(self)

    def leave(self, *rooms: str) -> None:
        """Leave rooms; those it is not in are ignored."""
        if not self.entered:
            self.rooms.difference_update(rooms)
            return
        for room in rooms:
            self.namespace.rooms.leave(self, room)
        self.namespace.rooms_changed(self)

    # Ending

    def disconnect(self, *, close: bool = False) -> None:
        """Tell the client to leave the namespace, and with `close` end the whole connection. It stays away."""
        if not self.connected:
            return
        self._client.connection.send(encode(PacketType.DISCONNECT, self.namespace.name))
        self._client.sent_away |= {self.namespace.name}
        self.end(DisconnectReason.SERVER_NAMESPACE_DISCONNECT)
        if close:
            self._client.close(DisconnectReason.SERVER_NAMESPACE_DISCONNECT)

    def abandon(self) -> None:
        """End a socket whose session lives on elsewhere, connection and all."""
        if self.connected:
            self._client.close(DisconnectReason.TAKEN_OVER)

    def end(self, reason: DisconnectReason) -> None:
        """Take this socket out of everything and tell its handlers; the client is not told. Idempotent."""
        if not self.connected:
            return
        self._tell("disconnecting", reason)
        self.connected = False
        self.namespace.remove(self, reason)
        self._client.remove(self)
        if self._acks is not None:
            self._acks.fail(NotConnected(self.id))
        log.info("socket disconnected: %s namespace=%s reason=%s", self.id, self.namespace.name, reason.value)
        self._tell("disconnect", reason)

    def _tell(self, event: str, reason: DisconnectReason) -> None:
        pending = self._run(event, [reason], None, self._handlers(event))
        if pending is not None:
            self.namespace.server.spawn(pending)
