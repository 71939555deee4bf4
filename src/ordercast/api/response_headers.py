"""Headers that every answer has, whichever handler, middleware or error it is of.

They are put where all answers leave, so that a new route is private before anybody has thought of it: what may be kept
by a browser or a proxy says so itself.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from ordercast.config import Settings

_CACHE_CONTROL: Final = b"cache-control"
_NO_STORE: Final = (_CACHE_CONTROL, b"no-store")
_ALWAYS: Final = (
    # What is JSON is not to be run as a script, whoever included it.
    (b"x-content-type-options", b"nosniff"),
    # A tracking link has its token in the address, which is told to nobody; not to ourselves either: it would stand
    # beside every picture in a proxy's log.
    (b"referrer-policy", b"no-referrer"),
)
# What is anybody's to keep is not, under an address that holds a token.
_TOKEN: Final = b"token="


class AddResponseHeaders:
    """Wraps the application: outermost, so that no answer leaves without them."""

    def __init__(self, application: ASGIApp, hsts_s: int) -> None:
        self._application = application
        self._hsts = [(b"strict-transport-security", b"max-age=%d" % hsts_s)] if hsts_s else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._application(scope, receive, send)
            return
        is_private = _TOKEN in scope["query_string"]
        added = [*_ALWAYS, *self._hsts] if scope["scheme"] == "https" else _ALWAYS

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                _add(message, added, is_private=is_private)
            await send(message)

        await self._application(scope, receive, send_with_headers)


def _add(message: MutableMapping[str, Any], added: Any, *, is_private: bool) -> None:
    headers = message["headers"]
    names = {name for name, _ in headers}
    if is_private:
        headers = [header for header in headers if header[0] not in {_CACHE_CONTROL, b"etag"}]
    if is_private or _CACHE_CONTROL not in names:
        headers = [*headers, _NO_STORE]
    message["headers"] = [*headers, *(header for header in added if header[0] not in names)]


def connect_sources(settings: Settings) -> str:
    """Where the pages may connect, for their CSP: ourselves, and where their sockets are told to go."""
    url = urlsplit(settings.socket_url)
    if not url.netloc:
        return "'self'"
    is_secure = url.scheme in {"https", "wss"}
    schemes = ("https", "wss") if is_secure else ("http", "ws")
    return " ".join(["'self'", *(f"{scheme}://{url.netloc.rpartition('@')[2]}" for scheme in schemes)])
