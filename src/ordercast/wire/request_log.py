"""The request log's lines of Engine.IO: polls, posts, preflights and openings of WebSockets.

As the API's lines, but all at `debug`, for polls are many. None holds a query: a `sid` there is the key to its session.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from ordercast.telemetry import REQUEST_ID_HEADER, REQUEST_LOG, given_request_id, request_ids

log = logging.getLogger(REQUEST_LOG)

_next_id: Final = request_ids()


class RequestNote:
    """One request that will have its line, with the id that its answer carries."""

    __slots__ = ("_began_s", "_caller", "_method", "_route", "id")

    def __init__(self, scope: Any, method: bytes, route: str) -> None:
        self.id = given_request_id(scope) or _next_id()
        self._method = method.decode("latin-1")
        self._route = route
        self._caller = scope["client"][0] if scope.get("client") else "-"
        self._began_s = time.perf_counter()

    @property
    def header(self) -> tuple[bytes, bytes]:
        return REQUEST_ID_HEADER, self.id.encode()

    def write(self, status: int) -> None:
        """Log the line, as its answer leaves."""
        facts = {
            "method": self._method,
            "route": self._route,
            "status": status,
            "ms": round((time.perf_counter() - self._began_s) * 1_000, 1),
            "caller": self._caller,
            "actor": "-",
            "request_id": self.id,
        }
        log.debug("request", extra={"facts": facts})


def note_request(scope: Any, method: bytes, route: str) -> RequestNote | None:
    """Begin the line of a request; None where nobody would read it."""
    return RequestNote(scope, method, route) if log.isEnabledFor(logging.DEBUG) else None
