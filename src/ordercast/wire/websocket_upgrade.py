"""The upgrade of an HTTP connection to WebSocket (RFC 6455 section 4.2), on the one port: from uvicorn to picows.

We build picows' protocol, which nothing of it documents (so its version is pinned, and `test_websocket_upgrade.py` goes
through every step), feed it the request, set it as the transport's protocol, and step aside.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, MutableSet
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from picows import WSAutoPingStrategy, WSListener, WSUpgradeResponse, WSUpgradeResponseWithListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]

from ordercast.hub import Handshake

from .deflate import DEFLATE_ACCEPTED, DeflatingTransport, accepts_deflate
from .engine import Engine, Query, parse_query
from .fair_queue import feed
from .hooks import added_headers
from .origins import Headers
from .request_log import RequestNote
from .session import Session
from .session_limits import Rejection
from .transport import EngineError
from .websocket import TextWebSocketTransport, WebSocketTransport

# picows reads at least this much at a time; a larger buffer would be paid for by every idle connection.
READ_BUFFER_BYTES = 2_048
# Section 11.3 of RFC 6455: what an opening handshake is made of. picows is given no more, because it keeps it.
_HANDSHAKE_HEADERS = (b"host", b"upgrade", b"sec-websocket-key", b"sec-websocket-version")
# The first of the subprotocols that a client offers: each is a token (RFC 6455 section 4.1).
_SUBPROTOCOL = re.compile(rb"[\s,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*(?:,|$)")

log = logging.getLogger("ordercast.wire")


class _PicowsLog(logging.LoggerAdapter[logging.Logger]):
    """What picows logs to: handed a Logger, it would make one more for every connection."""

    def error(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """What a client sent is not an error of ours: anybody could fill the log with it. What else picows logs so, an
        exception of the listener, is, and picows leaves out where it was raised.
        """
        if str(msg).startswith("WS parser error"):
            log.info("closing a WebSocket: %s", args[0][-1])
        else:
            super().error(msg, *args, exc_info=True, **kwargs)


_picows_log = _PicowsLog(logging.getLogger("picows.server"), {})


_NOBODY = asyncio.Protocol()


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """An opening handshake (RFC 6455 section 4.1), as HTTP has read it."""

    method: bytes
    path: bytes
    handshake: Handshake
    note: RequestNote | None


class WebSocketUpgrade(asyncio.Protocol):
    """The connection's protocol between HTTP and WebSocket, while `allow_request` decides."""

    def __init__(self, engine: Engine, transport: asyncio.Transport, connections: MutableSet[Any]) -> None:
        self._engine = engine
        self._transport = transport
        self._connections = connections
        """uvicorn's register of whom to shut down."""
        self._rest = b""
        """What came behind the request."""
        self._note: RequestNote | None = None
        self._decided = False
        self._waited = False

    def begin(self, request: UpgradeRequest, rest: bytes) -> None:
        """Take over from HTTP; `rest` came behind the request."""
        handshake = request.handshake
        self._rest = rest
        self._note = request.note
        headers = dict(handshake.raw_headers)
        query = parse_query(handshake.raw_query)
        rejection = self._check(request.method, request.path, query, headers)
        if rejection is not None:
            self._reject(handshake, *rejection)
            return
        minimal = _minimal_request(b"?".join((request.path, handshake.raw_query)), headers)
        sid = query.get("sid")
        if sid:
            self._upgrade(minimal, handshake, self._engine.find(sid))
            return

        def on_decision(rejection: Rejection | None) -> None:
            self._decided = True
            if self._transport.is_closing():
                return
            if rejection is not None:
                self._reject(handshake, *rejection)
            else:
                self._upgrade(minimal, handshake, None)

        self._engine.session_limits.check(handshake, on_decision)
        if not self._decided:
            self._wait()

    def _wait(self) -> None:
        """Wait for `allow_request`. Nothing is read meanwhile, so that nothing piles up."""
        self._waited = True
        self._transport.pause_reading()
        self._transport.set_protocol(self)
        self._connections.add(self)

    # Callbacks of the transport, and of uvicorn when the server stops

    def data_received(self, data: bytes) -> None:
        self._rest += data

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._connections.discard(self)

    def shutdown(self) -> None:
        """The engine stops too, and lets us answer."""

    # Steps

    def _check(self, method: bytes, path: bytes, query: Query, headers: dict[bytes, bytes]) -> Rejection | None:
        if method != b"GET":
            return Rejection(EngineError.BAD_REQUEST)  # RFC 6455 section 4.2.1
        if path.decode("latin-1").rstrip("/") != self._engine.options.path.rstrip("/"):
            return Rejection(EngineError.FORBIDDEN)  # outside Socket.IO's path there are no WebSockets
        return self._engine.check(b"GET", query, headers, "websocket")

    def _upgrade(self, request: bytes, handshake: Handshake, session: Session | None) -> None:
        self._connections.discard(self)
        options = self._engine.options
        added = added_headers(options, handshake, initial=session is None) + _subprotocol(handshake.raw_headers)
        kind: type[WebSocketTransport] = WebSocketTransport
        if "b64" in parse_query(handshake.raw_query):
            kind = TextWebSocketTransport
        elif options.permessage_deflate and accepts_deflate(handshake.raw_headers):
            kind = DeflatingTransport
            added.append(DEFLATE_ACCEPTED)
        listener = kind(self._engine, handshake, session, self._connections)
        if self._note is not None:
            added.append(self._note.header)
        picows = _picows_protocol(_opening(listener, added), options.message_bytes_max)
        picows.connection_made(self._transport)
        feed(picows, request)
        if self._note is not None:
            self._note.write(101 if listener in self._connections else 400)
        # uvloop keeps the `data_received` of the last protocol that had one: without this, all of uvicorn's.
        self._transport.set_protocol(_NOBODY)
        self._transport.set_protocol(picows)
        if self._waited:
            self._transport.resume_reading()
        if self._rest and not self._transport.is_closing():
            feed(picows, self._rest)

    def _reject(self, handshake: Handshake, error: EngineError, message: str | None = None) -> None:
        self._engine.emit_connection_error(handshake, error, message)
        if self._note is not None:
            self._note.write(error.status)
        self._transport.write(_rejection(error, message))
        self._transport.close()


