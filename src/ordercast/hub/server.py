"""A Socket.IO server, without a transport: `ordercast.wire` gives it one."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, overload

from .addressing import Addressing
from .admission import admit
from .bus import Bus
from .client import Client
from .cluster import Cluster
from .connection import Connection, Handshake
from .dynamic import Allows, DynamicNamespaces, ParentNamespace
from .errors import LimitReached
from .listeners import H, Handler
from .namespace import Middleware, Namespace
from .observer import Observer
from .options import Options
from .parsers import PARSERS
from .reasons import DisconnectReason
from .replay_budget import ReplayBudget

log = logging.getLogger("ordercast.hub")


class Server(Addressing):
    """Namespaces and the clients in them; what is said to the server is said to its namespace ``/``.

    ::

        server = Server()

        @server.on("connection")
        def connected(socket):
            socket.on("hello", lambda name: f"hello {name}")

        asyncio.run(ordercast.wire.serve(server, port=3000))
    """

    def __init__(self, options: Options | None = None, *, bus: Bus | None = None) -> None:
        self.options = options or Options()
        self.parser = PARSERS[self.options.parser]
        self.clients: set[Client] = set()
        self.observer: Observer | None = None
        """Set it, before serving, to watch what happens here."""
        self.dynamic = DynamicNamespaces(self)
        burst = self.options.replay_burst
        self.replays = None if burst is None else ReplayBudget(burst, self.options.replay_per_second)
        """What each identity may have replayed; None where there is no bound."""
        self._namespaces: dict[str, Namespace] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.cluster = Cluster(self, bus) if bus is not None else None
        """The other nodes; None where this one is alone."""
        self.main = self._home = self._namespaces["/"] = Namespace(self, "/")

    def __repr__(self) -> str:
        return f"<Server clients={len(self.clients)} namespaces={list(self._namespaces)}>"

    # Namespaces

    @overload
    def of(self, name: str) -> Namespace: ...
    @overload
    def of(self, name: re.Pattern[str] | Allows) -> ParentNamespace: ...
    def of(self, name: str | re.Pattern[str] | Allows) -> Namespace | ParentNamespace:
        """The namespace `name`, made if it does not exist.

        A pattern that the whole name must match, or a function ``(name, auth)`` that decides, possibly later, gives a
        parent of namespaces that are made as clients ask for them. Raises LimitReached.
        """
        if not isinstance(name, str):
            return self.dynamic.add(ParentNamespace(name))
        if not name.startswith("/"):
            name = "/" + name
        namespace = self._namespaces.get(name) or self.dynamic.find_by_name(name)
        return namespace if namespace is not None else self._made(Namespace(self, name))

    def find(self, name: str) -> Namespace | None:
        """The namespace `name`, if it exists."""
        return self._namespaces.get(name)

    def namespaces(self) -> tuple[Namespace, ...]:
        """Those that exist now."""
        return tuple(self._namespaces.values())

    def make_child(self, name: str, parent: ParentNamespace) -> Namespace:
        """Make a namespace of `parent`. Raises LimitReached."""
        bound = self.options.dynamic_namespaces_max
        if not self.dynamic.make_room(bound):
            log.warning("namespace not made: %r; dynamic_namespaces_max = %d is reached", name, bound)
            raise LimitReached("dynamic_namespaces_max", bound)
        child = Namespace(self, name, is_dynamic=True)
        parent.adopt(child)
        return self._made(child)

    def _made(self, namespace: Namespace) -> Namespace:
        self._namespaces[namespace.name] = namespace
        if self.observer is not None:
            self.observer.namespace_made(namespace)
        if namespace.name != "/":
            self.tell(self.main, "new_namespace", namespace)
        return namespace

    def forget_namespace(self, namespace: Namespace) -> None:
        """Called when a dynamic namespace is removed."""
        self._namespaces.pop(namespace.name, None)

    # The main namespace, for short

    def use(self, middleware: Middleware) -> Middleware:
        """See `Namespace.use`."""
        return self.main.use(middleware)

    @overload
    def on(self, event: str) -> Callable[[H], H]: ...
    @overload
    def on(self, event: str, handler: H) -> H: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        """See `Namespace.on`; and listen to what happens to the server.

        ``new_namespace`` is told with each namespace that is made, before anybody is in it; ``connection_error`` with
        the request, the code and the sentence of each connection that was refused.
        """
        return self.main.on(event) if handler is None else self.main.on(event, handler)

    @overload
    def event(self, name: str) -> Callable[[H], H]: ...
    @overload
    def event(self, name: str, handler: H) -> H: ...
    def event(self, name: str, handler: Handler | None = None) -> Any:
        """See `Namespace.event`."""
        return self.main.event(name) if handler is None else self.main.event(name, handler)

    def server_side_emit(self, event: str, *args: Any) -> None:
        """See `Namespace.server_side_emit`."""
        self.main.server_side_emit(event, *args)

    async def server_side_emit_with_ack(self, event: str, *args: Any, timeout_s: float | None = None) -> list[Any]:
        """See `Namespace.server_side_emit_with_ack`."""
        return await self.main.server_side_emit_with_ack(event, *args, timeout_s=timeout_s)

    # Called by transports and by the rest of this room

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that this server runs on: the one running when it was first needed."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def start(self) -> None:
        """Begin to hear the other nodes. Called by the transport when it begins to serve, in this server's loop."""
        if self.cluster is not None:
            self.cluster.start()

    def open(self, connection: Connection) -> Client:
        """Take a new connection; what it receives is told to the client given back."""
        client = Client(self, connection) if self.observer is None else self.observer.open(connection)
        self.clients.add(client)
        return client

    def forget(self, client: Client) -> None:
        """Called by the client when its connection has ended."""
        self.clients.discard(client)

    def admit(self, client: Client, namespace: str, auth: dict[str, Any], held_bytes: int = 0) -> None:
        """Handle a client's CONNECT, for which it is charged `held_bytes`."""
        admit(client, namespace, auth, held_bytes)

    def connection_refused(self, handshake: Handshake, code: int, message: str) -> None:
        """Called by the transport for each request that it refused, with the code that the client was given."""
        self.tell(self.main, "connection_error", handshake, code, message)

    def tell(self, namespace: Namespace, event: str, *args: Any) -> None:
        """Call what listens by `Namespace.on`; a failure is logged."""
        for handler in namespace.handlers(event):
            try:
                pending = handler(*args)
            except Exception:
                log.exception("handler failed: event=%r", event)
            else:
                if hasattr(pending, "__await__"):
                    self.spawn(_awaited(pending))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside everything else; its failure is logged."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task failed", exc_info=error)

    async def close(self) -> None:
        """End every connection; stock clients come back by themselves. The port is its owner's to close first."""
        self.dynamic.close()
        if self.cluster is not None:
            await self.cluster.close()
        for client in tuple(self.clients):
            client.close(DisconnectReason.SERVER_SHUTTING_DOWN)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)


async def _awaited(pending: Awaitable[Any]) -> None:
    await pending
