"""A real server on a free loopback port, in the loop of the test."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from ordercast.hub import Application, Options, Server
from ordercast.wire import Engine, make_server
from ordercast.wire.serve import PortServer

# The settings that the official protocol suites expect.
OFFICIAL: dict[str, Any] = {
    "ping_interval_s": 0.3,
    "ping_timeout_s": 0.2,
    "connect_timeout_s": 1.0,
    "message_bytes_max": 1_000_000,
    "origins": ("*",),
}


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
    listening = _listen(port)
    server = make_server(application, **uvicorn_options)
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(sockets=[listening])
    try:
        yield Running(listening.getsockname()[1], server)
    finally:
        async with asyncio.timeout(5):
            await server.shutdown(sockets=[listening])


def _listen(port: int) -> socket.socket:
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
