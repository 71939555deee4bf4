"""Registers authentication and all commands on a Socket.IO server."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ordercast.api.commands import CommandDoc
from ordercast.api.context import ApiContext
from ordercast.api.nouns import COMMANDS
from ordercast.commerce.room_access import RoomRules
from ordercast.feed import DriverPositions, EphemeralEvents, Subscriptions, TableSubscriptions, TypingNotices
from ordercast.hub import Server, Socket

from . import notice_commands, position_command, shop_commands, table_commands, watch_commands, whoami
from .auth import REFRESH, AuthRefresh, SocketAuth
from .command_router import CommandRouter, SocketHandler
from .conversation_commands import ConversationCommands
from .notice_recorder import NoticeRecorder
from .requested_rooms import RequestedRooms

_ECHO: Final = CommandDoc(data=Any, example={"n": 1}, answer={"n": 1}, is_echo=True)


class RightsHandlers(NamedTuple):
    """Called when rights change."""

    auth: SocketAuth
    conversations: ConversationCommands
    rooms: RequestedRooms


def serve_sockets(
    server: Server,
    context: ApiContext,
    subscriptions: Subscriptions,
    ephemeral: EphemeralEvents,
    *,
    notices: NoticeRecorder,
    typing: TypingNotices,
    tables: TableSubscriptions,
    is_built_in: bool = True,
    rules: RoomRules | None = None,
) -> RightsHandlers:
    """Register everything on `server`; of the shop's commands none, where it is no shop of ours. `rules` are of rooms
    that are asked for. The feed calls the result when rights change.
    """
    rooms = RequestedRooms(server, subscriptions, rules, context.now)
    auth = SocketAuth(server, context.authenticator, on_refreshed=rooms.refreshed)
    server.use(auth.authenticate)
    server.on("connection", auth.connected)
    if rules is not None:
        server.on("connection", rooms.connected)
    server.event("auth_refresh", SocketHandler("auth_refresh", str | AuthRefresh, auth.refresh, REFRESH))
    server.event("echo", SocketHandler("echo", Any, _echo, _ECHO))
    router = CommandRouter(server, context)
    rooms.register(router)
    whoami.register(router, rooms, lambda: subscriptions.position)
    table_commands.register(router, tables)
    conversations = ConversationCommands(server, context, subscriptions, typing)
    if not is_built_in:
        return RightsHandlers(auth, conversations, rooms)
    for command in COMMANDS:
        router.add(command)
    watch_commands.register(router, subscriptions)
    shop_commands.register(router, subscriptions)
    notice_commands.register(router, notices)
    conversations.register(router)
    positions = DriverPositions(context.store, ephemeral, context.deliveries, context.now, server.spawn)
    position_command.register(router, positions)
    return RightsHandlers(auth, conversations, rooms)


def describe_sockets(server: Server, openapi: dict[str, Any]) -> dict[str, Any]:
    """Make the AsyncAPI document of a server's events and commands; `openapi` describes its HTTP API."""
    from .asyncapi import make_document  # noqa: PLC0415 - hardly anybody asks for it

    return make_document(server, openapi)


def _echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
    """Acknowledge the arguments unchanged: the only ack without the usual form."""
    del socket
    return args
