"""A socket's turns: what its client sends is handled one after another, and answered."""

from __future__ import annotations

import asyncio
import functools
import logging
import weakref
from collections import deque
from collections.abc import Awaitable, Coroutine, Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from ordercast.protocol.errors import UnencodableValue
from ordercast.protocol.socketio import Packet, PacketType

from .acks import Acks, CommandAck, failure
from .budget import Budget
from .client import HANDLER_BYTES, PACKET_BYTES, SMALL_BYTES_MAX
from .errors import EventRefused, LimitReached
from .listeners import EventMiddleware, Handler
from .listening import NO_LISTENERS, Listening
from .reasons import DisconnectReason

if TYPE_CHECKING:
    from .client import Client
    from .namespace import Namespace

log = logging.getLogger("ordercast.hub")


class _NoAck(Enum):
    NO_ACK = "no ack"


NO_ACK: Final = _NoAck.NO_ACK
"""Returned by a handler that leaves the client without an answer, which a client with `retries` takes as a failure."""
_INTERNAL_ERROR: Final = failure({"code": "internal_error", "message": "The server could not handle this event."})
UNKNOWN_EVENT: Final = "unknown_event"
# A name is repeated in an answer no further than this: a client that sends long ones knows them.
EVENT_NAME_SHOWN_MAX: Final = 100


