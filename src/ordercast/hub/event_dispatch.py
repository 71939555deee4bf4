"""Dispatches received events: per socket in order, through catch-alls and middlewares to handlers, acknowledged with
the first handler's result.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Awaitable, Coroutine, Iterable, Sequence
from enum import Enum
from typing import Any, Final, Protocol

from ordercast.protocol.errors import UnencodableValue
from ordercast.protocol.socketio import Packet, PacketType

from .acks import CommandAck, failure
from .connection import Connection
from .disconnect_reason import DisconnectReason
from .errors import EventRefused, LimitReached
from .event_emitter import NO_LISTENERS, EventEmitter, EventMiddleware, Handler
from .namespace import Namespace
from .token_bucket import TokenBucket

log = logging.getLogger("ordercast.hub")

# Memory besides the value: a waiting packet; the tasks and futures of an awaited handler.
PACKET_BYTES: Final = 250
HANDLER_BYTES: Final = 2_000


class _NoAck(Enum):
    NO_ACK = "no ack"


NO_ACK: Final = _NoAck.NO_ACK
"""Return it from a handler to send no ack; a client with `retries` takes that as a failure."""
_INTERNAL_ERROR: Final = failure({"code": "internal_error", "message": "The server could not handle this event."})
UNKNOWN_EVENT: Final = "unknown_event"
# Characters of an event's name repeated in an error.
EVENT_NAME_SHOWN_MAX: Final = 100


class EventSocket(Protocol):
    """What a dispatcher needs of its socket; see `Socket`."""

    connected: bool
    conn: Connection
    emitter: EventEmitter

    @property
    def id(self) -> str: ...


class PacketOwner(Protocol):
    """What a dispatcher needs of the client whose packets it keeps; see `Client`."""

    disconnect_description: str

    def hold(self, size: int) -> None:
        """Charge `size` bytes for a packet that waits; beyond the limit the connection is closed."""

    def release(self, size: int) -> None:
        """Give back what `hold` has charged."""

    def weigh(self, packet: Packet) -> int:
        """The maximum memory of a decoded packet, in bytes."""

    def close(self, reason: DisconnectReason) -> None:
        """Close the connection and its sockets at once."""


class EventDispatcher:
    """Runs the handlers of a socket's events. While one is awaited, later packets of this socket wait.

    The socket is an argument of each call: a reference would make a cycle for the garbage collector.
    """

    __slots__ = ("_bucket", "_client", "_inbox", "_namespace")

    def __init__(self, namespace: Namespace, client: PacketOwner) -> None:
        self._namespace = namespace
        self._client = client
        self._inbox: deque[Packet] | None = None
        """Waiting packets; None while nothing is awaited."""
        options = namespace.options
        rate = options.events_per_second_max
        self._bucket = None if rate is None else TokenBucket(rate, options.events_burst_max)

    def __repr__(self) -> str:
        return f"<EventDispatcher waiting={0 if self._inbox is None else len(self._inbox)}>"

    # The inbox

    def receive(self, socket: EventSocket, packet: Packet) -> None:
        """Dispatch an event, now or after earlier ones."""
        if self._inbox is None:
            if self._bucket is not None and self._bucket.take(self._namespace.loop.time()):
                self._inbox = deque()
                self._namespace.spawn(self._drain_inbox(socket, None))
                self._append(self._inbox, packet)
            elif (pending := self._dispatch(socket, packet)) is not None:
                self.queue_until(socket, pending, HANDLER_BYTES + self._client.weigh(packet))
        elif len(self._inbox) < self._namespace.options.inbox_packets_max:
            self._append(self._inbox, packet)
        else:
            self._client.disconnect_description = f"more than {len(self._inbox)} packets waited for a handler"
            self._client.close(DisconnectReason.INBOX_FULL)

    def queue_until(self, socket: EventSocket, pending: Coroutine[Any, Any, None] | None, held_bytes: int = 0) -> None:
        """Queue packets until `pending` is done, charged `held_bytes`; None is done."""
        if pending is not None:
            self._inbox = deque()
            self._namespace.spawn(self._drain_inbox(socket, pending, held_bytes))
            self._client.hold(held_bytes)

    def _append(self, inbox: deque[Packet], packet: Packet) -> None:
        """Queue a packet undecoded."""
        waiting = packet.undecoded()
        inbox.append(waiting)
        self._client.hold(PACKET_BYTES + waiting.size)

    async def _await_bucket(self) -> None:
        assert self._bucket is not None
        now_s = self._namespace.loop.time
        while wait_s := self._bucket.take(now_s()):  # noqa: ASYNC110 - it is time that is waited for
            await asyncio.sleep(wait_s)

    async def _drain_inbox(
        self, socket: EventSocket, pending: Coroutine[Any, Any, None] | None, held_bytes: int = 0
    ) -> None:
        inbox = self._inbox
        assert inbox is not None
        while True:
            if pending is not None:
                try:
                    await pending
                except Exception as error:
                    log.error("socket cannot be connected: %s", socket.id, exc_info=error)
                    self._client.close(DisconnectReason.TRANSPORT_ERROR)
                self._client.release(held_bytes)
            if inbox and self._bucket is not None:
                await self._await_bucket()
            if not inbox or not socket.connected:
                self._inbox = None
                return
            packet = inbox.popleft()
            self._client.release(PACKET_BYTES + packet.size)
            pending = self._dispatch(socket, packet)
            if pending is not None:
                held_bytes = HANDLER_BYTES + self._client.weigh(packet)
                self._client.hold(held_bytes)

    # On the way to the handlers

    def _dispatch(self, socket: EventSocket, packet: Packet) -> Coroutine[Any, Any, None] | None:
        data = packet.data
        event, *args = self._namespace.parser.decode_again(packet.source) if data is None else data
        emitter = socket.emitter
        if emitter is NO_LISTENERS:  # as usual
            return self.run(socket, event, [socket, *args], packet.id, self._namespace.event_handlers(event))
        if emitter.intercepts:
            self._run_catch_alls(socket, event, args, packet)
            return self._run_middlewares(socket, event, args, packet.id)
        return self.run(socket, event, args, packet.id, self.handlers(socket, event))

    def _run_catch_alls(self, socket: EventSocket, event: str, args: list[Any], packet: Packet) -> None:
        """Call the catch-alls without waiting; their memory is bounded by the client's."""
        for handler in socket.emitter.listeners_any():
            pending = self.run(socket, event, [event, *args], None, (handler,))
            if pending is not None:
                held_bytes = HANDLER_BYTES + self._client.weigh(packet)
                self._namespace.spawn(self._release_after(pending, held_bytes))
                self._client.hold(held_bytes)

    async def _release_after(self, pending: Coroutine[Any, Any, None], held_bytes: int) -> None:
        try:
            await pending
        finally:
            self._client.release(held_bytes)

    def _run_middlewares(
        self, socket: EventSocket, event: str, args: list[Any], ack_id: int | None
    ) -> Coroutine[Any, Any, None] | None:
        remaining = iter(socket.emitter.middlewares())
        try:
            for middleware in remaining:
                pending = middleware(event, args)
                if pending is not None:
                    return self._run_middlewares_awaited(
                        socket, event, args, ack_id, pending=pending, remaining=remaining
                    )
        except Exception as error:  # noqa: BLE001 - whatever a middleware raises keeps the event out
            self._event_refused(socket, event, ack_id, error)
            return None
        return self.run(socket, event, args, ack_id, self.handlers(socket, event))

    async def _run_middlewares_awaited(
        self,
        socket: EventSocket,
        event: str,
        args: list[Any],
        ack_id: int | None,
        *,
        pending: Awaitable[None],
        remaining: Iterable[EventMiddleware],
    ) -> None:
        try:
            await pending
            for middleware in remaining:
                later = middleware(event, args)
                if later is not None:
                    await later
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            self._event_refused(socket, event, ack_id, error)
            return
        except Exception as error:  # noqa: BLE001 - as above
            self._event_refused(socket, event, ack_id, error)
            return
        handlers = self.handlers(socket, event)
        handling = self.run(socket, event, args, ack_id, handlers) if socket.connected else None
        if handling is not None:
            await handling

    def _event_refused(self, socket: EventSocket, event: str, ack_id: int | None, error: BaseException) -> None:
        self._handler_failed(socket, event, ack_id, error)
        pending = self.run(socket, "error", [error], None, self.handlers(socket, "error"))
        if pending is not None:
            self._namespace.spawn(pending)

    # The handlers

    def handlers(self, socket: EventSocket, event: str) -> Sequence[Handler]:
        """The namespace's handlers of `event`, bound to the socket, then the socket's own."""
        shared = self._namespace.event_handlers(event)
        own = socket.emitter.listeners(event)
        return (*(functools.partial(handler, socket) for handler in shared), *own) if shared else own

    def run(
        self, socket: EventSocket, event: str, args: list[Any], ack_id: int | None, handlers: Sequence[Handler]
    ) -> Coroutine[Any, Any, None] | None:
        """Call the handlers; return a coroutine for the rest once one must be awaited."""
        if not handlers:
            if ack_id is not None and self._namespace.options.answer_unknown_events:
                self._acknowledge(socket, event, ack_id, _unknown(event))
            return None
        answer = None
        remaining = iter(handlers)
        try:
            for handler in remaining:
                result = handler(*args)
                if hasattr(result, "__await__"):
                    return self._run_awaited(socket, event, args, ack_id, pending=result, remaining=remaining)
                answer = result if answer is None else answer
        except Exception as error:  # noqa: BLE001 - a handler's failure must not end the connection
            self._handler_failed(socket, event, ack_id, error)
            return None
        if ack_id is not None:
            self._acknowledge(socket, event, ack_id, answer)
        return None

    async def _run_awaited(
        self,
        socket: EventSocket,
        event: str,
        args: list[Any],
        ack_id: int | None,
        *,
        pending: Awaitable[Any],
        remaining: Iterable[Handler],
    ) -> None:
        try:
            answer = await pending
            for handler in remaining:
                result = handler(*args)
                if hasattr(result, "__await__"):
                    result = await result
                answer = result if answer is None else answer
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            self._handler_failed(socket, event, ack_id, error)
            return
        except Exception as error:  # noqa: BLE001 - as above
            self._handler_failed(socket, event, ack_id, error)
            return
        if ack_id is not None:
            self._acknowledge(socket, event, ack_id, answer)

    def _handler_failed(self, socket: EventSocket, event: str, ack_id: int | None, error: BaseException) -> None:
        if isinstance(error, EventRefused):
            answer = failure(error.payload)
        elif _is_not_called(error) or isinstance(error, LimitReached):
            # Hostile clients send wrong arguments all day: no traceback.
            log.warning("handler failed: event=%.100r socket=%s: %s", event, socket.id, error)
            answer = _INTERNAL_ERROR
        else:
            log.error("handler failed: event=%.100r socket=%s", event, socket.id, exc_info=error)
            answer = _INTERNAL_ERROR
        if ack_id is not None:
            self._acknowledge(socket, event, ack_id, answer)

    def _acknowledge(self, socket: EventSocket, event: str, ack_id: int, answer: Any) -> None:
        if not socket.connected or answer is NO_ACK:
            return
        args = [] if answer is None else list(answer) if type(answer) is tuple else [answer]
        parser, name = self._namespace.parser, self._namespace.name
        try:
            message = parser.encode(PacketType.ACK, name, args, ack_id)
        except UnencodableValue as error:
            # It may be the client's own data, returned: the line shows it.
            log.warning("answer cannot be sent: event=%.100r socket=%s: %s", event, socket.id, error)
            message = parser.encode(PacketType.ACK, name, [_INTERNAL_ERROR], ack_id)
        socket.conn.send(message)


def _unknown(event: str) -> CommandAck:
    # Without an answer a client with `retries` blocks its next events.
    shown = event if len(event) <= EVENT_NAME_SHOWN_MAX else f"{event[:EVENT_NAME_SHOWN_MAX]}..."
    return failure({"code": UNKNOWN_EVENT, "message": f"This server handles no event named {shown!r}.", "event": shown})


def _is_not_called(error: BaseException) -> bool:
    """Whether the handler could not be called with these arguments: the traceback ends at the caller."""
    raised_at = error.__traceback__
    return isinstance(error, TypeError) and raised_at is not None and raised_at.tb_next is None


def _is_cancelled() -> bool:
    """Whether this task was cancelled, not something it waited for."""
    task = asyncio.current_task()
    return task is None or bool(task.cancelling())
