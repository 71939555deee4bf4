"""From uvicorn to picows: a connection that asks to become a WebSocket changes hands, on the one port.

uvicorn makes one of these for each upgrade request (its ``ws=`` option), hands it the transport and the request, and
then sets it as the transport's protocol. We build picows' protocol, which nothing of it documents (so its version is
pinned, and `tests/wire/test_handover.py` goes through every step), feed it the request, and step aside.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from http import HTTPStatus
from typing import Any, cast

from picows import WSAutoPingStrategy, WSListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ordercast.hub import Handshake

from .engine import Engine, Query, parse_query
from .transport import Refusal
from .websocket import WebSocketTransport

# picows reads at least this much at a time; a larger buffer would be paid for by every idle connection.
READ_BUFFER_BYTES = 2_048
# Counted by segments, of which one may bring 256 KiB, mostly the body before; browsers send some kilobytes.
HEAD_BYTES_MAX = 512 * 1024
# Section 11.3 of RFC 6455: what an opening handshake is made of. picows is given no more, because it keeps it.
_HANDSHAKE_HEADERS = (b"host", b"upgrade", b"sec-websocket-key", b"sec-websocket-version")

log = logging.getLogger("ordercast.wire")


class UpgradingHttp(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with a bound on the head of a request, which it lacks.

    It also passes on what came in the same segment behind an upgrade request.
    """

    _head_bytes = -1
    """What has come of a head that is not complete yet; negative outside of one."""

    def data_received(self, data: bytes) -> None:
        self._segment = data
        super().data_received(data)
        self._segment = b""
        if self._head_bytes >= 0 and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self.send_400_response("Request head too large.")

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_bytes = -1
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        # Called while the parser's exception is being handled; it carries the length of what was parsed.
        upgrade = sys.exception()
        super().handle_websocket_upgrade()
        assert upgrade is not None
        rest = self._segment[upgrade.args[0] :]
        if rest and not self.transport.is_closing():
            cast(asyncio.Protocol, self.transport.get_protocol()).data_received(rest)


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


class WebSocketHandover(asyncio.Protocol):
    """uvicorn's idea of a WebSocket protocol; `engine` is bound by `serve`."""

    def __init__(self, engine: Engine, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        del config, app_state
        self._engine = engine
        self._connections: set[Any] = server_state.connections
        self._transport: asyncio.Transport | None = None
        self._picows: WSProtocol | None = None

    # Told by uvicorn

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """First the request, as uvicorn puts it together again; then whatever arrives before we have stepped aside."""
        if self._picows is not None:
            _feed(self._picows, data)
        elif self._transport is not None:
            self._begin(self._transport, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Only when the connection ends before the swap: after it, picows is told."""
        self._transport = None
        if self._picows is not None:
            self._picows.connection_lost(exc)

    # Steps

    def _begin(self, transport: asyncio.Transport, request: bytes) -> None:
        method, target, headers = _parse_request(request)
        path, _, raw_query = target.partition(b"?")
        lookup = dict(headers)
        query = parse_query(raw_query)
        refusal = self._check(method, path, query, lookup)
        if refusal is not None:
            _refuse(transport, refusal)
            return
        sid = query.get("sid", [""])[-1]
        listener = WebSocketTransport(
            self._engine,
            _handshake(transport, headers, raw_query),
            self._engine.find(sid) if sid else None,
            self._connections,
        )
        self._picows = _picows_protocol(listener, self._engine.options.message_bytes_max)
        self._picows.connection_made(transport)
        _feed(self._picows, _minimal_request(target, lookup))
        # uvicorn sets *us* as protocol right after this call, so the swap waits for the next turn of the loop.
        asyncio.get_running_loop().call_soon(self._step_aside)

    def _check(self, method: bytes, path: bytes, query: Query, headers: dict[bytes, bytes]) -> Refusal | None:
        if method != b"GET":
            return Refusal.BAD_REQUEST  # RFC 6455 section 4.2.1
        if path.decode("latin-1").rstrip("/") != self._engine.options.path.rstrip("/"):
            return Refusal.FORBIDDEN  # outside Socket.IO's path there are no WebSockets
        return self._engine.check(b"GET", query, headers, "websocket")

    def _step_aside(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.set_protocol(cast(asyncio.BaseProtocol, self._picows))


def _picows_protocol(listener: WSListener, message_bytes_max: int) -> WSProtocol:
    """Build picows' protocol as its own `ws_create_server` does; the arguments have no names."""
    return WSProtocol(
        None,  # host and port: a client's
        None,  # path: a client's
        False,  # is a client
        lambda _request: listener,
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


def _feed(protocol: WSProtocol, data: bytes) -> None:
    """Give data to a buffered protocol, piece by piece as its buffer allows."""
    rest = memoryview(data)
    while rest:
        buffer = protocol.get_buffer(len(rest))
        length = min(len(buffer), len(rest))
        buffer[:length] = rest[:length]
        protocol.buffer_updated(length)
        rest = rest[length:]


def _parse_request(request: bytes) -> tuple[bytes, bytes, list[tuple[bytes, bytes]]]:
    """Split the request that uvicorn has joined again: its method, target, and headers with lower-case names."""
    lines = request.split(b"\r\n")
    method, target, _ = lines[0].split(b" ")
    headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines[1:]) if name]
    return method, target, headers


def _minimal_request(target: bytes, headers: dict[bytes, bytes]) -> bytes:
    """The request as picows takes it: it refuses Firefox's ``Connection: keep-alive, Upgrade``."""
    lines = [b"GET %b HTTP/1.1" % target, b"Connection: Upgrade"]
    lines += [b"%b: %b" % (name, headers[name]) for name in _HANDSHAKE_HEADERS if name in headers]
    return b"\r\n".join([*lines, b"", b""])


def _handshake(transport: asyncio.Transport, headers: list[tuple[bytes, bytes]], raw_query: bytes) -> Handshake:
    peer = transport.get_extra_info("peername")
    secure = transport.get_extra_info("sslcontext") is not None
    return Handshake(tuple(headers), raw_query, peer[0] if peer else "", secure, time.time())


def _refuse(transport: asyncio.Transport, refusal: Refusal) -> None:
    phrase = HTTPStatus(refusal.status).phrase
    head = (
        f"HTTP/1.1 {refusal.status} {phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(refusal.body)}\r\nConnection: close\r\n\r\n"
    )
    transport.write(head.encode() + refusal.body)
    transport.close()