def _opening(listener: WSListener, headers: Headers) -> Callable[[Any], Any]:
    """What picows calls for each handshake: it answers 101, with `headers` too."""
    if not headers:
        return lambda _request: listener
    added = [(name.decode("ascii"), value.decode("latin-1")) for name, value in headers]
    return lambda _request: WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(added), listener)


def _subprotocol(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Answer an offer of subprotocols (`protocols`) with the first, as the reference does: clients hang up if not."""
    offered = b",".join(value for name, value in headers if name == b"sec-websocket-protocol")
    first = _SUBPROTOCOL.match(offered)
    return [] if first is None else [(b"sec-websocket-protocol", first[1])]


def _picows_protocol(factory: Callable[[Any], Any], message_bytes_max: int) -> WSProtocol:
    """Build picows' protocol as its own `ws_create_server` does; the arguments have no names."""
    return WSProtocol(
        None,  # host and port: a client's
        None,  # path: a client's
        False,  # is a client
        factory,
        _picows_log,
        True,  # disconnect when the listener raises
        None,  # handshake timeout: the request is already here
        False,  # automatic pings: Engine.IO has its own
        20.0,
        20.0,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        False,  # automatic pongs: the listener bounds them
        message_bytes_max,  # of one frame; the listener bounds the whole message
        None,  # extra headers
        READ_BUFFER_BYTES,
    )


def _minimal_request(target: bytes, headers: dict[bytes, bytes]) -> bytes:
    """The request as picows takes it: it refuses Firefox's ``Connection: keep-alive, Upgrade``."""
    lines = [b"GET %b HTTP/1.1" % target, b"Connection: Upgrade"]
    lines += [b"%b: %b" % (name, headers[name]) for name in _HANDSHAKE_HEADERS if name in headers]
    return b"\r\n".join([*lines, b"", b""])


def _rejection(error: EngineError, message: str | None) -> bytes:
    phrase, body = HTTPStatus(error.status).phrase, error.body(message)
    retry_after = "" if error.retry_after_s is None else f"Retry-After: {error.retry_after_s}\r\n"
    head = (
        f"HTTP/1.1 {error.status} {phrase}\r\nContent-Type: application/json\r\n"
        f"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        f"Content-Length: {len(body)}\r\n{retry_after}Connection: close\r\n\r\n"
    )
    return head.encode() + body
