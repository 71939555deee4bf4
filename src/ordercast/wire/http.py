"""HTTP on the port: uvicorn's protocol, with the bounds and deadlines that it lacks.

Requests for Engine.IO's path are served here, in the call that has parsed them; all others become ASGI's.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import re
import sys
import termios
import time
from typing import Any, cast
from urllib.parse import unquote_to_bytes

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ordercast.hub import Handshake, caller_of
from ordercast.telemetry import CONNECTIONS_REFUSED

from .engine import Engine
from .http_polling_request import HttpPollingRequest
from .polling import Polling
from .request_log import note_request
from .transport import EngineError
from .websocket_upgrade import UpgradeRequest, WebSocketUpgrade

log = logging.getLogger("ordercast.wire")

_TEXT = b"text/plain; charset=utf-8"
_REJECTIONS = {
    400: b"Bad Request",
    408: b"Request Timeout",
    421: b"Misdirected Request",  # RFC 9110 section 15.5.20
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
}


# Requests of one connection that wait for the one before them: each costs kilobytes and may be 18 bytes long, and what
# one read brings would be fourteen thousand. Browsers and proxies send none.
PIPELINED_MAX = 32


class PipelineFull(Exception):
    """Raised inside the parser too."""


class HeadTooLarge(Exception):
    """Raised inside the parser, which passes it on as the context of its own error."""


class HostRefused(Exception):
    """Raised inside the parser too, with the sentence that says why."""


class Http(HttpToolsProtocol):
    """One connection. `polling` and `engine` are bound by `make_server`."""

    def __init__(self, polling: Polling, engine: Engine, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._polling = polling
        self._engine = engine
        self._options = engine.options
        self._path = engine.options.path.rstrip("/").encode()
        self._peer: Any = (None, "http")
        """The peer's address and scheme; `client` and `scheme` are those of the request, which a proxy may forward."""
        self._counted_for: str | None = None
        """The caller of whom it is counted; see `HttpConnectionLimit`."""
        self._segment_bytes = 0
        self._head_bytes = 0
        """What had come of the head before this segment."""
        self._reading_head = False
        self._reading = True
        """A request is expected or under way. Between two of them uvicorn's keep-alive timer watches."""
        self._is_closing = False
        """Requests that have come are answered; nothing more is read."""
        self._began_s = 0.0
        self._deadline: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    # Transport callbacks

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._peer = (self.client, self.scheme)
        self._set_request_deadline()
        self._count()

    def data_received(self, data: bytes) -> None:
        if self._is_closing:
            return
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        self._segment_bytes = len(data)
        if data.find(b"pgrade:", 0, _OFFERS_WITHIN) > 0 and not self._in_body():
            data = _without_other_upgrades(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self._upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            self._malformed(error)
            return
        if self._reading_head:
            self._bound_head()
        if self._reading is (self._deadline is None):  # hardly ever: most requests come in one segment
            self._set_request_deadline()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_response()

    def connection_lost(self, exc: Exception | None) -> None:
        self._reading = False
        self._set_request_deadline()
        if self._stall is not None:
            self._stall.cancel()
        self._release()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # uvicorn leaves the timer, and so all of us, when the connection was reset
        # Each of them knows the other; without the collector's help neither would go.
        self.cycle = cast(Any, None)

    # Parser callbacks

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reading = self._reading_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._reading_head = False
        if self._head_bytes + self._segment_bytes > self._options.request_head_bytes_max:
            head_bytes = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if head_bytes > self._options.request_head_bytes_max:
                raise HeadTooLarge
        if len(self.headers) > self._options.request_headers_max:
            raise HeadTooLarge
        if len(self.pipeline) >= PIPELINED_MAX:
            raise PipelineFull
        refused = self._engine.hosts.refused(self.headers)
        if refused is not None:
            raise HostRefused(refused)
        self._find_client()
        path, query = path_and_query(self.url)
        if path.rstrip(b"/") == self._path and not (self.parser.should_upgrade() and self._should_upgrade()):
            self._serve(query)
            return
        super().on_headers_complete()
        if self._engine.is_draining:
            self._close_after_response()

    def _find_client(self) -> None:
        """Find the request's client; through a proxy, each request may be of another one."""
        client, scheme = self._peer
        peer = client[0] if client else ""
        address, forwarded_scheme = self._engine.forwarding.client(peer, self.headers)
        self.client = client if address == peer else (address, 0)
        self.scheme = cast(Any, forwarded_scheme or scheme)
        self.scope["client"], self.scope["scheme"] = self.client, forwarded_scheme or scheme
        # Whether its other headers may be believed as well.
        cast(Any, self.scope)["proxied"] = self._engine.forwarding.is_proxy(peer)

    def _close_after_response(self) -> None:
        """Add ``Connection: close`` to the response, so that nobody sends the next request to a node that
        goes: a proxy must not repeat a POST, and would have to answer 502.
        """
        cycle: Any = self.cycle
        if isinstance(cycle, RequestResponseCycle):
            cycle.default_headers = [*cycle.default_headers, (b"connection", b"close")]

    def on_message_complete(self) -> None:
        self._reading = False
        super().on_message_complete()

    # Engine.IO's requests

    def _serve(self, query: bytes) -> None:
        keep_alive = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        keep_alive = keep_alive and not self._engine.is_draining
        method = self.parser.get_method()
        note = note_request(self.scope, method, self._options.path)
        request = HttpPollingRequest(self, method, query, keep_alive=keep_alive, note=note)
        earlier: Any = self.cycle
        self.cycle = cast(Any, request)
        if earlier is None or earlier.response_complete:
            self._begin(request)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cast(Any, request), self.app))

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if isinstance(cycle, HttpPollingRequest):
            # Not at once: a long chain of piped requests would be as deep a chain of calls.
            self.loop.call_soon(self._begin, cycle)
        else:
            super()._start_asgi_task(cycle, app)

    def _begin(self, request: HttpPollingRequest) -> None:
        try:
            self._polling.serve(request)
        except Exception:  # noqa: BLE001 - answered and logged there
            request.fail()

    # The upgrade

    def _should_upgrade(self) -> bool:
        return self._get_upgrade() == b"websocket"

    def _upgrade(self, rest: bytes) -> None:
        """Turn the connection into a WebSocket; `rest` came behind the request."""
        self._reading = False
        self._set_request_deadline()
        self._release()
        self.connections.discard(self)
        # We shall not hear of the connection's end. The parser knows us, and the cycle too.
        method, self.parser, self.cycle = self.parser.get_method(), cast(Any, None), cast(Any, None)
        path, query = path_and_query(self.url)
        note = note_request(self.scope, method, self._options.path if path.rstrip(b"/") == self._path else "-")
        request = UpgradeRequest(method, path, self.handshake(self.headers, query), note)
        WebSocketUpgrade(self._engine, self.transport, self.connections).begin(request, rest)

    def handshake(self, raw_headers: list[tuple[bytes, bytes]], raw_query: bytes) -> Handshake:
        """The hub's view of a request of this connection."""
        address = self.client[0] if self.client else ""
        return Handshake(tuple(raw_headers), raw_query, address, secure=self.scheme == "https", time=time.time())

    # Bounds

    def _count(self) -> None:
        """Count the connection, or turn it away."""
        peer = self.client[0] if self.client else ""
        if self._engine.forwarding.is_proxy(peer):
            return
        caller = caller_of(peer)
        if self._engine.http_connections.acquire(caller):
            self._counted_for = caller
            return
        CONNECTIONS_REFUSED.labels("too_many_connections").inc()
        self._is_closing = True
        self._reject(429)

    def _release(self) -> None:
        caller, self._counted_for = self._counted_for, None
        if caller is not None:
            self._engine.http_connections.release(caller)

    def _bound_head(self) -> None:
        self._head_bytes += self._segment_bytes
        options = self._options
        if self._head_bytes > options.request_head_bytes_max or len(self.headers) > options.request_headers_max:
            self._reject(431)

    def _malformed(self, error: httptools.HttpParserError) -> None:
        cause = error.__context__
        if isinstance(cause, HeadTooLarge):
            self._reject(431)
            return
        if isinstance(cause, PipelineFull):
            self._end_pipeline()
            return
        if isinstance(cause, HostRefused):
            CONNECTIONS_REFUSED.labels("host").inc()
            self._reject(421, str(cause))
            return
        if cause is not None and not isinstance(cause, httptools.HttpParserError | UnicodeError):
            log.error("a request could not be served", exc_info=cause)
        self._reject(400)

    def _end_pipeline(self) -> None:
        """Answer the requests that have been taken, and end the connection with the last of them: its client repeats
        those that were not (RFC 9112 section 9.3.2).
        """
        self._is_closing = True
        self._reading = self._reading_head = False
        self._set_request_deadline()
        last: Any = self.cycle
        last.keep_alive = False
        self._close_after_response()

    def _reject(self, status: int, detail: str = "") -> None:
        """Respond with an error and close the connection: what follows may be out of step."""
        if self.transport.is_closing():
            return
        phrase = _REJECTIONS[status]
        if not detail:
            log.info("closing %s: %s", self.client and self.client[0], phrase.decode())
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete or not getattr(cycle, "response_started", False):
            self.transport.write(_rejection(status, detail))
        self.transport.close()
        self._watch_response()

    # Deadlines

    def _set_request_deadline(self) -> None:
        """Set the deadline of a request that is under way, or drop it when there is none."""
        if not self._reading:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
        elif self._deadline is None:
            self._began_s = self.loop.time()
            self._deadline = self.loop.call_later(self._options.request_head_timeout_s, self._request_due)

    def _request_due(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        left_s = self._began_s + self._options.request_timeout_s - self.loop.time()
        if self.flow.read_paused:  # it is we who let it wait
            self._deadline = self.loop.call_later(self._options.request_head_timeout_s, self._request_due)
        elif left_s > 0 and self._in_body():
            self._deadline = self.loop.call_later(left_s, self._request_due)
        elif self._in_body() or self._reading_head:
            self._reject(408)
        else:  # opened to be quick later, as browsers do, and never used
            self.transport.close()

    def _in_body(self) -> bool:
        return self._reading and not self._reading_head and self.cycle is not None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_response()

    def _watch_response(self) -> None:
        """Watch whether the client takes what was written; most have, before anybody can look."""
        if self._stall is None and self.transport.get_write_buffer_size():
            untaken = _untaken_bytes(self.transport)
            self._stall = self.loop.call_later(self._options.response_stall_s, self._stalled, untaken)

    def _stalled(self, untaken_before: int) -> None:
        self._stall = None
        if _untaken_bytes(self.transport) >= untaken_before and self.transport.get_write_buffer_size():
            log.info("cutting off %s, which does not read", self.client and self.client[0])
            self.transport.abort()
        else:
            self._watch_response()


def _rejection(status: int, detail: str) -> bytes:
    phrase = _REJECTIONS[status]
    kind, body = (b"application/problem+json", _problem(status, detail)) if detail else (_TEXT, phrase)
    head = b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n" % (status, phrase, kind, len(body))
    head += b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
    head += b"Retry-After: 10\r\n" if status == 429 else b""
    return head + b"Connection: close\r\n\r\n" + body


def _problem(status: int, detail: str) -> bytes:
    """RFC 9457, and Engine.IO's own members beside: it does not matter who asks."""
    title = _REJECTIONS[status].decode()
    members = {"type": "/problems/host-refused", "title": title, "status": status, "detail": detail}
    return msgspec.json.encode({**members, "code": EngineError.FORBIDDEN.code, "message": detail})


def _untaken_bytes(transport: asyncio.Transport) -> int:
    """What the client has not acknowledged: ours, and the kernel's, of which a slow client can take megabytes before
    the kernel asks for more.
    """
    queued = bytearray(4)
    with contextlib.suppress(OSError):
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, queued)
    return transport.get_write_buffer_size() + int.from_bytes(queued, sys.byteorder)


# Where such an offer stands in a head; no more is searched, because every request pays for it.
_OFFERS_WITHIN = 4_096
# An offer of another protocol than WebSocket: Java's own HTTP client offers HTTP/2 (``h2c``) on every request.
_OTHER_UPGRADE = re.compile(rb"\r\nupgrade:(?![ \t]*websocket[ \t]*\r\n)[^\r\n]*", re.IGNORECASE)


def _without_other_upgrades(data: bytes) -> bytes:
    """Leave such offers out of the head that begins here. We may ignore them (RFC 9110 section 7.8), but the parser
    ends the request with its head, and its body would be lost.
    """
    head_bytes = data.find(b"\r\n\r\n") + 2
    head = _OTHER_UPGRADE.sub(b"", data[:head_bytes] if head_bytes > 1 else data)
    return head + data[head_bytes:] if head_bytes > 1 else head


def path_and_query(target: bytes) -> tuple[bytes, bytes]:
    """Split a request target; one in an unusual form may be absolute, or have escapes in its path."""
    path, _, query = target.partition(b"?")
    if b"%" in path or path[:1] != b"/":
        path = unquote_to_bytes(httptools.parse_url(target).path or b"")
    return path, query