class Turns(Listening):
    """The receiving half of a socket. While a handler is awaited, later packets of this socket wait; those of others
    do not.
    """

    __slots__ = ("_acks", "_budget", "_client", "_connection", "_held_bytes", "_inbox", "connected", "id", "namespace")

    def __init__(self, namespace: Namespace, client: Client, sid: str) -> None:
        super().__init__()
        self.id = sid
        self.namespace = namespace
        self.connected = False
        self._held_bytes = 0
        """What its client is charged for as long as it lives."""
        self._client = client
        self._connection = client.connection  # at hand, because a broadcast asks every recipient for it
        self._acks: Acks | None = None
        self._inbox: deque[Packet] | None = None
        options = namespace.server.options
        rate = options.events_per_second_max
        self._budget = None if rate is None else Budget(rate, options.events_burst_max)

    def end(self, reason: DisconnectReason) -> None:
        """Take this socket out of everything."""
        raise NotImplementedError

    # Taking turns

    def receive(self, packet: Packet) -> None:
        """Take a packet of this socket: handled now, or after those before it."""
        if packet.type is PacketType.ACK:
            if self._acks is not None and packet.id is not None:
                self._take_ack(self._acks, packet.id, packet)
        elif packet.type is PacketType.DISCONNECT:
            self.end(DisconnectReason.CLIENT_NAMESPACE_DISCONNECT)
        elif self._inbox is None:
            if self._budget is not None and self._budget.take(self.namespace.server.loop.time()):
                self._wait_in_inbox(packet)
            elif (pending := self._dispatch(packet)) is not None:
                self.take_turns(pending, HANDLER_BYTES + self._client.weigh(packet))
        elif len(self._inbox) < self.namespace.server.options.inbox_packets_max:
            self._append(self._inbox, packet)
        else:
            self._client.why = f"more than {len(self._inbox)} packets waited for a handler"
            self._client.close(DisconnectReason.INBOX_FULL)

    def take_turns(self, pending: Coroutine[Any, Any, None] | None, held_bytes: int = 0) -> None:
        """Hold further packets until `pending`, for which `held_bytes` are charged, is done; with None there is nothing
        to hold them for.
        """
        if pending is not None:
            self._inbox = deque()
            self.namespace.server.spawn(self._empty_inbox(pending, held_bytes))
            self._client.hold(held_bytes)

    def _wait_in_inbox(self, packet: Packet) -> None:
        """Hold a packet that came before its time, and those behind it."""
        self._inbox = deque()
        self.namespace.server.spawn(self._empty_inbox(None))
        self._append(self._inbox, packet)

    def _append(self, inbox: deque[Packet], packet: Packet) -> None:
        """Keep a packet as it came, not as what it was decoded to."""
        waiting = packet.undecoded()
        inbox.append(waiting)
        self._client.hold(PACKET_BYTES + waiting.size)

    def _take_ack(self, acks: Acks, ack_id: int, packet: Packet) -> None:
        answer = acks.resolve(ack_id, packet.data)
        if answer is not None and packet.size > SMALL_BYTES_MAX:
            # Whoever asked many waits for the slowest of them, and keeps what the others have answered.
            held_bytes = self._client.weigh(packet)
            weakref.finalize(answer, self._client.release, held_bytes).atexit = False
            self._client.hold(held_bytes)

    async def _await_budget(self) -> None:
        assert self._budget is not None
        now_s = self.namespace.server.loop.time
        while wait_s := self._budget.take(now_s()):  # noqa: ASYNC110 - it is time that is waited for
            await asyncio.sleep(wait_s)

    async def _empty_inbox(self, pending: Coroutine[Any, Any, None] | None, held_bytes: int = 0) -> None:
        inbox = self._inbox
        assert inbox is not None
        while True:
            if pending is not None:
                try:
                    await pending
                except Exception as error:
                    log.error("socket could not be let in: %s", self.id, exc_info=error)
                    self._client.close(DisconnectReason.TRANSPORT_ERROR)
                self._client.release(held_bytes)
            if inbox and self._budget is not None:
                await self._await_budget()
            if not inbox or not self.connected:
                self._inbox = None
                return
            packet = inbox.popleft()
            self._client.release(PACKET_BYTES + packet.size)
            pending = self._dispatch(packet)
            if pending is not None:
                held_bytes = HANDLER_BYTES + self._client.weigh(packet)
                self._client.hold(held_bytes)

    def _dispatch(self, packet: Packet) -> Coroutine[Any, Any, None] | None:
        data = packet.data
        event, *args = self.namespace.parser.decode_again(packet.source) if data is None else data
        if self._listeners is NO_LISTENERS:  # as nearly all are
            return self._run(event, [self, *args], packet.id, self.namespace.event_handlers(event))
        if self._listeners.intercepts:
            self._watch(event, args, packet)
            return self._intercept(event, args, packet.id)
        return self._run(event, args, packet.id, self._handlers(event))

    # On the way to the handlers

    def _watch(self, event: str, args: list[Any], packet: Packet) -> None:
        """Tell the catch-alls. Nobody waits for them, so what they hold has no bound but the client's."""
        for handler in self._listeners.find_any():
            watching = self._run(event, [event, *args], None, (handler,))
            if watching is not None:
                held_bytes = HANDLER_BYTES + self._client.weigh(packet)
                self.namespace.server.spawn(self._watch_awaited(watching, held_bytes))
                self._client.hold(held_bytes)

    async def _watch_awaited(self, watching: Coroutine[Any, Any, None], held_bytes: int) -> None:
        try:
            await watching
        finally:
            self._client.release(held_bytes)

    def _intercept(self, event: str, args: list[Any], ack_id: int | None) -> Coroutine[Any, Any, None] | None:
        remaining = iter(tuple(self._listeners.middlewares))
        try:
            for middleware in remaining:
                pending = middleware(event, args)
                if pending is not None:
                    return self._intercept_awaited(event, args, ack_id, pending, remaining)
        except Exception as error:  # noqa: BLE001 - whatever a middleware raises keeps the event out
            self._event_refused(event, ack_id, error)
            return None
        return self._run(event, args, ack_id, self._handlers(event))

    async def _intercept_awaited(
        self,
        event: str,
        args: list[Any],
        ack_id: int | None,
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
            self._event_refused(event, ack_id, error)
            return
        except Exception as error:  # noqa: BLE001 - as above
            self._event_refused(event, ack_id, error)
            return
        handling = self._run(event, args, ack_id, self._handlers(event)) if self.connected else None
        if handling is not None:
            await handling

    def _event_refused(self, event: str, ack_id: int | None, error: BaseException) -> None:
        self._handler_failed(event, ack_id, error)
        told = self._run("error", [error], None, self._handlers("error"))
        if told is not None:
            self.namespace.server.spawn(told)

    # The handlers

    def _handlers(self, event: str) -> Sequence[Handler]:
        shared = self.namespace.event_handlers(event)
        own = self._listeners.find(event)
        return (*(functools.partial(handler, self) for handler in shared), *own) if shared else own

    def _run(
        self, event: str, args: list[Any], ack_id: int | None, handlers: Sequence[Handler]
    ) -> Coroutine[Any, Any, None] | None:
        """Call the handlers; give a coroutine for the rest as soon as one must be awaited."""
        if not handlers:
            if ack_id is not None and self.namespace.server.options.answer_unknown_events:
                self._acknowledge(event, ack_id, _unknown(event))
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
            if _is_cancelled():
                raise
            self._handler_failed(event, ack_id, error)
            return
        except Exception as error:  # noqa: BLE001 - as above
            self._handler_failed(event, ack_id, error)
            return
        if ack_id is not None:
            self._acknowledge(event, ack_id, answer)

    def _handler_failed(self, event: str, ack_id: int | None, error: BaseException) -> None:
        if isinstance(error, EventRefused):
            answer = failure(error.payload)
        elif _is_not_called(error) or isinstance(error, LimitReached):
            # A client that is no friend sends too few arguments, or too many, or fills what has a bound, all day.
            log.warning("handler failed: event=%.100r socket=%s: %s", event, self.id, error)
            answer = _INTERNAL_ERROR
        else:
            log.error("handler failed: event=%.100r socket=%s", event, self.id, exc_info=error)
            answer = _INTERNAL_ERROR
        if ack_id is not None:
            self._acknowledge(event, ack_id, answer)

    def _acknowledge(self, event: str, ack_id: int, answer: Any) -> None:
        if not self.connected or answer is NO_ACK:
            return
        args = [] if answer is None else list(answer) if type(answer) is tuple else [answer]
        try:
            message = self.namespace.parser.encode(PacketType.ACK, self.namespace.name, args, ack_id)
        except UnencodableValue as error:
            # As often what a client sent, given back, as a fault of the program: the sentence says which, in one line.
            log.warning("answer cannot be sent: event=%.100r socket=%s: %s", event, self.id, error)
            message = self.namespace.parser.encode(PacketType.ACK, self.namespace.name, [_INTERNAL_ERROR], ack_id)
        self._connection.send(message)


def _unknown(event: str) -> CommandAck:
    # Silence would hold up a client with `retries`, whose next events wait for this one's answer.
    shown = event if len(event) <= EVENT_NAME_SHOWN_MAX else f"{event[:EVENT_NAME_SHOWN_MAX]}..."
    return failure({"code": UNKNOWN_EVENT, "message": f"This server handles no event named {shown!r}.", "event": shown})


def _is_not_called(error: BaseException) -> bool:
    """Whether a handler could not even be called with what came: the exception then has no frame but the caller's."""
    raised_at = error.__traceback__
    return isinstance(error, TypeError) and raised_at is not None and raised_at.tb_next is None


def _is_cancelled() -> bool:
    """Whether it is we who were cancelled, and not something that a handler waited for."""
    task = asyncio.current_task()
    return task is None or bool(task.cancelling())
