"""One client in one namespace."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, overload

from ordercast.protocol.errors import UnencodableValue
from ordercast.protocol.socketio import Packet, PacketType, encode, encode_event

from .acks import Acks
from .broadcast import Broadcast
from .errors import EventRefused, LimitReached, NotConnected
from .listeners import H, Handler, Listeners
from .reasons import DisconnectReason

if TYPE_CHECKING:
    from .client import Client
    from .connection import Handshake
    from .namespace import Namespace

log = logging.getLogger("ordercast.hub")

_NO_LISTENERS = Listeners()


class _NoAck(Enum):
    NO_ACK = "no ack"


NO_ACK: Final = _NoAck.NO_ACK
"""Returned by a handler that leaves the client without an answer, which a client with `retries` takes as a failure."""
_INTERNAL_ERROR = {"code": "internal_error", "message": "The server could not handle this event."}


class Socket:
    """What handlers are given: emit to it, listen to it, put it in rooms.

    Its events are handled one after another: while a handler is awaited, later packets of this socket wait, those of
    others do not.
    """

    __slots__ = (
        "__weakref__",
        "_acks",
        "_client",
        "_inbox",
        "_listeners",
        "auth",
        "connected",
        "data",
        "id",
        "identity",
        "namespace",
        "pid",
        "recovered",
        "rooms",
    )

    def __init__(self, namespace: Namespace, client: Client, sid: str, auth: dict[str, Any]) -> None:
        self.id = sid
        self.namespace = namespace
        self.auth = auth
        """The payload of the client's CONNECT."""
        self.data: Any = None
        """Whatever the program wants to keep with this socket."""
        self.identity = ""
        """Who this is, as a middleware found; a session is resumed only by the same identity."""
        self.pid: str | None = None
        self.recovered = False
        self.connected = False
        self.rooms: set[str] = set()
        self._client = client
        self._listeners = _NO_LISTENERS
        self._acks: Acks | None = None
        self._inbox: deque[Packet] | None = None

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

    # Listening

    @overload
    def on(self, event: str) -> Callable[[H], H]: ...
    @overload
    def on(self, event: str, handler: H) -> H: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        """Call `handler` with the arguments of each such event; what it returns is the ack, a tuple several values.

        None acknowledges with nothing, `NO_ACK` does not acknowledge.

        ``disconnecting`` and ``disconnect`` are told with a `DisconnectReason`. Usable as a decorator.
        """

        def add(handler: H) -> H:
            if self._listeners is _NO_LISTENERS:
                self._listeners = Listeners()
            self._listeners.add(event, handler)
            return handler

        return add if handler is None else add(handler)

    def off(self, event: str, handler: Handler | None = None) -> None:
        """Remove one handler of the event, or all of them."""
        if self._listeners is not _NO_LISTENERS:
            self._listeners.remove(event, handler)

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

    # Receiving

    def receive(self, packet: Packet) -> None:
        """Take a packet of this socket: handled now, or after those before it."""
        if packet.type is PacketType.ACK:
            if self._acks is not None and packet.id is not None:
                self._acks.resolve(packet.id, packet.data)
        elif packet.type is PacketType.DISCONNECT:
            self.end(DisconnectReason.CLIENT_NAMESPACE_DISCONNECT)
        elif self._inbox is None:
            self.take_turns(self._dispatch(packet))
        elif len(self._inbox) < self.namespace.server.options.inbox_packets_max:
            self._inbox.append(packet)
        else:
            self._client.close(DisconnectReason.INBOX_FULL)

    def take_turns(self, pending: Coroutine[Any, Any, None] | None) -> None:
        """Hold further packets until `pending` is done; with None there is nothing to hold them for."""
        if pending is not None:
            self._inbox = deque()
            self.namespace.server.spawn(self._empty_inbox(pending))

    async def _empty_inbox(self, pending: Coroutine[Any, Any, None] | None) -> None:
        inbox = self._inbox
        assert inbox is not None
        while True:
            if pending is not None:
                try:
                    await pending
                except Exception as error:
                    log.error("socket could not be let in: %s", self.id, exc_info=error)
                    self._client.close(DisconnectReason.TRANSPORT_ERROR)
            if not inbox or not self.connected:
                self._inbox = None
                return
            pending = self._dispatch(inbox.popleft())

    def _dispatch(self, packet: Packet) -> Coroutine[Any, Any, None] | None:
        event, *args = packet.data
        if self._listeners.has_any:
            for handler in self._listeners.find_any():
                self._run(event, [event, *args], None, (handler,))
        return self._run(event, args, packet.id, self._handlers(event))

    def _handlers(self, event: str) -> Sequence[Handler]:
        shared = self.namespace.event_handlers(self, event)
        if self._listeners is _NO_LISTENERS:
            return shared
        own = self._listeners.find(event)
        return (*shared, *own) if shared else own

    def _run(
        self, event: str, args: list[Any], ack_id: int | None, handlers: Sequence[Handler]
    ) -> Coroutine[Any, Any, None] | None:
        """Call the handlers; give a coroutine for the rest as soon as one must be awaited."""
        if not handlers:
            return None
        answer = None
        remaining = iter(handlers)
        try:
            for handler in remaining:
                result = handler(*args)
                if hasattr(result, "__await__"):
                    return self._run_awaited(event, args, ack_id, result, remaining)
                answer = result if answer is None else answer
        except Exception as error:  # noqa: BLE001 - a handler's failure must not end the connection
            self._handler_failed(event, ack_id, error)
            return None
        if ack_id is not None:
            self._acknowledge(event, ack_id, answer)
        return None

    async def _run_awaited(
        self, event: str, args: list[Any], ack_id: int | None, pending: Awaitable[Any], remaining: Iterable[Handler]
    ) -> None:
        try:
            answer = await pending
            for handler in remaining:
                result = handler(*args)
                if hasattr(result, "__await__"):
                    result = await result
                answer = result if answer is None else answer
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Not we were cancelled but something that the handler waited for.
            self._handler_failed(event, ack_id, error)
            return
        except Exception as error:  # noqa: BLE001 - as above
            self._handler_failed(event, ack_id, error)
            return
        if ack_id is not None:
            self._acknowledge(event, ack_id, answer)

    def _handler_failed(self, event: str, ack_id: int | None, error: BaseException) -> None:
        if isinstance(error, EventRefused):
            payload = error.payload
        else:
            log.error("handler failed: event=%r socket=%s", event, self.id, exc_info=error)
            payload = _INTERNAL_ERROR
        if ack_id is not None:
            self._acknowledge(event, ack_id, payload)

    def _acknowledge(self, event: str, ack_id: int, answer: Any) -> None:
        if not self.connected or answer is NO_ACK:
            return
        args = [] if answer is None else list(answer) if type(answer) is tuple else [answer]
        try:
            message = encode(PacketType.ACK, self.namespace.name, args, ack_id)
        except UnencodableValue as error:
            log.error("answer cannot be sent: event=%r socket=%s", event, self.id, exc_info=error)
            message = encode(PacketType.ACK, self.namespace.name, [_INTERNAL_ERROR], ack_id)
        self._client.connection.send(message)
