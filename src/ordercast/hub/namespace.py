"""A namespace: its sockets, their rooms, and who may come in."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, overload

from ordercast.protocol.message import Message

from .addressing import Addressing
from .flags import PLAIN, Flags
from .listeners import H, Handler, Listeners
from .notices import Reach
from .overhearing import overhear
from .places import Places
from .reasons import DisconnectReason
from .recovery import Recovery
from .rooms import Rooms
from .sessions import Sessions
from .socket import Socket

if TYPE_CHECKING:
    from .server import Server

log = logging.getLogger("ordercast.hub")

OWN_EVENTS = frozenset({"connect", "connection", "connection_error", "new_namespace"})
"""What `Namespace.on` and `Server.on` are told by the server itself."""

Middleware = Callable[[Socket], Awaitable[None] | None]


class Namespace(Addressing):
    """Made by `Server.of`. The sockets in it, by id; the rooms they are in; the handlers they share."""

    def __init__(self, server: Server, name: str, *, is_dynamic: bool = False) -> None:
        self.server = server
        self.name = name
        self.parser = server.parser
        self._home = self
        self.sockets: dict[str, Socket] = {}
        self.rooms: Rooms[Socket] = Rooms()
        self.recovery: Recovery | None = None
        """Set it, before serving, to let sessions outlive connections."""
        self.sessions = Sessions(self)
        self.middlewares: list[Middleware] = []
        self.arriving = 0
        """Clients whose middlewares have not decided yet."""
        self._is_dynamic = is_dynamic
        bound = server.options.sockets_per_identity_max
        self.places = None if bound is None else Places(bound)
        self.overheard: set[Socket] = set()
        """Those with catch-alls for what is sent."""
        self._last_ack_id = -1
        self._listeners = Listeners()
        self._event_handlers = Listeners()

    def __repr__(self) -> str:
        return f"<Namespace {self.name} sockets={len(self.sockets)}>"

    # Who may come in, and what happens then

    def use(self, middleware: Middleware) -> Middleware:
        """Run `middleware` for each connecting socket, in order of adding; raising ConnectRefused keeps it out.

        It may be a coroutine function. Rooms joined here are entered at the moment of connection.
        """
        self.middlewares.append(middleware)
        return middleware

    @overload
    def on(self, event: str) -> Callable[[H], H]: ...
    @overload
    def on(self, event: str, handler: H) -> H: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        """Listen to ``connection``: called with each socket that has connected. Usable as a decorator.

        ``connect`` is the same. Other names are heard when a node says them by `server_side_emit`.
        """

        def add(handler: H) -> H:
            self._listeners.add("connection" if event == "connect" else event, handler)
            return handler

        return add if handler is None else add(handler)

    @overload
    def event(self, name: str) -> Callable[[H], H]: ...
    @overload
    def event(self, name: str, handler: H) -> H: ...
    def event(self, name: str, handler: Handler | None = None) -> Any:
        """Handle an event of every socket here: ``handler(socket, *args)``; what it returns is the ack.

        Unlike `Socket.on`, this costs idle sockets nothing. Usable as a decorator.
        """

        def add(handler: H) -> H:
            self._event_handlers.add(name, handler)
            return handler

        return add if handler is None else add(handler)

    def handlers(self, event: str) -> tuple[Handler, ...]:
        """What was registered with `on`."""
        return self._listeners.find(event)

    def event_handlers(self, event: str) -> tuple[Handler, ...]:
        """The shared handlers of `event`, to be called with the socket before its arguments."""
        return self._event_handlers.find(event)

    # Telling

    def publish(
        self, event: str, args: Sequence[Any], rooms: Sequence[str], except_: Sequence[str], flags: Flags
    ) -> int:
        """Send an event to an audience; gives how many sockets of this node were addressed. Raises UnencodableValue."""
        message = self.encode(event, args, rooms, except_, volatile=flags.volatile)
        if flags is not PLAIN:
            message.compress = flags.compress
        cluster = self.server.cluster
        if cluster is not None and not flags.local:
            cluster.emit(Reach(self.name, tuple(rooms), tuple(except_)), event, args, flags)
        return self.deliver(message, rooms, except_)

    def encode(
        self, event: str, args: Sequence[Any], rooms: Sequence[str], except_: Sequence[str] = (), *, volatile: bool
    ) -> Message:
        """Encode an event for its audience; where emits are recorded, its offset goes last. Raises UnencodableValue."""
        recovery = self.recovery
        if recovery is None:
            return self.parser.encode_event(self.name, event, args, volatile=volatile)
        if recovery.records_emits and not volatile:
            message = self.parser.encode_event(self.name, event, [*args, recovery.next_offset()])
            recovery.record(message, rooms, except_)
            return message
        if args and isinstance(args[-1], str):
            # The stock client takes the last string that it sees for its offset.
            args = [*args, None]
        return self.parser.encode_event(self.name, event, args, volatile=volatile)

    def encode_question(self, event: str, args: Sequence[Any], ack_id: int, flags: Flags) -> Message:
        """Encode an event that is to be acknowledged: it has no offset, and is in no recording."""
        message = self.parser.encode_event(self.name, event, args, ack_id, volatile=flags.volatile)
        message.compress = flags.compress
        return message

    def new_ack_id(self) -> int:
        """An id that was never used here, by which a broadcast's answers can be told apart too."""
        self._last_ack_id += 1
        return self._last_ack_id

    def deliver(self, message: Message, rooms: Sequence[str], except_: Sequence[str] = ()) -> int:
        """Hand one encoded message to each socket addressed, once; gives their number."""
        recipients = self.recipients(rooms, except_)
        for socket in recipients:
            socket._connection.send(message)
        count = len(recipients)
        if self.overheard:
            overhear(self.parser, message, self.overheard.intersection(recipients))
        return count

    def recipients(self, rooms: Sequence[str], except_: Sequence[str]) -> Collection[Socket]:
        """Whoever is addressed on this node; possibly a live view."""
        if rooms:
            return self.rooms.members(rooms, except_)
        if not except_:
            return self.sockets.values()
        excluded = set(self.rooms.members(except_))
        return [socket for socket in self.sockets.values() if socket not in excluded]

    # The other nodes

    def server_side_emit(self, event: str, *args: Any) -> None:
        """Tell what listens to `event` by `Namespace.on` on every other node; nobody, where there is none.

        Raises UnencodableValue, and ValueError for a name that has a meaning of its own.
        """
        if self.server.cluster is not None:
            self.server.cluster.server_side(self.name, _unreserved(event), args)

    async def server_side_emit_with_ack(self, event: str, *args: Any, timeout_s: float | None = None) -> list[Any]:
        """The same, and gather what the handlers return, one value a node; None is no answer.

        Raises NodesSilent after `timeout_s` (by default `bus_timeout_s`), UnencodableValue, ValueError.
        """
        if self.server.cluster is None:
            return []
        return await self.server.cluster.ask_servers(self.name, _unreserved(event), args, timeout_s)

    # Coming and going; called by `admission` and `Socket`

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in it or about to be."""
        return not (self.sockets or self.arriving or self.sessions)

    def arrived(self) -> None:
        """A client that was about to enter has, or has not."""
        self.arriving -= 1
        self._check_empty()

    def _check_empty(self) -> None:
        if self._is_dynamic and self.is_empty:
            self.server.dynamic.emptied(self)

    def add(self, socket: Socket) -> None:
        """Make a socket reachable: its rooms are entered in the same turn."""
        self.sockets[socket.id] = socket
        for room in (socket.id, *socket.rooms):
            self.rooms.join(socket, room)
        if self.server.observer is not None:
            self.server.observer.socket_entered(socket)

    def remove(self, socket: Socket, reason: DisconnectReason) -> None:
        """Forget a socket; its session stays, unless the end was meant."""
        self.rooms.leave_all(socket)
        if self.sockets.get(socket.id) is socket:
            del self.sockets[socket.id]
        self.overheard.discard(socket)
        if self.places is not None:
            self.places.give_back(socket)
        self.sessions.ended(socket, reason)
        if self.server.observer is not None:
            self.server.observer.socket_left(socket, reason)
        self._check_empty()


def _unreserved(event: str) -> str:
    if event in OWN_EVENTS:
        raise ValueError(f"{event!r} has a meaning of its own")
    return event
