"""Request log: a line for each request, with an id that its response carries too (`X-Request-ID`).

What changes something, or is refused, is logged at `info`; what only reads, at `debug`. A line names the route by its
template and the actor by their id: no token, address or name of a person stands in it, whatever was asked for.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from ordercast.telemetry import REQUEST_ID_HEADER, REQUEST_LOG, given_request_id, request_ids

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Where a handler says who has just become known, as by signing in.
ACTOR: Final = "actor"
_IDENTITY: Final = "identity"

log = logging.getLogger(REQUEST_LOG)


class RequestLogMiddleware:
    """Wraps the application, outermost: an id comes in from a proxy that is named, or is made."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self._next_id = request_ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._application(scope, receive, send)
            return
        began_s = time.perf_counter()
        id_ = given_request_id(scope) or self._next_id()
        scope["request_id"] = id_  # type: ignore[typeddict-unknown-key]

        async def send_with_id(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (REQUEST_ID_HEADER, id_.encode())]
                _note(scope, message["status"], (time.perf_counter() - began_s) * 1_000, id_)
            await send(message)

        await self._application(scope, receive, send_with_id)


def id_of(scope: Any) -> str:
    """The id of a request; empty outside the middleware."""
    found: str = scope.get("request_id", "")
    return found


def _note(scope: Any, status: int, ms: float, id_: str) -> None:
    level = logging.DEBUG if status < 400 and scope["method"] in _READS else logging.INFO
    if not log.isEnabledFor(level):
        return
    facts = {
        "method": scope["method"],
        "route": scope.get("path_template") or "-",
        "status": status,
        "ms": round(ms, 1),
        "caller": scope["client"][0] if scope.get("client") else "-",
        "actor": _actor(scope.get("state") or {}),
        "request_id": id_,
    }
    log.log(level, "request", extra={"facts": facts})


def _actor(state: Any) -> str:
    known = state.get(ACTOR)
    if known is None:
        identity = state.get(_IDENTITY)
        known = getattr(identity, "actor", None)
    return "-" if known is None else str(known)
