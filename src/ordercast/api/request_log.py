"""Request log: one line per request, with an id that is also in its response (`X-Request-ID`).

Changes and refusals are logged at `info`, reads at `debug`. The route is logged as a template and the actor by id: no
tokens, addresses or names.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from ordercast.telemetry import REQUEST_ID_HEADER, REQUEST_LOG, given_request_id, request_ids

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Where a handler stores an actor that just became known, as by signing in.
ACTOR: Final = "actor"
_IDENTITY: Final = "identity"

log = logging.getLogger(REQUEST_LOG)


class RequestLogMiddleware:
    """The outermost middleware: takes the id from a trusted proxy, or makes one."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self._next_id = request_ids()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != ScopeType.HTTP:
            return self._application(scope, receive, send)
        began_s = time.perf_counter()
        id_ = given_request_id(scope) or self._next_id()
        scope["request_id"] = id_  # type: ignore[typeddict-unknown-key]

        async def send_with_id(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (REQUEST_ID_HEADER, id_.encode())]
                _note(scope, message["status"], (time.perf_counter() - began_s) * 1_000, id_)
            await send(message)

        return self._application(scope, receive, send_with_id)


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
