"""A Socket.IO server without a transport; `ordercast.wire` provides one."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, overload

from .adapter import Adapter
from .broadcast import Broadcaster
from .bus import Bus
from .client import Client
from .cluster import Cluster
from .cluster_requests import ClusterRequestHandler
from .connect import connect
from .connection import Connection
from .disconnect_reason import DisconnectReason
from .event_emitter import H, Handler
from .handshake import Handshake
from .namespace import Middleware, Namespace, NamespaceObserver
from .options import Options
from .parent_namespace import Allows, Namespaces, ParentNamespace
from .parsers import Parser
from .runtime import Runtime
from .socket import Socket

log = logging.getLogger("ordercast.hub")


class Observer(NamespaceObserver[Socket], Protocol):
    """Set as `Server.observer`, to learn who came and went, and by a client of its own what they sent.

    All of it is called synchronously, in the turn in which it happens.
    """

    def open(self, connection: Connection) -> Client:
        """Make the client of a new connection, in place of the server; it may be a subclass that looks on."""
        ...

    def namespace_made(self, namespace: Namespace[Socket]) -> None:
        """A namespace has been made; nobody is in it yet."""
        ...


class Server(Broadcaster[Socket]):
    """A Socket.IO server. Its own operators act on the namespace ``/``.

    ::

        server = Server()

        @server.on("connection")
        def connected(socket):
            socket.on("hello", lambda name: f"hello {name}")

        asyncio.run(ordercast.wire.serve(server, port=3000))
    """

    def __init__(self, options: Options | None = None, *, bus: Bus | None = None) -> None:
        """`options` are the defaults if omitted; `bus` joins the server to other nodes."""
        self.runtime = Runtime(options or Options())
        self.clients: set[Client] = set()
        """The open connections."""
        self.cluster = None if bus is None else Cluster(bus, self.options.bus_timeout_s)
        """The other nodes; None without a bus."""
        self._observer: Observer | None = None
        self._namespaces = Namespaces(self.runtime, self._make_namespace, self._namespace_made)
        if self.cluster is not None:
            handler = ClusterRequestHandler(self.runtime, self.cluster, self.find)
            self.cluster.on_request(handler.handle)
        self.main = self._namespaces.of("/")
        """The namespace ``/``."""
        self.adapter: Adapter[Socket] = self.main.adapter

    def __repr__(self) -> str:
        return f"<Server clients={len(self.clients)} namespaces={[each.name for each in self.namespaces()]}>"

    @property
    def options(self) -> Options:
        """The server's options."""
        return self.runtime.options

    @property
    def observer(self) -> Observer | None:
        """Set it, before serving, to observe what happens here."""
        return self._observer

    @observer.setter
    def observer(self, observer: Observer | None) -> None:
        self._observer = observer
        for namespace in self.namespaces():
            namespace.observer = observer

    # Namespaces

    @overload
    def of(self, name: str) -> Namespace[Socket]: ...
    @overload
    def of(self, name: re.Pattern[str] | Allows) -> ParentNamespace: ...
    def of(self, name: str | re.Pattern[str] | Allows) -> Namespace[Socket] | ParentNamespace:
        """The namespace `name`, made if it does not exist.

        A pattern that the whole name must match, or a function ``(name, auth)`` that decides, possibly later, gives a
        parent of namespaces that are made on demand. Raises LimitReached past
        `Options.dynamic_namespaces_max`.
        """
        if not isinstance(name, str):
            return self._namespaces.add(ParentNamespace(name))
        return self._namespaces.of(name if name.startswith("/") else f"/{name}")

    def find(self, name: str) -> Namespace[Socket] | None:
        """The namespace `name`, if it exists."""
        return self._namespaces.find(name)

    def namespaces(self) -> tuple[Namespace[Socket], ...]:
        """Those that exist now."""
        return self._namespaces.all()

    def _make_namespace(self, name: str, emptied: Callable[[Namespace[Socket]], None] | None) -> Namespace[Socket]:
        namespace: Namespace[Socket] = Namespace(self, self.runtime, name, self.cluster, emptied)
        namespace.observer = self._observer
        return namespace

    def _namespace_made(self, namespace: Namespace[Socket]) -> None:
        if self._observer is not None:
            self._observer.namespace_made(namespace)
        if namespace.name != "/":
            self.main.notify("new_namespace", namespace)

    # The main namespace, for short

    def use(self, middleware: Middleware[Socket]) -> Middleware[Socket]:
        """See `Namespace.use`."""
        return self.main.use(middleware)

    @overload
    def on(self, event: str) -> Callable[[H], H]: ...
    @overload
    def on(self, event: str, handler: H) -> H: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        """See `Namespace.on`; and listen to what happens to the server.

        ``new_namespace``: ``handler(namespace)`` for each that is made, before anybody is in it. ``connection_error``:
        ``handler(handshake, code, message)`` for each connection that was refused.
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
    def parser(self) -> Parser:
        """The form in which packets cross the wire."""
        return self.runtime.parser

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that this server runs on; see `Runtime.loop`."""
        return self.runtime.loop

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` as a task in the background; its failure is logged."""
        self.runtime.spawn(work)

    def start(self) -> None:
        """Begin to receive from the other nodes. Called by the transport when it begins to serve, in the loop."""
        if self.cluster is not None:
            self.cluster.start()

    def open(self, connection: Connection) -> Client:
        """Take a new connection; what it receives is given to the client that this gives."""
        client = Client(self, connection) if self._observer is None else self._observer.open(connection)
        self.clients.add(client)
        return client

    def forget(self, client: Client) -> None:
        """Called by the client when its connection has ended."""
        self.clients.discard(client)

    def connect(self, client: Client, namespace: str, auth: dict[str, Any], held_bytes: int = 0) -> None:
        """Handle a client's CONNECT, for which it is charged `held_bytes`."""
        connect(client, namespace, auth, self._namespaces.find_or_make, held_bytes)

    def connection_refused(self, handshake: Handshake, code: int, message: str) -> None:
        """Called by the transport for each request that it refused, with the code that the client was given."""
        self.main.notify("connection_error", handshake, code, message)

    async def close(self) -> None:
        """End every connection; stock clients come back by themselves. The port is its owner's to close first.

        Handlers of ``disconnect`` have a second to finish.
        """
        self._namespaces.close()
        if self.cluster is not None:
            await self.cluster.close()
        for client in tuple(self.clients):
            client.close(DisconnectReason.SERVER_SHUTTING_DOWN)
        await self.runtime.wait_for_tasks()
