"""What the dashboard may tell the server to do."""

from __future__ import annotations

import logging
from typing import Any, Final

from ordercast.hub.errors import EventRefused, LimitReached
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
        target = self._find(namespace)
        event = _checked_text("event", event)
        audience = target.to(_checked_text("room", room)) if room else target
        try:
            count = audience.emit(event, *args)
        except UnencodableValue as error:
            raise EventRefused("bad_request", str(error)) from None
        _note(by, f"emit {event!r}", target, room, count)

    def join(self, by: Socket, namespace: Any, room: Any, where: Any = None) -> None:
        """Let sockets enter `room`."""
        room = _checked_text("room", room)
        target, sockets = self._audience(namespace, where)
        _note(by, f"join {room!r}", target, where, len(sockets))
        full = 0
        for socket in sockets:
            try:
                socket.join(room)
            except LimitReached:
                full += 1
        if full:
            raise EventRefused("limit_reached", f"{full} of {len(sockets)} sockets are in too many rooms")

    def leave(self, by: Socket, namespace: Any, room: Any, where: Any = None) -> None:
        """Let sockets leave `room`."""
        room = _checked_text("room", room)
        target, sockets = self._audience(namespace, where)
        _note(by, f"leave {room!r}", target, where, len(sockets))
        for socket in sockets:
            socket.leave(room)

    def disconnect(self, by: Socket, namespace: Any, close: Any = False, where: Any = None) -> None:
        """Send sockets away; with `close` their connections end, and their sockets in other namespaces too."""
        target, sockets = self._audience(namespace, where)
        _note(by, "disconnect", target, where, len(sockets))
        for socket in sockets:
            socket.disconnect(close=close is True)

    def _find(self, name: Any) -> Namespace:
        namespace = self._server.find(_checked_text("namespace", name))
        if namespace is None:
            raise EventRefused("not_found", f"There is no namespace {name!r}.")
        return namespace

    def _audience(self, name: Any, room: Any) -> tuple[Namespace, tuple[Socket, ...]]:
        # A copy: what is done to the sockets changes the rooms that they are taken from.
        namespace = self._find(name)
        if not room:
            return namespace, tuple(namespace.sockets.values())
        return namespace, tuple(namespace.rooms.members([_checked_text("room", room)]))


def _checked_text(what: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise EventRefused("bad_request", f"The {what} must be a text.")
    return value


def _note(by: Socket, command: str, namespace: Namespace, room: Any, count: int) -> None:
    log.info(
        "admin command: %s namespace=%s room=%r sockets=%d by=%s address=%s",
        command,
        namespace.name,
        room or None,
        count,
        by.id,
        by.handshake.address,
    )
