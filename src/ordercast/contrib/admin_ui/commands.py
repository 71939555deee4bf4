"""The commands of the dashboard."""

from __future__ import annotations

import logging
from typing import Any, Final

from ordercast.hub.broadcast import Broadcaster, BroadcastOperator
from ordercast.hub.errors import EventRefused
from ordercast.hub.namespace import Namespace
from ordercast.hub.server import Server
from ordercast.hub.socket import Socket
from ordercast.protocol.errors import UnencodableValue

log = logging.getLogger("ordercast.hub")

# The dashboard shows a button for each; those with M act on a whole room.
FEATURES: Final = ("EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT")


class Commands:
    """Each acts on the sockets of a room, or of the whole namespace where no room is named; an id is a room too."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def register(self, admin: Namespace) -> None:
        """Take the commands of every socket in `admin`; nothing there answers to them otherwise."""
        admin.event("emit", self.emit)
        admin.event("join", self.join)
        admin.event("leave", self.leave)
        admin.event("_disconnect", self.disconnect)

    def emit(self, by: Socket, namespace: Any, room: Any, event: Any, *args: Any) -> None:
        """Send an event. Raises EventRefused, as all of these do."""
        event = _checked_text("event", event)
        audience = self._audience(namespace, room)
        try:
            audience.emit(event, *args)
        except UnencodableValue as error:
            raise EventRefused("bad_request", str(error)) from None
        _note(by, f"emit {event!r}", namespace, room)

    def join(self, by: Socket, namespace: Any, room: Any, where: Any = None) -> None:
        """Let sockets enter `room`."""
        room = _checked_text("room", room)
        self._audience(namespace, where).sockets_join(room)
        _note(by, f"join {room!r}", namespace, where)

    def leave(self, by: Socket, namespace: Any, room: Any, where: Any = None) -> None:
        """Let sockets leave `room`."""
        room = _checked_text("room", room)
        self._audience(namespace, where).sockets_leave(room)
        _note(by, f"leave {room!r}", namespace, where)

    def disconnect(self, by: Socket, namespace: Any, close: Any = False, where: Any = None) -> None:
        """Send sockets away; with `close` their connections end, and their sockets in other namespaces too."""
        self._audience(namespace, where).disconnect_sockets(close=close is True)
        _note(by, "disconnect", namespace, where)

    def _audience(self, name: Any, room: Any) -> Broadcaster[Socket] | BroadcastOperator[Socket]:
        namespace = self._server.find(_checked_text("namespace", name))
        if namespace is None:
            raise EventRefused("not_found", f"There is no namespace {name!r}.")
        return namespace.to(_checked_text("room", room)) if room else namespace


def _checked_text(what: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise EventRefused("bad_request", f"The {what} must be a text.")
    return value


def _note(by: Socket, command: str, namespace: str, room: Any) -> None:
    address = by.handshake.address
    log.info(
        "admin command: %s namespace=%s room=%r by=%s address=%s", command, namespace, room or None, by.id, address
    )
