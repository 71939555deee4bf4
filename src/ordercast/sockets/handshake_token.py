"""Reads the token of a handshake, and detects tokens in places that are not read."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

from ordercast.hub import Socket

_SCHEME: Final = "bearer "
# Names of tokens in tutorials and libraries of other servers.
_NAMES: Final = frozenset(
    {
        "token", "accesstoken", "access_token", "access-token", "authtoken", "auth_token", "auth-token", "jwt",
        "bearer", "idtoken", "id_token", "authorization", "x-access-token", "x-auth-token", "x-token",
    }
)  # fmt: skip

log = logging.getLogger("ordercast.api")


def handshake_token(socket: Socket) -> Any:
    """The token in `auth.token`, else in the handshake's ``Authorization: Bearer`` header; None without one.

    Programs and mobile clients can set headers (`extraHeaders`); a browser's WebSocket cannot.
    """
    token = socket.auth.get("token")
    if token is not None and token != "":
        return without_scheme(token)
    header = socket.handshake.headers.get("authorization", "")
    return without_scheme(header) if header[: len(_SCHEME)].lower() == _SCHEME else None


def without_scheme(token: Any) -> Any:
    """Remove the ``Bearer`` prefix that some clients add."""
    is_prefixed = isinstance(token, str) and token[: len(_SCHEME)].lower() == _SCHEME
    return token[len(_SCHEME) :].strip() if is_prefixed else token


def unread_token(socket: Socket) -> str | None:
    """The place of a token that is not read; logged once per place."""
    place = _unread_place(socket)
    if place is not None:
        _warn_once(place)
    return place


def _unread_place(socket: Socket) -> str | None:
    handshake = socket.handshake
    places: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("auth.{}", socket.auth),
        # URLs end up in proxy logs and browser histories.
        ("the query parameter {}", handshake.query),
        ("the header {}", handshake.headers),
        ("the cookie {}", _cookies(handshake.headers.get("cookie", ""))),
    )
    for kind, names in places:
        for name in filter(names.get, names):
            # Other schemes of this header, such as a proxy's Basic, are no tokens.
            if name.lower() in _NAMES and not (name == "authorization" and names is handshake.headers):
                return kind.format(name.lower())
    return None


def _cookies(header: str) -> SimpleCookie:
    cookies = SimpleCookie()
    try:
        cookies.load(header)
    except CookieError:
        cookies.clear()
    return cookies


@cache  # bounded by the number of names and places
def _warn_once(place: str) -> None:
    log.warning(
        "a socket offered its token as %s, where it is not read, and hears nothing: send it as auth.token, or in the"
        " header Authorization: Bearer",
        place,
    )
