"""Pages of other origins that are not let in: their browsers say nothing of why, so the log does, and the preflight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from ordercast.hub.origins import RefusedOrigins, is_listed, is_own

SETTING: Final = "ORDERCAST_CORS_ORIGINS"


class ReportRefusedOrigins:
    """Wraps an application whose CORS lets in `origins`; what it answers to others, their browsers keep back."""

    def __init__(self, application: ASGIApp, origins: Sequence[str]) -> None:
        self._application = application
        self._origins = origins
        self._refused = RefusedOrigins(SETTING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _LOOKED_AT}
            if _is_of_another(headers) and not is_listed(headers[b"origin"], self._origins):
                sentence = self._refused.report(headers[b"origin"])
                if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                    await _refuse(sentence, send)
                    return
        await self._application(scope, receive, send)


_LOOKED_AT: Final = frozenset({b"origin", b"host", b"access-control-request-method"})


def _is_of_another(headers: Mapping[bytes, str]) -> bool:
    origin = headers.get(b"origin")
    return origin is not None and not is_own(origin, headers.get(b"host", ""))


async def _refuse(sentence: str, send: Send) -> None:
    problem = {"type": "/problems/origin-refused", "title": "Not from this page", "status": 403, "detail": sentence}
    body = msgspec.json.encode(problem)
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
