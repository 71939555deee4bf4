"""One client in one namespace."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
import weakref
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, overload

from ordercast.protocol.message import Message
from ordercast.protocol.socketio import Packet, PacketType

from .acks import Acks
from .adapter import NO_FLAGS, Adapter, Flags
from .broadcast import BroadcastOperator, require_rooms
from .connection import Connection
from .disconnect_reason import DisconnectReason
from .errors import LimitReached, NotConnected
from .event_dispatch import EventDispatcher, PacketOwner
from .event_emitter import NO_LISTENERS, EventEmitter, H, Handler, M, register
from .handshake import Handshake
from .namespace import Namespace
from .recovery.replay_budget import ReplayBudget
from .socket_operator import SocketOperator

log = logging.getLogger("ordercast.hub")

# What the ack that a client owes takes: a future, its callbacks, whoever waits.
ACK_BYTES: Final = 2_000
# An answer up to this is not charged: nearly all are, and looking costs more.
SMALL_ACK_BYTES: Final = 1_024
# A room: its name, its set of members, and a place in two dicts and a set.
ROOM_BYTES: Final = 500


def room_bytes(name: str) -> int:
    """What a room takes that nobody else is in."""
    return ROOM_BYTES + len(name)


class SocketClient(PacketOwner, Protocol):
    """What a socket needs of the client that has it; see `Client`."""

    connection: Connection
    disconnected_namespaces: frozenset[str]

    def can_hold(self, size: int) -> bool:
        """Whether `size` more bytes are within what one client may have kept."""

    def remove(self, socket: Socket) -> None:
        """Forget a socket that has ended."""

    def disconnect(self) -> None:
        """Disconnect it from every namespace, so that it does not reconnect, and close the connection."""


class Socket:
    """What handlers are given: emit to it, listen to it, put it in rooms.

    Its events are handled one after another: while a handler is awaited, later packets of this socket wait, those of
    others do not. Each method that takes a handler gives it back, and without one gives a decorator.

    ::

        @server.on("connection")
        def connected(socket):
            socket.join("everybody")

            @socket.on("hello")
            async def hello(name):
                socket.broadcast.emit("joined", name)
                return f"hello {name}"
    """

    __slots__ = (
        "__weakref__",
        "_acks",
        "_client",
        "_dispatcher",
        "_handshake",
        "_held_bytes",
        "adapter",
        "auth",
        "conn",
        "connected",
        "data",
        "disconnect_reason",
        "emitter",
        "id",
        "identity",
        "namespace",
        "pid",
        "recovered",
        "rooms",
    )

    def __init__(self, namespace: Namespace[Socket], client: SocketClient, sid: str, auth: dict[str, Any]) -> None:
        self.id = sid
        self.namespace = namespace
        self.adapter: Adapter[Socket] = namespace.adapter
        self.conn: Connection = client.connection
        """The connection that carries it: its `sid`, `transport_name` and `handshake`."""
        self.connected = False
        self.disconnect_reason: DisconnectReason | None = None
        """Why it is not connected any more."""
        self.auth = auth
        """The payload of the client's CONNECT."""
        self.data: Any = None
        """Whatever the program wants to keep with this socket, of any type."""
        self.identity = ""
        """Who this is, as a middleware found; a session is resumed only by the same identity."""
        self.pid: str | None = None
        self.recovered = False
        self.rooms: set[str] = set()
        self.emitter: EventEmitter = NO_LISTENERS
        self._dispatcher = EventDispatcher(namespace, client)
        self._acks: Acks | None = None
        self._client = client
        self._handshake: Handshake | None = None
        self._held_bytes = 0
        """What its client is charged for as long as it lives."""

    def __repr__(self) -> str:
        state = "connected" if self.connected else "disconnected"
        return f"<Socket {self.id} {state} namespace={self.namespace.name} rooms={len(self.rooms)}>"

    @property
    def handshake(self) -> Handshake:
        """The request that opened the connection, with this socket's `auth`."""
        if self._handshake is None:
            path = self.namespace.options.path
            self._handshake = dataclasses.replace(self.conn.handshake, path=path, auth=self.auth)
        return self._handshake

    @property
    def disconnect_description(self) -> str:
        """A sentence to the reason of its end, where there is one: what could not be parsed, for example."""
        return self._client.disconnect_description

    @property
    def entered(self) -> bool:
        """Whether it is in its rooms: connected, and sent what it had missed."""
        return self.adapter.sockets.get(self.id) is self

    @property
    def transport_name(self) -> str:
        """``polling`` or ``websocket``, as of now."""
        return self.conn.transport_name

    @property
    def replay_budget(self) -> ReplayBudget | None:
        """What its identity may have replayed; None where there is no bound."""
        return self.namespace.runtime.replay_budget

    # Emitting

    def emit(self, event: str, *args: Any, volatile: bool = False, ack: Callable[..., Any] | None = None) -> None:
        """Emit an event to this socket. Does nothing once disconnected.

        `event` is any name that Socket.IO has not reserved; `args` are what JSON can carry, and `bytes`. With
        `volatile` it is dropped if the client cannot take it at once. `ack` is called with what the client
        acknowledges, if it ever does. Never waits. Raises UnencodableValue; with `ack` LimitReached, when the client
        owes `Options.acks_pending_max` answers.
        """
        if not self.connected:
            return
        if ack is None:
            self._send(self.adapter.encode(event, args, (self.id,), volatile=volatile))
        else:
            answer = self.request_ack(event, args, NO_FLAGS if not volatile else Flags(volatile=True))
            answer.add_done_callback(functools.partial(self._acknowledged, event, ack))

    async def emit_with_ack(self, event: str, *args: Any, timeout_s: float | None = None) -> Any:
        """Emit an event and wait for its acknowledgement: None, the one value, or a tuple of several.

        `timeout_s` is the longest to wait, in seconds; None: as long as the socket is connected. Raises AckTimeout,
        NotConnected (also when the socket ends meanwhile), LimitReached, UnencodableValue.

        ::

            accepted = await socket.emit_with_ack("offer", order, timeout_s=30)
        """
        if not self.connected:
            raise NotConnected(self.id)
        return await Acks.wait(self.request_ack(event, args, NO_FLAGS), event, timeout_s)

    @property
    def volatile(self) -> SocketOperator[Socket]:
        """Let what is emitted be dropped if it cannot be taken at once."""
        return SocketOperator(self, Flags(volatile=True))

    def compress(self, compress: bool) -> SocketOperator[Socket]:
        """Compress what is emitted, or do not, where the connection compresses at all; by default it does."""
        return SocketOperator(self, Flags(compress=compress))

    def timeout(self, seconds: float) -> SocketOperator[Socket]:
        """Wait `seconds` for acknowledgements, and no longer."""
        return SocketOperator(self, Flags(timeout_s=seconds))

    # Addressing the others

    def to(self, *rooms: str) -> BroadcastOperator[Socket]:
        """Address everybody in `rooms` but this socket. Raises ValueError if none is named."""
        return BroadcastOperator(self.adapter, require_rooms(rooms), (self.id,))

    in_ = to

    def except_(self, *rooms: str) -> BroadcastOperator[Socket]:
        """Address everybody but this socket and whoever is in `rooms`. Raises ValueError if none is named."""
        return BroadcastOperator(self.adapter, (), (self.id, *require_rooms(rooms)))

    @property
    def broadcast(self) -> BroadcastOperator[Socket]:
        """Address everybody in the namespace but this socket."""
        return BroadcastOperator(self.adapter, (), (self.id,))

    @property
    def local(self) -> BroadcastOperator[Socket]:
        """Address everybody on this node but this socket."""
        return self.broadcast.local

    # Rooms

    def join(self, *rooms: str) -> None:
        """Enter rooms; in a middleware, from the moment the socket is connected.

        Raises LimitReached past `Options.rooms_max`, or when the client's memory is used up.
        """
        bound, new = self.namespace.options.rooms_max, {*rooms} - self.rooms
        if len(self.rooms) + len(new) > bound:
            raise LimitReached("rooms_max", bound)
        self._hold(sum(map(room_bytes, new)))
        if not self.entered:
            self.rooms.update(rooms)
            return
        for room in rooms:
            self.adapter.rooms.join(self, room)
        self.namespace.sessions.rooms_changed(self)

    def leave(self, *rooms: str) -> None:
        """Leave rooms; those it is not in are ignored."""
        self._release(sum(map(room_bytes, self.rooms.intersection(rooms))))
        if not self.entered:
            self.rooms.difference_update(rooms)
            return
        for room in rooms:
            self.adapter.rooms.leave(self, room)
        self.namespace.sessions.rooms_changed(self)

    # Listening to one event

    @overload
    def on(self, event: str) -> Callable[[H], H]: ...
    @overload
    def on(self, event: str, handler: H) -> H: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        """Call ``handler(*args)`` for each such event; what it returns is the ack, a tuple several values.

        None acknowledges with nothing, `NO_ACK` does not acknowledge. It may be a coroutine function. EventRefused
        raised in it is the client's error; any other exception is logged, and the client gets an internal error.

        ``disconnecting`` and ``disconnect`` are called with a `DisconnectReason`, ``error`` with the exception by which
        a middleware refused an event (and with whatever a client sends under that name).
        """
        return register(handler, lambda handler: self._own_emitter().on(event, handler))

    @overload
    def once(self, event: str) -> Callable[[H], H]: ...
    @overload
    def once(self, event: str, handler: H) -> H: ...
    def once(self, event: str, handler: Handler | None = None) -> Any:
        """As `on`, for the next such event alone."""
        return register(handler, lambda handler: self._own_emitter().once(event, handler))

    @overload
    def prepend(self, event: str) -> Callable[[H], H]: ...
    @overload
    def prepend(self, event: str, handler: H) -> H: ...
    def prepend(self, event: str, handler: Handler | None = None) -> Any:
        """As `on`, before the socket's own handlers of that event; those of the namespace still come first."""
        return register(handler, lambda handler: self._own_emitter().prepend(event, handler))

    def off(self, event: str, handler: Handler | None = None) -> None:
        """Remove one handler of the event, or all of them."""
        self.emitter.off(event, handler)

    def remove_all_listeners(self, event: str | None = None) -> None:
        """Remove the handlers of `event`, or of every event; catch-alls and middlewares stay."""
        if event is None:
            self.emitter.clear()
        else:
            self.emitter.off(event)

    # Listening to every event

    def use(self, middleware: M) -> M:
        """Let each event pass ``middleware(event, args)`` before its handlers; it may change the list `args`, and wait.

        An event for which it raises goes no further: `EventRefused` becomes the ack, any other exception an internal
        error, and both go to the handlers of ``error``.
        """
        self._own_emitter().use(middleware)
        return middleware

    def on_any(self, handler: H) -> H:
        """Call ``handler(event, *args)`` for each event, before its middlewares and handlers; nobody waits for it."""
        self._own_emitter().on_any(handler)
        return handler

    def prepend_any(self, handler: H) -> H:
        """As `on_any`, before those added so far."""
        self._own_emitter().on_any(handler, first=True)
        return handler

    def off_any(self, handler: Handler | None = None) -> None:
        """Remove one catch-all, or all of them."""
        self.emitter.off_any(handler)

    def on_any_outgoing(self, handler: H) -> H:
        """Call ``handler(event, *args)`` for each event emitted to this socket, as the client gets it.

        Broadcasts are included, acknowledgements are not.
        """
        self._own_emitter().on_any_outgoing(handler)
        self.adapter.outgoing_observed.add(self)
        return handler

    def prepend_any_outgoing(self, handler: H) -> H:
        """As `on_any_outgoing`, before those added so far."""
        self._own_emitter().on_any_outgoing(handler, first=True)
        self.adapter.outgoing_observed.add(self)
        return handler

    def off_any_outgoing(self, handler: Handler | None = None) -> None:
        """Remove one catch-all of what is emitted, or all of them."""
        self.emitter.off_any_outgoing(handler)
        if not self.emitter.has_outgoing:
            self.adapter.outgoing_observed.discard(self)

    def _own_emitter(self) -> EventEmitter:
        if self.emitter is NO_LISTENERS:
            self.emitter = EventEmitter()
        return self.emitter

    # Receiving; called by the client that has it, and by `connect`

    def receive(self, packet: Packet) -> None:
        """Take a packet of this socket: an event is handled now, or after those before it."""
        if packet.type is PacketType.ACK:
            self._take_ack(packet)
        elif packet.type is PacketType.DISCONNECT:
            self.end(DisconnectReason.CLIENT_NAMESPACE_DISCONNECT)
        else:
            self._dispatcher.receive(self, packet)

    def queue_until(self, pending: Coroutine[Any, Any, None] | None) -> None:
        """Keep packets in the inbox until `pending` is done; with None there is nothing to wait for."""
        self._dispatcher.queue_until(self, pending)

    def run_connection_handlers(self) -> Coroutine[Any, Any, None] | None:
        """Run the namespace's handlers of ``connection``; gives the rest of them when one must be awaited."""
        return self._dispatcher.run(self, "connection", [self], None, self.namespace.handlers("connection"))

    def _run_own(self, event: str, args: list[Any], handlers: Sequence[Handler]) -> None:
        """Run handlers of what the client did not send; nobody waits for them."""
        pending = self._dispatcher.run(self, event, args, None, handlers)
        if pending is not None:
            self.namespace.spawn(pending)

    # Sending; called by the rest of this room

    def emit_with_flags(self, event: str, args: Sequence[Any], flags: Flags) -> None:
        """Emit an event in a certain way."""
        message = self.adapter.encode(event, args, (self.id,), volatile=flags.volatile)
        message.compress = flags.compress
        self._send(message)

    def _send(self, message: Message) -> None:
        self.conn.send(message)
        if self.emitter.has_outgoing:
            self.adapter.notify_outgoing_listeners(message, (self,))

    def notify_outgoing_listeners(self, event: str, args: list[Any]) -> None:
        """Call the catch-alls of what is emitted."""
        for handler in self.emitter.listeners_any_outgoing():
            self._run_own(event, [event, *args], (handler,))

    # Acknowledgements

    def request_ack(self, event: str, args: Sequence[Any], flags: Flags) -> asyncio.Future[list[Any]]:
        """Emit an event that is to be acknowledged; gives the future of its arguments."""
        ack_id = self.adapter.new_ack_id()
        message = self.adapter.encode_with_ack(event, args, ack_id, flags)
        answer = self.expect_ack(ack_id)
        self._send(message)
        return answer

    def expect_ack(self, ack_id: int) -> asyncio.Future[list[Any]]:
        """Expect the acknowledgement of that id. Raises LimitReached."""
        if self._acks is None:
            self._acks = Acks(self.namespace.options.acks_pending_max)
        answer = self._acks.expect(ack_id)
        self._client.hold(ACK_BYTES)
        answer.add_done_callback(self._ack_settled)
        return answer

    def _ack_settled(self, _answer: asyncio.Future[list[Any]]) -> None:
        self._client.release(ACK_BYTES)

    def _take_ack(self, packet: Packet) -> None:
        if self._acks is None or packet.id is None:
            return
        answer = self._acks.resolve(packet.id, packet.data)
        if answer is not None and packet.size > SMALL_ACK_BYTES:
            # A broadcast waits for the slowest of many, and keeps what the others have answered.
            held_bytes = self._client.weigh(packet)
            weakref.finalize(answer, self._client.release, held_bytes).atexit = False
            self._client.hold(held_bytes)

    def _acknowledged(self, event: str, ack: Callable[..., Any], answer: asyncio.Future[list[Any]]) -> None:
        if answer.cancelled() or answer.exception() is not None:
            return  # the client went without answering
        self._run_own(event, answer.result(), (ack,))

    # What is charged for it

    @property
    def held_bytes(self) -> int:
        """What its client is charged for as long as it lives."""
        return self._held_bytes

    def charge(self, size: int) -> None:
        """Charge the client, as it connects, for what its CONNECT took and for the rooms joined so far."""
        self._held_bytes = size + sum(map(room_bytes, self.rooms))
        self._client.hold(self._held_bytes)

    def _hold(self, size: int) -> None:
        """Charge the client for as long as this socket lives, once it is connected. Raises LimitReached."""
        if not self._client.can_hold(size):
            raise LimitReached("connection_bytes_max", self.namespace.options.connection_bytes_max)
        if self.connected:
            self._held_bytes += size
            self._client.hold(size)

    def _release(self, size: int) -> None:
        if self.connected:
            self._held_bytes -= size
            self._client.release(size)

    # Ending

    def disconnect(self, *, close: bool = False) -> None:
        """Disconnect the client from the namespace; with `close` from every namespace, and end its connection.

        A stock client does not come back by itself after this.
        """
        if not self.connected:
            return
        if close:
            self._client.disconnect()
            return
        self.conn.send(self.namespace.parser.encode(PacketType.DISCONNECT, self.namespace.name))
        self._client.disconnected_namespaces |= {self.namespace.name}
        self.end(DisconnectReason.SERVER_NAMESPACE_DISCONNECT)

    def abandon(self) -> None:
        """End a socket whose session lives on elsewhere, connection and all."""
        if self.connected:
            self._client.close(DisconnectReason.TAKEN_OVER)

    def end(self, reason: DisconnectReason) -> None:
        """Take this socket out of everything and run its handlers; the client is sent nothing. Idempotent."""
        if not self.connected:
            return
        self._run_own("disconnecting", [reason], self._dispatcher.handlers(self, "disconnecting"))
        self.connected, self.disconnect_reason = False, reason
        self.namespace.remove(self, reason)
        self._client.remove(self)
        if self._acks is not None:
            self._acks.fail(NotConnected(self.id))
        log.info("socket disconnected: %s namespace=%s reason=%s", self.id, self.namespace.name, reason.value)
        self._run_own("disconnect", [reason], self._dispatcher.handlers(self, "disconnect"))
