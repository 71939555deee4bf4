"""The token of a handshake: where it is read, and the places where clients offer it in vain."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

from ordercast.hub import Socket

_SCHEME: Final = "bearer "
# Names that the tutorials and libraries of other servers give to a token.
_NAMES: Final = frozenset(
    {
        "token", "accesstoken", "access_token", "access-token", "authtoken", "auth_token", "auth-token", "jwt",
        "bearer", "idtoken", "id_token", "authorization", "x-access-token", "x-auth-token", "x-token",
    }
)  # fmt: skip

log = logging.getLogger("ordercast.api")


def handshake_token(socket: Socket) -> Any:
    """The token of `auth.token`, else of the handshake's ``Authorization: Bearer`` header; None where there is none.

    A header is what programs and mobile clients set (`extraHeaders`); a browser's WebSocket sends none of a page's own.
    """
    token = socket.auth.get("token")
    if token is not None and token != "":
        return without_scheme(token)
    header = socket.handshake.headers.get("authorization", "")
    return without_scheme(header) if header[: len(_SCHEME)].lower() == _SCHEME else None


def without_scheme(token: Any) -> Any:
    """A token without the ``Bearer`` that some clients put before it."""
    is_prefixed = isinstance(token, str) and token[: len(_SCHEME)].lower() == _SCHEME
    return token[len(_SCHEME) :].strip() if is_prefixed else token


def unread_token(socket: Socket) -> str | None:
    """The place where a socket offers a token that is not read there; logged once for each place."""
    place = _unread_place(socket)
    if place is not None:
        _warn_once(place)
    return place


def _unread_place(socket: Socket) -> str | None:
    handshake = socket.handshake
    places: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("auth.{}", socket.auth),
        # A URL is written to logs of proxies and to histories of browsers.
        ("the query parameter {}", handshake.query),
        ("the header {}", handshake.headers),
        ("the cookie {}", _cookies(handshake.headers.get("cookie", ""))),
    )
    for kind, names in places:
        for name in filter(names.get, names):
            # Some other scheme of this header, such as a proxy's own Basic, is none of a token's.
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


@cache  # of as many as there are names and places
def _warn_once(place: str) -> None:
    log.warning(
        "a socket offered its token as %s, where it is not read, and hears nothing: send it as auth.token, or in the"
        " header Authorization: Bearer",
        place,
    )
