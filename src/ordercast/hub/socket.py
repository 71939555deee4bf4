"""One client in one namespace."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ordercast.protocol.message import Message
from ordercast.protocol.socketio import PacketType

from .acks import Acks
from .broadcast import Broadcast, some
from .errors import LimitReached, NotConnected
from .flagged import Flagged
from .flags import PLAIN, Flags
from .overhearing import overhear
from .reasons import DisconnectReason
from .turns import Turns

if TYPE_CHECKING:
    from .client import Client
    from .connection import Connection, Handshake
    from .namespace import Namespace

log = logging.getLogger("ordercast.hub")

# What the ack that a client owes takes: a future, its callbacks, whoever waits.
ACK_BYTES = 2_000
# A room: its name, its set of members, and a place in two dicts and a set.
ROOM_BYTES = 500


def held_by_room(name: str) -> int:
    """What a room takes that nobody else is in."""
    return ROOM_BYTES + len(name)


class Socket(Turns):
    """What handlers are given: emit to it, listen to it, put it in rooms.

    Its events are handled one after another: while a handler is awaited, later packets of this socket wait, those of
    others do not.
    """

    __slots__ = (
        "__weakref__",
        "_handshake",
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
        """Whatever the program wants to keep with this socket, of any type."""
        self.identity = ""
        """Who this is, as a middleware found; a session is resumed only by the same identity."""
        self.pid: str | None = None
        self.recovered = False
        self.rooms: set[str] = set()
        self._handshake: Handshake | None = None

    def __repr__(self) -> str:
        state = "connected" if self.connected else "disconnected"
        return f"<Socket {self.id} {state} namespace={self.namespace.name} rooms={len(self.rooms)}>"

    @property
    def handshake(self) -> Handshake:
        """The request that opened the connection, with this socket's `auth`."""
        if self._handshake is None:
            path = self.namespace.server.options.path
            self._handshake = dataclasses.replace(self._client.connection.handshake, path=path, auth=self.auth)
        return self._handshake

    @property
    def conn(self) -> Connection:
        """The connection that carries it: its `sid`, `transport_name` and `handshake`."""
        return self._client.connection

    @property
    def disconnect_description(self) -> str:
        """A sentence to the reason of its end, where there is more to say: what could not be parsed, say."""
        return self._client.why

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
            self._send(self.namespace.encode(event, args, (self.id,), volatile=volatile))
        else:
            answer = self.ask(event, args, PLAIN if not volatile else Flags(volatile=True))
            answer.add_done_callback(functools.partial(self._acknowledged, event, ack))

    async def emit_with_ack(self, event: str, *args: Any, timeout_s: float | None = None) -> Any:
        """Send an event and wait for its acknowledgement: None, the one value, or a tuple of several.

        Raises AckTimeout, NotConnected (also when the socket ends meanwhile), LimitReached, UnencodableValue.
        """
        if not self.connected:
            raise NotConnected(self.id)
        return await Acks.wait(self.ask(event, args, PLAIN), event, timeout_s)

    @property
    def volatile(self) -> Flagged:
        """Let what is sent be dropped if it cannot be taken at once."""
        return Flagged(self, Flags(volatile=True))

    def compress(self, compress: bool) -> Flagged:
        """Whether a connection that compresses should compress what is sent; by default it does."""
        return Flagged(self, Flags(compress=compress))

    def timeout(self, seconds: float) -> Flagged:
        """Wait for acknowledgements no longer than this."""
        return Flagged(self, Flags(timeout_s=seconds))

    # Addressing the others

    def to(self, *rooms: str) -> Broadcast:
        """Address everybody in `rooms` but this socket. Raises ValueError if none is named."""
        return Broadcast(self.namespace, some(rooms), (self.id,))

    in_ = to

    def except_(self, *rooms: str) -> Broadcast:
        """Address everybody but this socket and whoever is in `rooms`. Raises ValueError if none is named."""
        return Broadcast(self.namespace, (), (self.id, *some(rooms)))

    @property
    def broadcast(self) -> Broadcast:
        """Address everybody in the namespace but this socket."""
        return Broadcast(self.namespace, (), (self.id,))

    @property
    def local(self) -> Broadcast:
        """Address everybody on this node but this socket."""
        return self.broadcast.local

    # Rooms

    def join(self, *rooms: str) -> None:
        """Enter rooms; in a middleware, from the moment the socket is let in. Raises LimitReached."""
        options, new = self.namespace.server.options, {*rooms} - self.rooms
        if len(self.rooms) + len(new) > options.rooms_max:
            raise LimitReached("rooms_max", options.rooms_max)
        self._hold(sum(map(held_by_room, new)))
        if not self.entered:
            self.rooms.update(rooms)
            return
        for room in rooms:
            self.namespace.rooms.join(self, room)
        self.namespace.sessions.rooms_changed(self)

    def leave(self, *rooms: str) -> None:
        """Leave rooms; those it is not in are ignored."""
        self._release(sum(map(held_by_room, self.rooms.intersection(rooms))))
        if not self.entered:
            self.rooms.difference_update(rooms)
            return
        for room in rooms:
            self.namespace.rooms.leave(self, room)
        self.namespace.sessions.rooms_changed(self)

    # Sending; called by the rest of this room

    def ask(self, event: str, args: Sequence[Any], flags: Flags) -> asyncio.Future[list[Any]]:
        """Send an event that is to be acknowledged; gives the future of its arguments."""
        ack_id = self.namespace.new_ack_id()
        message = self.namespace.encode_question(event, args, ack_id, flags)
        answer = self.expect(ack_id)
        self._send(message)
        return answer

    def expect(self, ack_id: int) -> asyncio.Future[list[Any]]:
        """Wait for the acknowledgement of that id. Raises LimitReached."""
        if self._acks is None:
            self._acks = Acks(self.namespace.server.options.acks_pending_max)
        answer = self._acks.expect(ack_id)
        self._client.hold(ACK_BYTES)
        answer.add_done_callback(self._expected)
        return answer

    def _expected(self, _answer: asyncio.Future[list[Any]]) -> None:
        self._client.release(ACK_BYTES)

    def _hold(self, size: int) -> None:
        """Charge the client for as long as this socket lives, once it is connected. Raises LimitReached."""
        if not self._client.has_room(size):
            raise LimitReached("connection_bytes_max", self.namespace.server.options.connection_bytes_max)
        if self.connected:
            self._held_bytes += size
            self._client.hold(size)

    def _release(self, size: int) -> None:
        if self.connected:
            self._held_bytes -= size
            self._client.release(size)

    def send_flagged(self, event: str, args: Sequence[Any], flags: Flags) -> None:
        """Send an event in a certain way."""
        message = self.namespace.encode(event, args, (self.id,), volatile=flags.volatile)
        message.compress = flags.compress
        self._send(message)

    def _send(self, message: Message) -> None:
        self._connection.send(message)
        if self._listeners.outgoing:
            overhear(self.namespace.parser, message, (self,))

    def tell_outgoing(self, event: str, args: list[Any]) -> None:
        """Tell the catch-alls what was sent."""
        for handler in tuple(self._listeners.outgoing):
            watching = self._run(event, [event, *args], None, (handler,))
            if watching is not None:
                self.namespace.server.spawn(watching)

    def _overhear(self, *, on: bool) -> None:
        if on:
            self.namespace.overheard.add(self)
        else:
            self.namespace.overheard.discard(self)

    def _acknowledged(self, event: str, ack: Callable[..., Any], answer: asyncio.Future[list[Any]]) -> None:
        if answer.cancelled() or answer.exception() is not None:
            return  # the client went without answering
        pending = self._run(event, answer.result(), None, (ack,))
        if pending is not None:
            self.namespace.server.spawn(pending)

    # Ending

    def disconnect(self, *, close: bool = False) -> None:
        """Tell the client to leave the namespace, or with `close` every one of its connection, and end that.

        It stays away.
        """
        if not self.connected:
            return
        if close:
            self._client.disconnect()
            return
        self._client.connection.send(self.namespace.parser.encode(PacketType.DISCONNECT, self.namespace.name))
        self._client.sent_away |= {self.namespace.name}
        self.end(DisconnectReason.SERVER_NAMESPACE_DISCONNECT)

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
