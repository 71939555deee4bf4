"""A namespace: its sockets, rooms, middlewares and handlers."""

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
    """A namespace, made by `Server.of`: its sockets by id, their rooms, and shared handlers.

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
        """`emptied` is called when the last socket of an on-demand namespace left."""
        self.server = server
        self.name = name
        self.runtime = runtime
        self.options = runtime.options
        self.parser = runtime.parser
        self.adapter = Adapter[S](name, runtime.parser, cluster)
        self.sessions = Sessions(runtime, self.adapter)
        self.middlewares: list[Middleware[S]] = []
        self.connecting = 0
        """Clients whose middlewares are running."""
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
        """The connected sockets by id."""
        return self.adapter.sockets

    @property
    def rooms(self) -> Rooms[S]:
        """The rooms and their members."""
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
        """Run ``middleware(socket)`` for each connecting socket, in order of addition. Usable as a decorator.

        It may be a coroutine function. Rooms joined in it are entered on connection. It rejects the socket by raising
        ConnectRefused, the client's error, or RetryLater, after which the client retries by itself; other exceptions
        are logged, and the client gets an internal error.
        """
        self.middlewares.append(middleware)
        return middleware

    @overload
    def on(self, event: str) -> Callable[[H], H]: ...
    @overload
    def on(self, event: str, handler: H) -> H: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        """Call ``handler(socket)`` on ``connection``, for each connected socket. Usable as a decorator.

        ``connect`` is an alias. Other events are those of `server_side_emit` on other nodes.
        """
        name = "connection" if event == "connect" else event
        return register(handler, lambda handler: self._emitter.on(name, handler))

    @overload
    def event(self, name: str) -> Callable[[H], H]: ...
    @overload
    def event(self, name: str, handler: H) -> H: ...
    def event(self, name: str, handler: Handler | None = None) -> Any:
        """Handle an event of every socket: ``handler(socket, *args)``; its result is the ack.

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
        """This node's name on the bus, new at each start; empty without a bus."""
        return "" if self.adapter.cluster is None else self.adapter.cluster.node

    async def other_nodes(self) -> Collection[str]:
        """The names of the other nodes that are alive now."""
        return () if self.adapter.cluster is None else await self.adapter.cluster.others()

    def server_side_emit(self, event: str, *args: Any) -> None:
        """Emit an event to the handlers of `Namespace.on` on all other nodes.

        Raises UnencodableValue, and ValueError for an event that the server itself emits.
        """
        if self.adapter.cluster is not None:
            self.adapter.cluster.server_side_emit(self.name, _unreserved(event), args)

    async def server_side_emit_with_ack(self, event: str, *args: Any, timeout_s: float | None = None) -> list[Any]:
        """As `server_side_emit`, and collect the handlers' results, one per node; None is no result.

        Raises NodesTimedOut after `timeout_s` seconds (by default `Options.bus_timeout_s`), UnencodableValue, and
        ValueError.
        """
        if self.adapter.cluster is None:
            return []
        return await self.adapter.cluster.server_side_emit_with_ack(self.name, _unreserved(event), args, timeout_s)

    # Coming and going; called by `connect` and `Socket`

    @property
    def is_empty(self) -> bool:
        """Whether it has no connected or connecting socket."""
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
    """Limits the sockets of an identity in a namespace."""

    def __init__(self, per_identity_max: int) -> None:
        self._max = per_identity_max
        self._counts: dict[str, int] = {}
        self._identities: dict[NamespaceSocket, str] = {}

    def __repr__(self) -> str:
        return f"<ConnectionLimiter sockets={len(self._identities)}>"

    def acquire(self, socket: NamespaceSocket) -> None:
        """Count the socket; one without an identity is not limited. Raises ConnectRefused."""
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
