"""Composes the document (AsyncAPI 3.0.0, section "AsyncAPI Object")."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

from ordercast.commerce.rooms import ROOMS
from ordercast.hub import Server

from .commands import Commands
from .events import Events
from .schemas import Schemas
from .texts import CHANNEL, INFO, TOKEN

JSON: Final = "application/json"
SOCKET: Final = "socket"
"""The channel between the server and one socket: commands, acks, and events of its connection."""


def make_document(server: Server, openapi: dict[str, Any]) -> dict[str, Any]:
    """Describe the events and commands of `server` as JSON values. Schemas that `openapi` has too are shared with
    it.
    """
    schemas = Schemas(openapi)
    events, commands = Events(schemas), Commands(schemas, server)
    messages = {**events.messages(), **commands.messages()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ordercast",
            "version": version("ordercast"),
            "description": INFO,
            "license": {"name": "MIT", "url": "https://opensource.org/license/mit"},
        },
        "defaultContentType": JSON,
        "servers": {"shop": _server()},
        "channels": {
            SOCKET: _channel("/", CHANNEL, [*events.of_sockets(), *commands.messages()]),
            **{channel_of(room): _room(room, events_of_room) for room, events_of_room in events.by_room().items()},
        },
        "operations": {
            **{
                f"hear.{channel_of(room)}": _receive(
                    channel_of(room), events_of_room, f"The events of the room `{room}`."
                )
                for room, events_of_room in events.by_room().items()
            },
            f"hear.{SOCKET}": _receive(SOCKET, events.of_sockets(), "The events of one socket's own connection."),
            **commands.operations(SOCKET),
        },
        "components": {
            "messages": messages,
            "schemas": schemas.collected(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"} | TOKEN},
        },
    }


def channel_of(room: str) -> str:
    """The name of a room's channel: ``customer`` of ``customer_{id}``."""
    return room.removesuffix("_{id}")


def _server() -> dict[str, Any]:
    return {
        "host": "{host}",
        "pathname": "/socket.io/",
        "protocol": "wss",
        "protocolVersion": "Socket.IO protocol 5 over Engine.IO protocol 4",
        "description": "WebSocket, or HTTP long-polling at the same address; `ws` without TLS.",
        "variables": {"host": {"default": "localhost:3000", "description": "The shop's host, and port if need be."}},
        "security": [{"$ref": "#/components/securitySchemes/token"}],
    }


def _room(room: str, events_of_room: list[str]) -> dict[str, Any]:
    channel = _channel(room, ROOMS.get(room, ""), events_of_room)
    if "{id}" in room:
        channel["parameters"] = {"id": {"description": "Whose, or of which."}}
    return channel


def _channel(address: str, text: str, messages: list[str]) -> dict[str, Any]:
    return {
        "address": address,
        "description": text,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "x-socketio": {"namespace": "/"} if address == "/" else {"namespace": "/", "room": address},
    }


def _receive(channel: str, messages: list[str], text: str) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": text,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }
