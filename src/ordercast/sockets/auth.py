"""Authenticates sockets: identity, rooms, and the expiry of tokens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, Final
from weakref import WeakSet

import msgspec

from ordercast.api.auth import Identity, TokenRefused
from ordercast.api.authenticator import REVOKED_SENTENCE, Authenticator
from ordercast.api.commands import CommandDoc
from ordercast.api.errors import IssuerUnavailable, TooManyAttempts
from ordercast.api.token_rooms import rooms_of
from ordercast.commerce.booking_transitions import BOOKING_TERMINAL
from ordercast.commerce.rooms import booking_room, order_room
from ordercast.commerce.tracking import tracking_ends
from ordercast.commerce.transitions import TERMINAL
from ordercast.db import Change, StoreError
from ordercast.hub import CommandAck, ConnectRefused, EventRefused, LimitReached, RetryLater, Server, Socket, success
from ordercast.telemetry import REQUEST_LOG

from .handshake_token import handshake_token, unread_token, without_scheme

log = logging.getLogger(REQUEST_LOG)

# Time for a page to fetch a new token and send `auth_refresh` before its socket is disconnected.
EXPIRY_WARNING_S: Final = 60.0
_WHERE_TOKENS_GO: Final = "A token is read from auth.token, or from the header Authorization: Bearer."


class AuthRefresh(msgspec.Struct, frozen=True):
    """A new token for the same person."""

    token: str


class AuthRefreshed(msgspec.Struct, frozen=True, rename="camel"):
    """The new expiry."""

    expires_at: float | None
    """Seconds since 1970; null for a token that does not expire."""


REFRESH: Final = CommandDoc(
    data=AuthRefreshed,
    errors=(
        "token_expired",
        "token_malformed",
        "token_invalid",
        "token_revoked",
        "not_connected",
        "issuer_silent",
        "store_unavailable",
        "overloaded",
        TooManyAttempts,
    ),
    example={"token": "eyJhbGciOi..."},
    answer={"expiresAt": 1795515600},
)


class SocketAuth:
    """Authenticates the sockets of a node. The feed calls `access_revoked`, `order_moved` and `booking_moved`."""

    def __init__(
        self,
        server: Server,
        authenticator: Authenticator,
        on_refreshed: Callable[[Socket, Identity], None] = lambda _socket, _identity: None,
    ) -> None:
        """`on_refreshed` is called when a socket has presented another token."""
        self._server = server
        self._on_refreshed = on_refreshed
        self._authenticator = authenticator
        # Authenticated, but not in their rooms yet: they may be receiving a replay.
        self._arriving: WeakSet[Socket] = WeakSet()
        self._is_revocation_due = False

    # Connecting

    async def _identify(self, socket: Socket, token: object) -> Identity:
        if not isinstance(token, str):
            raise TokenRefused("token_malformed", "The token must be a string.")
        return await self._authenticator.identify(token, socket.conn.handshake.caller)

    async def authenticate(self, socket: Socket) -> None:
        """Middleware: a valid token joins its rooms; a socket without one joins none. Raises ConnectRefused, or
        RetryLater.
        """
        token = handshake_token(socket)
        if token is None:
            return
        try:
            identity = await self._identify(socket, token)
        except TokenRefused as error:
            _note(logging.INFO, socket, error.code)
            raise ConnectRefused(error.message, {"code": error.code}) from None
        except TooManyAttempts as error:
            # A stock client does not reconnect by itself after this, as is right for an invalid token.
            _note(logging.INFO, socket, "too_many_attempts")
            raise ConnectRefused(str(error), _retry_later(error)) from None
        except (StoreError, IssuerUnavailable) as error:
            _note(logging.INFO, socket, "come_later")
            raise RetryLater(str(error)) from None
        socket.data = _Session(identity)
        socket.identity = str(identity)
        socket.join(*rooms_of(identity))
        self._arriving.add(socket)

    def connected(self, socket: Socket) -> None:
        session = socket.data
        _note(logging.DEBUG, socket, "connected")
        if not isinstance(session, _Session):
            _warn_of_unread_token(socket)
            return
        self._arriving.discard(socket)
        if self._authenticator.revocations.is_revoked(session.identity):  # revoked while it connected
            session.end_revoked(socket)
            return
        session.watch_expiry(socket)
        socket.on("disconnect", lambda _reason: session.forget_expiry())

    async def refresh(self, socket: Socket, credentials: Any = None, *_: Any) -> CommandAck:
        """Present a new token of the same person, to outlive the former one. Watches stay, and so do the rooms that the
        new claims open too.
        """
        session = socket.data
        token = without_scheme(credentials.get("token") if isinstance(credentials, dict) else credentials)
        try:
            identity = await self._identify(socket, token)
        except TokenRefused as error:
            raise EventRefused(error.code, error.message) from None
        except TooManyAttempts as error:
            details = _retry_later(error)
            raise EventRefused(details.pop("code"), str(error), **details) from None
        except IssuerUnavailable as error:
            raise EventRefused("issuer_silent", str(error)) from None
        except StoreError as error:
            raise EventRefused("store_unavailable", str(error)) from None
        if not isinstance(session, _Session) or str(identity) != socket.identity:
            raise EventRefused("token_invalid", "The token is not of the one who connected.")
        if not socket.connected:
            # It disconnected meanwhile: a timer started now would never be stopped.
            raise EventRefused("not_connected", "The socket has disconnected.")
        _change_rooms(socket, session.identity, identity)
        session.identity = identity
        session.watch_expiry(socket)
        self._on_refreshed(socket, identity)
        return success({"expiresAt": identity.expires_at})

    # Rights that change

    def access_revoked(self, change: Change) -> None:
        """Disconnect the sockets of a revoked token, wherever it was revoked."""
        self._authenticator.on_revoked(change)
        if not self._is_revocation_due:
            # Once per turn of the loop: it looks at every socket.
            self._is_revocation_due = True
            self._server.loop.call_soon(self._end_revoked)

    def _end_revoked(self) -> None:
        self._is_revocation_due = False
        for socket, session in self._known(self._server.main.sockets.values()):
            if self._authenticator.revocations.is_revoked(session.identity):
                session.end_revoked(socket)

    def order_moved(self, change: Change) -> None:
        """Let guests' tokens of an order expire a while after it ended."""
        self._tracked_moved(change, order_room(change.entity_id), TERMINAL)

    def booking_moved(self, change: Change) -> None:
        """Let guests' tokens of a booking expire a while after it ended."""
        self._tracked_moved(change, booking_room(change.entity_id), BOOKING_TERMINAL)

    def _tracked_moved(self, change: Change, room: str, ends: Collection[str]) -> None:
        members = self._server.main.rooms.members((room,))
        guests = [one for one in self._known(members) if one[1].identity.tracked_id == change.entity_id]
        if guests and change.after is not None and msgspec.json.decode(change.after, type=_Moved).status in ends:
            for socket, session in guests:
                session.identity = replace(session.identity, expires_at=tracking_ends(change.at))
                session.watch_expiry(socket)

    def _known(self, entered: Collection[Socket]) -> list[tuple[Socket, _Session]]:
        everyone = (*entered, *self._arriving)
        return [(socket, socket.data) for socket in everyone if isinstance(socket.data, _Session)]


def _note(level: int, socket: Socket, outcome: str) -> None:
    """Log a line in the format of requests (``request_log``)."""
    if log.isEnabledFor(level):
        identity = getattr(socket.data, "identity", None)
        actor = "-" if identity is None else str(identity.actor)
        facts = {"outcome": outcome, "caller": socket.conn.handshake.caller, "actor": actor, "socket": socket.id}
        log.log(level, "socket", extra={"facts": facts})


def _change_rooms(socket: Socket, former: Identity, identity: Identity) -> None:
    """Join what the new token opens besides, and leave what it opens no more. Raises EventRefused."""
    before, after = rooms_of(former), rooms_of(identity)
    if before == after:
        return
    try:
        socket.join(*(room for room in after if room not in before))
    except LimitReached as error:
        raise EventRefused("overloaded", str(error)) from None
    socket.leave(*(room for room in before if room not in after))


class _Moved(msgspec.Struct):
    status: str


class _Session:
    """An authenticated socket's identity, and the timer of its token."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._timer: asyncio.TimerHandle | None = None

    def watch_expiry(self, socket: Socket) -> None:
        """Emit a warning before the token expires, and disconnect when it has."""
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

    def end_revoked(self, socket: Socket) -> None:
        self.forget_expiry()
        if not socket.connected:
            # Still connecting, and ended once it has: until then it has no rooms, so nothing is replayed to it.
            socket.leave(*tuple(socket.rooms))
            return
        socket.emit("auth_revoked", {"code": "token_revoked", "message": REVOKED_SENTENCE})
        socket.disconnect(close=True)

    def _call_later(self, delay_s: float, action: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(max(0.0, delay_s), action)


def _warn_of_unread_token(socket: Socket) -> None:
    """Emit `auth_ignored` to a socket whose client offers a token where none is read."""
    place = unread_token(socket)
    if place is not None:
        socket.emit("auth_ignored", {"code": "token_not_read", "place": place, "message": _WHERE_TOKENS_GO})


def _retry_later(error: TooManyAttempts) -> dict[str, Any]:
    return {"code": "too_many_attempts", "budget": error.budget, "retryAfter": error.retry_after_s}
