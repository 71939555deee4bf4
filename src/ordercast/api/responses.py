"""Responses with JSON that is already encoded, and response specs for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response
from litestar.openapi.datastructures import ResponseSpec
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from .problems import CONTENT_TYPE, Problem


def json_response(
    content: bytes, *, status_code: int | None = None, headers: Mapping[str, str] | None = None
) -> Response[Any]:
    """Send `content` as it is; the status is the handler's own by default."""
    return JsonResponse(content, status_code, headers)


class JsonResponse(Response[Any]):
    """Skips Litestar's encoding: a tenth of an order's cost on the loop."""

    __slots__ = ()

    def __init__(self, content: bytes, status_code: int | None, headers: Mapping[str, str] | None) -> None:
        # Not Litestar's, which looks what kind of mapping or list each of them is: a thirtieth of an order's cost.
        self.content = content
        self.background = None
        self.cookies = []
        self.encoding = "utf-8"
        self.headers = dict(headers) if headers else {}
        self.media_type = "application/json"
        self.status_code = status_code
        self.response_type_encoders = {}

    def to_asgi_response(self, app: Any, request: Any, **options: Any) -> ASGIResponse:
        if self.cookies or self.background or options.get("headers") or options.get("cookies"):
            return super().to_asgi_response(app, request, **options)
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        return _Written(self.status_code or options["status_code"], headers, self.content)


class _Written(ASGIResponse):
    __slots__ = ("_heads",)

    def __init__(self, status_code: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        self.status_code = status_code
        self.body = content
        self._heads = [
            *headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self._heads})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


# --- In the document --------------------------------------------------------------------------------------------------


def refused(description: str) -> ResponseSpec:
    """A route's own error response."""
    return ResponseSpec(Problem, description=description, generate_examples=False, media_type=CONTENT_TYPE)


REFUSALS: Final = {
    400: refused("The request cannot be read"),
    401: refused("A token is needed, or the one sent is refused"),
    403: refused("This role may not do it"),
    404: refused("There is none, or none that the asker may know of"),
    422: refused("A field cannot be taken; `field` names it"),
}
SIGNED_OUT: Final = {204: ResponseSpec(None, description="Signed out", generate_examples=False)}
CONFLICTS: Final = {
    402: refused("The payment was declined"),
    409: refused("The present state does not allow it"),
    503: refused("Too much is waiting; come back after `Retry-After` seconds"),
}


def refusals(*statuses: int) -> dict[int, ResponseSpec]:
    """The shared error responses with these statuses."""
    return {status: (REFUSALS | CONFLICTS)[status] for status in statuses}
