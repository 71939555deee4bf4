"""Registers authentication and all commands on a Socket.IO server."""

from __future__ import annotations

from typing import Any

from ordercast.api.context import ApiContext
from ordercast.api.nouns import COMMANDS
from ordercast.feed import DriverPositions, EphemeralEvents, OrderSubscriptions
from ordercast.hub import Server, Socket

from . import position_command, watch_commands
from .auth import SocketAuth
from .command_router import CommandRouter


def serve_sockets(
    server: Server, context: ApiContext, subscriptions: OrderSubscriptions, ephemeral: EphemeralEvents
) -> SocketAuth:
    """Register everything on `server`. The feed calls the result when rights change."""
    auth = SocketAuth(server, context.authenticator)
    server.use(auth.authenticate)
    server.on("connection", auth.connected)
    server.event("auth_refresh", auth.refresh)
    server.event("echo", _echo)
    router = CommandRouter(server, context)
    for command in COMMANDS:
        router.add(command)
    watch_commands.register(router, subscriptions)
    positions = DriverPositions(context.store, ephemeral, context.deliveries, context.now, server.spawn)
    position_command.register(router, positions)
    return auth


def _echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
    """``echo``: the arguments come back as they came; it alone is acknowledged by more or less than one value."""
    del socket
    return args
