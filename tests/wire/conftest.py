"""A server on a port and a client of it; a module with other needs overrides `options` or `server`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from ordercast.hub import DisconnectReason, Options, Server
from tests.peers import Peer
from tests.servers import Running, running


@pytest.fixture
def options() -> Options:
    return Options()


@pytest.fixture
def server(options: Options) -> Server:
    """It acknowledges `echo` with what came."""
    server = Server(options)
    server.event("echo", lambda _socket, *args: args)
    return server


@pytest.fixture
def ended(server: Server) -> asyncio.Queue[DisconnectReason]:
    """Why sockets have ended."""
    reasons: asyncio.Queue[DisconnectReason] = asyncio.Queue()
    server.event("disconnect", lambda _socket, reason: reasons.put_nowait(reason))
    return reasons


@pytest.fixture
async def at(server: Server) -> AsyncIterator[Running]:
    async with running(server) as at:
        yield at


@pytest.fixture
async def peer(at: Running) -> AsyncIterator[Peer]:
    """A WebSocket, in the main namespace."""
    async with await Peer.start(at.port) as peer:
        yield peer
