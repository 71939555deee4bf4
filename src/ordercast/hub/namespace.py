"""A namespace: its sockets, their rooms, and who may connect."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any, Protocol, TypeVar, overload

from .adapter import Adapter, NamespaceSocket, S
from .broadcast import Broadcaster
from .cluster import Cluster
from .disconnect_reason import DisconnectReason
from .errors import ConnectRefused
from .event_emitter import EventEmitter, H, Handler, register
from .options import Options
from .recovery import Recovery
from .recovery.sessions import Sessions
from .rooms import Rooms
from .runtime import Runtime

log = logging.getLogger("ordercast.hub")

OWN_EVENTS = frozenset({"connect", "connection", "connection_error", "new_namespace"})
"""Events of `Namespace.on` and `Server.on` that the server itself emits."""

Middleware = Callable[[S], Awaitable[None] | None]
"""Called with each connecting socket."""
S_contra = TypeVar("S_contra", contravariant=True)


class NamespaceObserver(Protocol[S_contra]):
    """Called, in the turn in which it happens, when a socket has come or gone."""

    def socket_entered(self, socket: S_contra) -> None:
        """The socket is in its rooms; no handler has been called yet."""
        ...

    def socket_left(self, socket: S_contra, reason: DisconnectReason) -> None:
        """The socket is in no room any more. Called for one that never entered, too."""
        ...


class NamespaceServer(Protocol[S]):
    """The server of a namespace, as its sockets' handlers may need it; see `Server`."""

    @property
    def options(self) -> Options: ...

    def of(self, name: str) -> Namespace[S]: ...

    def find(self, name: str) -> Namespace[S] | None: ...

    def namespaces(self) -> tuple[Namespace[S], ...]: ...


