"""The socket door: who a connecting socket is, which rooms that opens, and the commands it may send."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from ordercast.commerce.people import STAFF, Role
from ordercast.commerce.rooms import STORE_OWNERS, customer_room, driver_room, order_room, user_room
from ordercast.config import Settings
from ordercast.db import SqliteStore, Store, StoreError
from ordercast.hub import ComeLater, ConnectRefused, EventRefused, Server, Socket

from .auth import Identity, TokenRefused, identify
from .desk import FrontDesk
from .socket_commands import Watches, register_commands

# A page has this long to fetch a new token and send `auth_refresh` before its socket is disconnected.
EXPIRY_WARNING_S: Final = 60.0


def open_socket_door(server: Server, settings: Settings, store: SqliteStore, watches: Watches) -> None:
    """Register authentication and the socket commands on `server`. Nothing here emits what a shop's change tells."""
    door = _SocketDoor(settings, store)
    server.use(door.authenticate)
    server.on("connection", door.connected)
    server.event("auth_refresh", door.refresh)
    server.event("echo", _echo)
    register_commands(server, FrontDesk(store, settings.secret), watches)


def rooms_of(identity: Identity) -> tuple[str, ...]:
    """The rooms that an identity opens, and `feed/audience.py` tells; the server alone joins rooms."""
    actor = identity.actor
    if identity.order_id is not None:
        return (order_room(identity.order_id),)
    if actor.role in STAFF:
        return (STORE_OWNERS, user_room(actor.id))
    if actor.role is Role.CUSTOMER:
        return (customer_room(actor.id), user_room(actor.id))
    if actor.role is Role.DRIVER:
        return (driver_room(actor.id), user_room(actor.id))
    return ()


class _SocketDoor:
    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    async def _identify(self, token: object) -> Identity:
        if not isinstance(token, str):
            raise TokenRefused("token_malformed", "The token must be a string.")
        return await identify(self._store, self._settings.secret, token)

    async def authenticate(self, socket: Socket) -> None:
        """Let in who shows a good token, or none; a socket without one hears only what it asks for itself."""
        token = socket.auth.get("token")
        if token is None or token == "":
            return
        try:
            identity = await self._identify(token)
        except TokenRefused as error:
            raise ConnectRefused(error.message, {"code": error.code}) from None
        except StoreError as error:
            raise ComeLater(str(error)) from None
        socket.data = _Session(identity)
        socket.identity = _name(identity)
        socket.join(*rooms_of(identity))

    def connected(self, socket: Socket) -> None:
        session = socket.data
        if isinstance(session, _Session):
            session.watch_expiry(socket)
            socket.on("disconnect", lambda _reason: session.forget_expiry())

    async def refresh(self, socket: Socket, credentials: Any = None, *_: Any) -> tuple[None, dict[str, Any]]:
        """``auth_refresh``: a new token, or ``{"token"}``, of the same person; what it opens stays as it was."""
        session = socket.data
        token = credentials.get("token") if isinstance(credentials, dict) else credentials
        try:
            identity = await self._identify(token)
        except TokenRefused as error:
            raise EventRefused(error.code, error.message) from None
        if not isinstance(session, _Session) or _name(identity) != socket.identity:
            raise EventRefused("token_invalid", "The token is not of the one who connected.")
        if not socket.connected:
            # It left while the token was looked up; nobody would stop a timer that began now.
            raise EventRefused("not_connected", "The socket has disconnected.")
        session.identity = identity
        session.watch_expiry(socket)
        return None, {"expiresAt": identity.expires_at}


class _Session:
    """What a known socket carries: its identity, and the timer of its token."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._timer: asyncio.TimerHandle | None = None

    def watch_expiry(self, socket: Socket) -> None:
        """Warn before the token expires, and end the socket when it has."""
        self.forget_expiry()
        if self.identity.expires_at is None:
            return
        left_s = self.identity.expires_at - time.time()
        warning_s = min(EXPIRY_WARNING_S, left_s / 2)
        self._call_later(left_s - warning_s, lambda: self._warn(socket, warning_s))

    def forget_expiry(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _warn(self, socket: Socket, left_s: float) -> None:
        socket.emit("auth_expiring", {"expiresAt": self.identity.expires_at, "expiresInSeconds": round(left_s)})
        self._call_later(left_s, lambda: self._expire(socket))

    def _expire(self, socket: Socket) -> None:
        socket.emit("auth_expired", {"code": "token_expired", "message": "The token has expired; log in again."})
        socket.disconnect(close=True)

    def _call_later(self, delay_s: float, action: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(max(0.0, delay_s), action)


def _name(identity: Identity) -> str:
    return f"guest:{identity.order_id}" if identity.order_id is not None else str(identity.actor)


def _echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
    """``echo``: the arguments come back, behind the error's null."""
    del socket
    return (None, *args)
