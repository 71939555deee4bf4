"""One HTTP request for Engine.IO's path, and its response."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.server import ServerState

from ordercast.hub import Handshake

from .origins import Headers, cors_headers, preflight_headers
from .request_log import RequestNote
from .transport import EngineError

log = logging.getLogger("ordercast.wire")

_TEXT = b"text/plain; charset=UTF-8"
_JSON = b"application/json"
_HEADS = {
    status: b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())
    for status in (200, 204, 400, 403, 413, 429, 500, 503)
}


class RequestConnection(Protocol):
    """What a request needs of the HTTP connection on which it came; see ``http.Http``."""

    headers: list[tuple[bytes, bytes]]
    expect_100_continue: bool
    transport: asyncio.Transport
    flow: FlowControl
    server_state: ServerState

    def handshake(self, raw_headers: list[tuple[bytes, bytes]], raw_query: bytes) -> Handshake:
        """The hub's view of a request on it."""
        ...

    def on_response_complete(self) -> None:
        """Go on with the next request."""
        ...


class RequestListener(Protocol):
    """Notified of the rest of a request, and of its end."""

    def request_changed(self, request: PollingRequest) -> None:
        """More of the body has come (`body`, `more_body`), or the client is gone (`disconnected`)."""
        ...


class PollingRequest:
    """Takes the place of uvicorn's ASGI cycle, with the attributes that uvicorn's protocol touches there.

    A cycle is a task, an event and two awaited sends for every poll; this is one object, answered in one write.
    """

    __slots__ = (
        "_http",
        "body",
        "disconnected",
        "expects_continue",
        "headers",
        "keep_alive",
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
        self,
        http: RequestConnection,
        method: bytes,
        raw_query: bytes,
        *,
        keep_alive: bool,
        note: RequestNote | None = None,
    ) -> None:
        self._http = http
        self.note = note
        self.method = method
        self.raw_query = raw_query
        self.raw_headers: list[tuple[bytes, bytes]] = http.headers
        """Names in lower case."""
        self.headers = dict(self.raw_headers)
        self.expects_continue = http.expect_100_continue
        self.origins: Sequence[str] = ()
        self.response_headers: Headers = []
        """What the program adds to the response."""
        self.listener: RequestListener | None = None
        # What uvicorn's protocol reads and writes.
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.more_body = True
        self.disconnected = False
        self.response_complete = False

    def __repr__(self) -> str:
        return f"<PollingRequest {self.method.decode()} {'answered' if self.response_complete else 'open'}>"

    @property
    def message_event(self) -> PollingRequest:
        """uvicorn's protocol sets this event when a part of the body has come, the request is complete, or lost."""
        return self

    def set(self) -> None:
        listener = self.listener
        if listener is None:
            return
        try:
            listener.request_changed(self)
        except Exception:  # noqa: BLE001 - answered and logged there
            self.fail()

    def handshake(self) -> Handshake:
        """The hub's view of it, should it open a session."""
        return self._http.handshake(self.raw_headers, self.raw_query)

    # Reading

    def read_body(self, listener: RequestListener) -> None:
        """Notify `listener` of what of the body is there, and of each part to come."""
        if self.expects_continue and self.more_body:
            self._http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.listener = listener
        self.set()

    def resume_reading(self) -> None:
        """uvicorn's protocol stops reading at 64 KiB of body, for a task to take them."""
        self._http.flow.resume_reading()

    # Responding

    def text(self, body: bytes, encoding: bytes = b"") -> None:
        headers = self.response_headers
        if encoding:
            headers = [*headers, (b"content-encoding", encoding)]
        self._respond(200, _TEXT, body, headers)

    def reject(self, error: EngineError, message: str | None = None) -> None:
        retry_after_s = error.retry_after_s
        headers = [] if retry_after_s is None else [(b"retry-after", b"%d" % retry_after_s)]
        self._respond(error.status, _JSON, error.body(message), headers)

    def preflight(self) -> None:
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
        self.response_complete = True
        self.listener = None
        transport: asyncio.Transport = self._http.transport
        if transport.is_closing():
            return
        note = self.note
        if note is not None:
            note.write(status)
            headers = [*headers, note.header]
        lines = [b"%b: %b\r\n" % header for header in (*self._http.server_state.default_headers, *headers)]
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        transport.write(b"".join((_HEADS[status], *lines, b"\r\n", body)))
        if not self.keep_alive:
            transport.close()
        self._http.on_response_complete()
