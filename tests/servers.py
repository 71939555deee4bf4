"""A real server on a free loopback port, in the loop of the test."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ordercast.hub import Application, Options, Server
from ordercast.wire import Engine, make_server
from ordercast.wire.serve import PortServer
from tests.waiting import until

from .peers import PATIENCE_S, Poller

# The settings that the official protocol suites expect, but for their heartbeat: for a machine that is busy a client
# would be taken for dead. Tests of the heartbeat have it quick on the side that they wait for.
OFFICIAL: dict[str, Any] = {"message_bytes_max": 1_000_000, "origins": ("*",)}
QUICK_PINGS: dict[str, Any] = {"ping_interval_s": 0.3}
QUICK_HEARTBEAT: dict[str, Any] = {"ping_interval_s": 0.3, "ping_timeout_s": 0.2}


_RUNNING: dict[int, Running] = {}


@dataclass
class Running:
    """Where it listens, and what is behind it."""

    port: int
    server: PortServer

    @property
    def engine(self) -> Engine:
        return self.server.engine

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def running(application: Application, *, port: int = 0, **uvicorn_options: Any) -> AsyncIterator[Running]:
    """Serve `application` until the block ends: uvicorn's own start and stop, without its signal handlers."""
    listening = listen_on(port)
    server = make_server(application, **uvicorn_options)
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(sockets=[listening])
    at = Running(listening.getsockname()[1], server)
    try:
        with register(at):
            yield at
    finally:
        async with asyncio.timeout(PATIENCE_S):
            await server.shutdown(sockets=[listening])


@contextlib.contextmanager
def register(at: Running) -> Iterator[None]:
    """Have it found by its port, while the block runs."""
    _RUNNING[at.port] = at
    try:
        yield
    finally:
        del _RUNNING[at.port]


async def held(poller: Poller, *, request: Literal["held", "posting"] = "held") -> None:
    """Wait until the server has that client's poll, or the beginning of what it posts."""
    session = _RUNNING[poller.port].engine.sessions[poller.sid]
    await until(lambda: getattr(session.transport, request) is not None)


def listen_on(port: int) -> socket.socket:
    """Listen on a port of the loopback; 0 for a free one."""
    # The protocol is named because asyncio sends without delay only on sockets that know theirs.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(1_024)
    return listening


def official_server(**options: Any) -> Server:
    """The server that the official Socket.IO suite is written against."""
    server = Server(Options(**{**OFFICIAL, **options}))

    def connected(socket: Any) -> None:
        socket.emit("auth", socket.auth)
        socket.on("message", lambda *args: socket.emit("message-back", *args))
        socket.on("message-with-ack", lambda *args: args)

    server.on("connection", connected)
    server.of("/custom").on("connection", lambda socket: socket.emit("auth", socket.auth))
    return server
