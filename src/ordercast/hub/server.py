"""A Socket.IO server, without a transport: `ordercast.wire` gives it one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, overload

from .addressing import Addressing
from .admission import admit
from .client import Client
from .connection import Connection
from .listeners import H, Handler
from .namespace import Middleware, Namespace
from .observer import Observer
from .options import Options
from .reasons import DisconnectReason

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

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.clients: set[Client] = set()
        self.observer: Observer | None = None
        """Set it, before serving, to watch what happens here."""
        self._namespaces: dict[str, Namespace] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.main = self._home = self.of("/")

    def __repr__(self) -> str:
        return f"<Server clients={len(self.clients)} namespaces={list(self._namespaces)}>"

    # Namespaces

    def of(self, name: str) -> Namespace:
        """The namespace `name`, made if it does not exist."""
        if not name.startswith("/"):
            name = "/" + name
        namespace = self._namespaces.get(name)
        if namespace is None:
            namespace = self._namespaces[name] = Namespace(self, name)
            if self.observer is not None:
                self.observer.namespace_made(namespace)
        return namespace

    def find(self, name: str) -> Namespace | None:
        """The namespace `name`, if it exists."""
        return self._namespaces.get(name)

    def namespaces(self) -> tuple[Namespace, ...]:
        """Those that exist now."""
        return tuple(self._namespaces.values())

    # The main namespace, for short

    def use(self, middleware: Middleware) -> Middleware:
        """See `Namespace.use`."""
        return self.main.use(middleware)

    @overload
    def on(self, event: str) -> Callable[[H], H]: ...
    @overload
    def on(self, event: str, handler: H) -> H: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        """See `Namespace.on`."""
        return self.main.on(event) if handler is None else self.main.on(event, handler)

    @overload
    def event(self, name: str) -> Callable[[H], H]: ...
    @overload
    def event(self, name: str, handler: H) -> H: ...
    def event(self, name: str, handler: Handler | None = None) -> Any:
        """See `Namespace.event`."""
        return self.main.event(name) if handler is None else self.main.event(name, handler)

    # Called by transports and by the rest of this room

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that this server runs on: the one running when it was first needed."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def open(self, connection: Connection) -> Client:
        """Take a new connection; what it receives is told to the client given back."""
        client = Client(self, connection) if self.observer is None else self.observer.open(connection)
        self.clients.add(client)
        return client

    def forget(self, client: Client) -> None:
        """Called by the client when its connection has ended."""
        self.clients.discard(client)

    def admit(self, client: Client, namespace: str, auth: dict[str, Any]) -> None:
        """Handle a client's CONNECT."""
        admit(client, namespace, auth)

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
        """End every connection; stock clients come back by themselves."""
        for client in tuple(self.clients):
            client.close(DisconnectReason.SERVER_SHUTTING_DOWN)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
