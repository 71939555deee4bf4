"""One HTTP request for Engine.IO's path, and its response; how it is read and written is its subclass's."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from ordercast.hub import Handshake

from .origins import Headers, cors_headers, preflight_headers
from .request_log import RequestNote
from .transport import EngineError

log = logging.getLogger("ordercast.wire")

_TEXT = b"text/plain; charset=UTF-8"
_JSON = b"application/json"


class RequestListener(Protocol):
    """Notified of the rest of a request, and of its end."""

    def request_changed(self, request: PollingRequest) -> None:
        """More of the body has come (`body`, `more_body`), or the client is gone (`disconnected`)."""
        ...


class PollingRequest:
    """A request and its answer, on any HTTP connection; see ``http_polling_request`` and ``asgi_polling``."""

    __slots__ = (
        "body",
        "disconnected",
        "headers",
        "listener",
        "method",
        "more_body",
        "note",
        "origins",
        "raw_headers",
        "raw_query",
        "response_complete",
        "response_headers",
    )

    def __init__(
        self, method: bytes, raw_query: bytes, raw_headers: list[tuple[bytes, bytes]], note: RequestNote | None = None
    ) -> None:
        self.note = note
        self.method = method
        self.raw_query = raw_query
        self.raw_headers = raw_headers
        """Names in lower case."""
        self.headers = dict(raw_headers)
        self.origins: Sequence[str] = ()
        self.response_headers: Headers = []
        """What the program adds to the response."""
        self.listener: RequestListener | None = None
        self.body = bytearray()
        """What has come of it."""
        self.more_body = True
        self.disconnected = False
        self.response_complete = False

    def __repr__(self) -> str:
        return f"<PollingRequest {self.method.decode()} {'answered' if self.response_complete else 'open'}>"

    def set(self) -> None:
        """Notify its listener that a part of the body has come, the request is complete, or lost."""
        listener = self.listener
        if listener is None:
            return
        try:
            listener.request_changed(self)
        except Exception:  # noqa: BLE001 - answered and logged there
            self.fail()

    def handshake(self) -> Handshake:
        """The hub's view of it, should it open a session."""
        raise NotImplementedError

    # Reading

    def read_body(self, listener: RequestListener) -> None:
        """Notify `listener` of what of the body is there, and of each part to come."""
        self.listener = listener
        self.set()

    def resume_reading(self) -> None:
        """Go on with the body, where its connection has stopped for it."""

    # Responding

    def text(self, body: bytes, encoding: bytes = b"") -> None:
        """Respond with 200 and Engine.IO packets; `encoding` is how `body` is compressed, such as ``gzip``."""
        headers = self.response_headers
        if encoding:
            headers = [*headers, (b"content-encoding", encoding)]
        self._respond(200, _TEXT, body, headers)

    def reject(self, error: EngineError, message: str | None = None) -> None:
        """Respond with the error's status, and its code as JSON; `message` replaces its sentence."""
        retry_after_s = error.retry_after_s
        headers = [] if retry_after_s is None else [(b"retry-after", b"%d" % retry_after_s)]
        self._respond(error.status, _JSON, error.body(message), headers)

    def preflight(self) -> None:
        """Respond to a browser's question (CORS) whether a page of another origin may ask: 204."""
        requested = self.headers.get(b"access-control-request-headers", b"")
        origin, host = self.headers.get(b"origin", b""), self.headers.get(b"host", b"")
        self._write(204, preflight_headers(origin, host, requested, self.origins), b"")

    def fail(self) -> None:
        """Respond with 500 for the exception that is being handled, and log it."""
        log.exception("a request could not be served")
        if not self.response_complete:
            self._respond(500, _TEXT, b"Internal Server Error", [])

    def _respond(self, status: int, content_type: bytes, body: bytes, headers: Headers) -> None:
        own: Headers = [
            (b"content-type", content_type),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        origin = self.headers.get(b"origin")
        if origin:
            own += cors_headers(origin, self.headers.get(b"host", b""), self.origins)
        self._write(status, own + headers, b"" if self.method == b"HEAD" else body)

    def _write(self, status: int, headers: Headers, body: bytes) -> None:
        """Write the response; called once. Notes its status, and adds the note's header."""
        raise NotImplementedError
