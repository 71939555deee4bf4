"""The door for operators: a port of its own, on which figures are told, and nothing is sold."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

_PATHS: Final = frozenset({"/metrics", "/health/live", "/health/ready"})


class OperatorsDoor:
    """Wraps the application: what comes by `port` finds the paths for operators alone."""

    def __init__(self, application: ASGIApp, port: int) -> None:
        self._application = application
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and is_by(scope, self._port) and scope["path"].rstrip("/") not in _PATHS:
            await _refuse(send)
            return
        await self._application(scope, receive, send)


def is_by(scope: Scope, port: int) -> bool:
    """Whether a request came by that port of ours."""
    server = scope.get("server")
    return server is not None and server[1] == port


async def _refuse(send: Send) -> None:
    detail = "This port is for operators: it has /metrics, /health/live and /health/ready."
    problem = {"type": "/problems/not-found", "title": "Not found", "status": 404, "detail": detail}
    body = msgspec.json.encode(problem)
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
