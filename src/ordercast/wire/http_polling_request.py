"""A request for Engine.IO's path on uvicorn's connection: answered in the call that has parsed it, in one write."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.server import ServerState

from ordercast.hub import Handshake

from .origins import Headers
from .polling_request import PollingRequest, RequestListener
from .request_log import RequestNote

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


class HttpPollingRequest(PollingRequest):
    """Takes the place of uvicorn's ASGI cycle, with the attributes that uvicorn's protocol touches there.

    A cycle is a task, an event and two awaited sends for every poll; this is one object, answered in one write.
    """

    __slots__ = ("_http", "expects_continue", "keep_alive")

    def __init__(
        self,
        http: RequestConnection,
        method: bytes,
        raw_query: bytes,
        *,
        keep_alive: bool,
        note: RequestNote | None = None,
    ) -> None:
        super().__init__(method, raw_query, http.headers, note)
        self._http = http
        self.expects_continue = http.expect_100_continue
        self.keep_alive = keep_alive
        """What uvicorn's protocol reads and writes, as `body`, `more_body`, `disconnected` and `response_complete`."""

    @property
    def message_event(self) -> HttpPollingRequest:
        """uvicorn's protocol sets this event when a part of the body has come, the request is complete, or lost."""
        return self

    def handshake(self) -> Handshake:
        return self._http.handshake(self.raw_headers, self.raw_query)

    # Reading

    def read_body(self, listener: RequestListener) -> None:
        if self.expects_continue and self.more_body:
            self._http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        super().read_body(listener)

    def resume_reading(self) -> None:
        """uvicorn's protocol stops reading at 64 KiB of body, for a task to take them."""
        self._http.flow.resume_reading()

    # Responding

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