class Namespace(Broadcaster[S]):
    """Made by `Server.of`. The sockets in it, by id; the rooms they are in; the handlers they share.

    ::

        admin = server.of("/admin")

        @admin.use
        async def authenticate(socket):
            if not await is_admin(socket.auth.get("token")):
                raise ConnectRefused("not authorized")

        admin.to("night-shift").emit("alarm", {"floor": 3})
    """

    def __init__(
        self,
        server: NamespaceServer[S],
        runtime: Runtime,
        name: str,
        cluster: Cluster | None = None,
        emptied: Callable[[Namespace[S]], None] | None = None,
    ) -> None:
        """`emptied` is called when nobody is left in a namespace that was made on demand."""
        self.server = server
        self.name = name
        self.runtime = runtime
        self.options = runtime.options
        self.parser = runtime.parser
        self.adapter = Adapter[S](name, runtime.parser, cluster)
        self.sessions = Sessions(runtime, self.adapter)
        self.middlewares: list[Middleware[S]] = []
        self.connecting = 0
        """Clients whose middlewares have not decided yet."""
        self.observer: NamespaceObserver[S] | None = None
        bound = self.options.sockets_per_identity_max
        self.limiter = None if bound is None else ConnectionLimiter(bound)
        self._emptied = emptied
        self._emitter = EventEmitter()
        self._shared = EventEmitter()

    def __repr__(self) -> str:
        return f"<Namespace {self.name} sockets={len(self.sockets)}>"

    @property
    def sockets(self) -> dict[str, S]:
        """The sockets that are in it, by id."""
        return self.adapter.sockets

    @property
    def rooms(self) -> Rooms[S]:
        """Who is in which room."""
        return self.adapter.rooms

    @property
    def recovery(self) -> Recovery[S] | None:
        """Set it, before serving, to let sessions outlive connections."""
        return self.adapter.recovery

    @recovery.setter
    def recovery(self, recovery: Recovery[S] | None) -> None:
        self.adapter.recovery = recovery

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The server's event loop."""
        return self.runtime.loop

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` as a task in the background; its failure is logged."""
        self.runtime.spawn(work)

    # Who may connect, and what happens then

    def use(self, middleware: Middleware[S]) -> Middleware[S]:
        """Run ``middleware(socket)`` for each connecting socket, in the order of adding. Usable as a decorator.

        It may be a coroutine function. Rooms joined in it are entered at the moment of connection. It keeps the socket
        out by raising ConnectRefused, which is the client's error, or RetryLater, after which the client comes back by
        itself; any other exception is logged, and the client gets an internal error.
        """
        self.middlewares.append(middleware)
        return middleware

    @overload
    def on(self, event: str) -> Callable[[H], H]: ...
    @overload
    def on(self, event: str, handler: H) -> H: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        """Listen to ``connection``: ``handler(socket)`` for each socket that has connected. Usable as a decorator.

        ``connect`` is the same. Other events are those that a node emits by `server_side_emit`.
        """
        name = "connection" if event == "connect" else event
        return register(handler, lambda handler: self._emitter.on(name, handler))

    @overload
    def event(self, name: str) -> Callable[[H], H]: ...
    @overload
    def event(self, name: str, handler: H) -> H: ...
    def event(self, name: str, handler: Handler | None = None) -> Any:
        """Handle an event of every socket here: ``handler(socket, *args)``; what it returns is the ack.

        Unlike `Socket.on`, this costs idle sockets nothing. Usable as a decorator::

            @server.event("add")
            def add(socket, a, b):
                return a + b
        """
        return register(handler, lambda handler: self._shared.on(name, handler))

    def handlers(self, event: str) -> tuple[Handler, ...]:
        """The handlers that were registered with `on`."""
        return self._emitter.listeners(event)

    def event_handlers(self, event: str) -> tuple[Handler, ...]:
        """The handlers that were registered with `event`, to be called with the socket before its arguments."""
        return self._shared.listeners(event)

    def event_names(self) -> tuple[str, ...]:
        """The events that `event` has handlers of, in the order of their first ones."""
        return tuple(self._shared.event_names())

    def notify(self, event: str, *args: Any) -> None:
        """Call the handlers that were registered with `on`; a failure is logged."""
        for handler in self.handlers(event):
            try:
                pending = handler(*args)
            except Exception:
                log.exception("handler failed: event=%r", event)
            else:
                if hasattr(pending, "__await__"):
                    self.spawn(_awaited(pending))

    # The other nodes

    @property
    def node(self) -> str:
        """This node's name on the bus, another one after each start; empty where it is alone."""
        return "" if self.adapter.cluster is None else self.adapter.cluster.node

    async def other_nodes(self) -> Collection[str]:
        """The names of the other nodes that are alive now."""
        return () if self.adapter.cluster is None else await self.adapter.cluster.others()

    def server_side_emit(self, event: str, *args: Any) -> None:
        """Emit an event to the handlers of `Namespace.on` on every other node; to nobody, where there is none.

        Raises UnencodableValue, and ValueError for an event that the server itself emits.
        """
        if self.adapter.cluster is not None:
            self.adapter.cluster.server_side_emit(self.name, _unreserved(event), args)

    async def server_side_emit_with_ack(self, event: str, *args: Any, timeout_s: float | None = None) -> list[Any]:
        """The same, and gather what the handlers return, one value a node; None is no answer.

        Raises NodesTimedOut after `timeout_s` seconds (by default `Options.bus_timeout_s`), UnencodableValue, and
        ValueError.
        """
        if self.adapter.cluster is None:
            return []
        return await self.adapter.cluster.server_side_emit_with_ack(self.name, _unreserved(event), args, timeout_s)

    # Coming and going; called by `connect` and `Socket`

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in it or about to be."""
        return not (self.sockets or self.connecting or self.sessions)

    def connect_decided(self) -> None:
        """A client that was connecting is in, or is not."""
        self.connecting -= 1
        self._check_empty()

    def _check_empty(self) -> None:
        if self._emptied is not None and self.is_empty:
            self._emptied(self)

    def add(self, socket: S) -> None:
        """Make a socket reachable: its rooms are entered in the same turn."""
        self.adapter.add(socket)
        if self.observer is not None:
            self.observer.socket_entered(socket)

    def remove(self, socket: S, reason: DisconnectReason) -> None:
        """Forget a socket; its session stays, unless the end was meant."""
        self.adapter.remove(socket)
        if self.limiter is not None:
            self.limiter.release(socket)
        self.sessions.ended(socket, reason)
        if self.observer is not None:
            self.observer.socket_left(socket, reason)
        self._check_empty()


class ConnectionLimiter:
    """Bounds the sockets of one identity in a namespace, by the identity with which each came in."""

    def __init__(self, per_identity_max: int) -> None:
        self._max = per_identity_max
        self._counts: dict[str, int] = {}
        self._identities: dict[NamespaceSocket, str] = {}

    def __repr__(self) -> str:
        return f"<ConnectionLimiter sockets={len(self._identities)}>"

    def acquire(self, socket: NamespaceSocket) -> None:
        """Count the socket. One without an identity counts for nobody. Raises ConnectRefused."""
        identity = socket.identity
        if not identity:
            return
        count = self._counts.get(identity, 0)
        if count >= self._max:
            raise ConnectRefused("Too many connections", {"code": "too_many_connections"})
        self._counts[identity] = count + 1
        self._identities[socket] = identity

    def release(self, socket: NamespaceSocket) -> None:
        """Count the socket no more."""
        identity = self._identities.pop(socket, None)
        if identity is None:
            return
        self._counts[identity] -= 1
        if not self._counts[identity]:
            del self._counts[identity]


async def _awaited(pending: Awaitable[Any]) -> None:
    await pending


def _unreserved(event: str) -> str:
    if event in OWN_EVENTS:
        raise ValueError(f"{event!r} has a meaning of its own")
    return event
