"""From HTTP to picows: a connection that asks to become a WebSocket changes hands, on the one port.

We build picows' protocol, which nothing of it documents (so its version is pinned, and `tests/wire/test_handover.py`
goes through every step), feed it the request, set it as the transport's protocol, and step aside.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterable, MutableSet
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from picows import WSAutoPingStrategy, WSListener, WSUpgradeResponse, WSUpgradeResponseWithListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]

from ordercast.hub import Handshake

from .admission import Refused
from .deflate import DEFLATE_ACCEPTED, DeflatingTransport, accepts_deflate
from .engine import Engine, Query, parse_query
from .fairness import feed
from .hooks import added_headers
from .origins import Headers
from .request_log import RequestNote
from .session import Session
from .transport import Refusal
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
    """A request that asks to become a WebSocket, as HTTP has read it."""

    method: bytes
    target: bytes
    headers: Headers
    address: str
    secure: bool
    note: RequestNote | None


class WebSocketHandover(asyncio.Protocol):
    """Holds a connection between HTTP and WebSocket: for as long as the program is asked whether it may be opened."""

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
        """Take over from HTTP, with what came behind the request."""
        method, target, headers = request.method, request.target, request.headers
        self._rest = rest
        self._note = request.note
        path, _, raw_query = target.partition(b"?")
        lookup = dict(headers)
        query = parse_query(raw_query)
        handshake = Handshake(tuple(headers), raw_query, request.address, request.secure, time.time())
        refused = self._check(method, path, query, lookup)
        if refused is not None:
            self._refuse(handshake, *refused)
            return
        minimal = _minimal_request(target, lookup)
        sid = query.get("sid")
        if sid:
            self._change_hands(minimal, handshake, self._engine.find(sid))
            return

        def admitted(refused: Refused | None) -> None:
            self._decided = True
            if self._transport.is_closing():
                return
            if refused is not None:
                self._refuse(handshake, *refused)
            else:
                self._change_hands(minimal, handshake, None)

        self._engine.admission.ask(handshake, admitted)
        if not self._decided:
            self._wait()

    def _wait(self) -> None:
        """The program takes its time. Nothing is read meanwhile, so that nothing piles up."""
        self._waited = True
        self._transport.pause_reading()
        self._transport.set_protocol(self)
        self._connections.add(self)

    # Told by the transport, and by uvicorn when the server stops

    def data_received(self, data: bytes) -> None:
        self._rest += data

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._connections.discard(self)

    def shutdown(self) -> None:
        """The engine stops too, and lets us answer."""

    # Steps

    def _check(self, method: bytes, path: bytes, query: Query, headers: dict[bytes, bytes]) -> Refused | None:
        if method != b"GET":
            return Refusal.BAD_REQUEST, None  # RFC 6455 section 4.2.1
        if path.decode("latin-1").rstrip("/") != self._engine.options.path.rstrip("/"):
            return Refusal.FORBIDDEN, None  # outside Socket.IO's path there are no WebSockets
        return self._engine.check(b"GET", query, headers, "websocket")

    def _change_hands(self, request: bytes, handshake: Handshake, session: Session | None) -> None:
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

    def _refuse(self, handshake: Handshake, refusal: Refusal, message: str | None = None) -> None:
        self._engine.tell_refused(handshake, refusal, message)
        if self._note is not None:
            self._note.write(refusal.status)
        self._transport.write(_refusal(refusal, message))
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


def _refusal(refusal: Refusal, message: str | None) -> bytes:
    phrase, body = HTTPStatus(refusal.status).phrase, refusal.body(message)
    retry_after = "" if refusal.retry_after_s is None else f"Retry-After: {refusal.retry_after_s}\r\n"
    head = (
        f"HTTP/1.1 {refusal.status} {phrase}\r\nContent-Type: application/json\r\n"
        f"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        f"Content-Length: {len(body)}\r\n{retry_after}Connection: close\r\n\r\n"
    )
    return head.encode() + body
