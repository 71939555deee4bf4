"""ASGI middleware around the whole application, innermost first.

Each only returns what the application inside it returns: a coroutine of its own would be resumed, and awaited through,
at every pause of every request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, MutableMapping, Sequence
from typing import Any, Final

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from ordercast.hub.origins import RefusedOrigins, is_listed, is_own

from .problems import CONTENT_TYPE, HTTP_TYPES, Problem, problem_types

CORS_SETTING: Final = "ORDERCAST_CORS_ORIGINS"


# --- HEAD -------------------------------------------------------------------------------------------------------------


class HeadMiddleware:
    """Answers HEAD as GET without its body (RFC 9110 section 9.3.2)."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.WEBSOCKET or scope["method"] != "HEAD":
            return self._application(scope, receive, send)

        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        as_get: Any = {**scope, "method": "GET"}
        return self._application(as_get, receive, send_headers)


# --- CORS -------------------------------------------------------------------------------------------------------------


class RefusedOriginsMiddleware:
    """Logs origins rejected by CORS, and explains it to preflights, as browsers tell pages nothing."""

    def __init__(self, application: ASGIApp, origins: Sequence[str]) -> None:
        self._application = application
        self._origins = origins
        self._refused = RefusedOrigins(CORS_SETTING)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.HTTP:
            headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _LOOKED_AT}
            if _is_cross_origin(headers) and not is_listed(headers[b"origin"], self._origins):
                sentence = self._refused.report(headers[b"origin"])
                if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                    return _refuse_origin(sentence, send)
        return self._application(scope, receive, send)


_LOOKED_AT: Final = frozenset({b"origin", b"host", b"access-control-request-method"})


def _is_cross_origin(headers: Mapping[bytes, str]) -> bool:
    origin = headers.get(b"origin")
    return origin is not None and not is_own(origin, headers.get(b"host", ""))


async def _refuse_origin(sentence: str, send: Send) -> None:
    await _send_problem(problem_types()["origin-refused"].problem(sentence), send)


async def _send_problem(problem: Problem, send: Send) -> None:
    body = msgspec.json.encode(problem)
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


# --- Port for operators -----------------------------------------------------------------------------------------------

_OPERATOR_PATHS: Final = frozenset({"/metrics", "/health/live", "/health/ready"})


class OperatorPortMiddleware:
    """Limits requests on `port` to the operators' routes (metrics, health)."""

    def __init__(self, application: ASGIApp, port: int) -> None:
        self._application = application
        self._port = port

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if (
            scope["type"] == ScopeType.HTTP
            and arrived_on(scope, self._port)
            and scope["path"].rstrip("/") not in _OPERATOR_PATHS
        ):
            return _refuse_path(send)
        return self._application(scope, receive, send)


def arrived_on(scope: Scope, port: int) -> bool:
    """Whether a request arrived on that port."""
    server = scope.get("server")
    return server is not None and server[1] == port


async def _refuse_path(send: Send) -> None:
    detail = "This port is for operators: it has /metrics, /health/live and /health/ready."
    await _send_problem(HTTP_TYPES[404].problem(detail), send)


# --- Headers of responses ---------------------------------------------------------------------------------------------

_CACHE_CONTROL: Final = b"cache-control"
_NO_STORE: Final = (_CACHE_CONTROL, b"no-store")
_ALWAYS: Final = (
    # Prevents JSON from being run as a script.
    (b"x-content-type-options", b"nosniff"),
    # A tracking link's token must not leak by Referer, not even into a proxy's log.
    (b"referrer-policy", b"no-referrer"),
)
# Nothing with a token in its URL may be cached publicly.
_TOKEN: Final = b"token="


class ResponseHeadersMiddleware:
    """Adds security headers to every response, of any handler or error; responses are private unless they say
    otherwise.
    """

    def __init__(self, application: ASGIApp, hsts_s: int) -> None:
        self._application = application
        self._hsts = [(b"strict-transport-security", b"max-age=%d" % hsts_s)] if hsts_s else []

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != ScopeType.HTTP:
            return self._application(scope, receive, send)
        is_private = _TOKEN in scope["query_string"]
        added = [*_ALWAYS, *self._hsts] if scope["scheme"] == "https" else _ALWAYS

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                _add_headers(message, added, is_private=is_private)
            await send(message)

        return self._application(scope, receive, send_with_headers)


def _add_headers(message: MutableMapping[str, Any], added: Any, *, is_private: bool) -> None:
    headers = message["headers"]
    names = {name for name, _ in headers}
    if is_private:
        headers = [header for header in headers if header[0] not in {_CACHE_CONTROL, b"etag"}]
    if is_private or _CACHE_CONTROL not in names:
        headers = [*headers, _NO_STORE]
    message["headers"] = [*headers, *(header for header in added if header[0] not in names)]
