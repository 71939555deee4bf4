"""The polling transport: a GET is held until there is something to send, a POST brings the client's packets.

Source: the Engine.IO protocol, revision 4, section "HTTP long-polling".
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from ordercast.hub import DisconnectReason, Handshake
from ordercast.protocol.engineio import Packet, parse_payload, serialize_payload
from ordercast.protocol.errors import MalformedPacket
from ordercast.protocol.message import CLOSE, NOOP, Message

from .compression import accepted_encoding, compress
from .engine import Engine, parse_query
from .fair_queue import SLICE_PACKETS
from .hooks import added_headers
from .origins import Headers
from .polling_request import PollingRequest
from .session import Session
from .session_limits import Rejection
from .transport import EngineError

# Of a backlog, what one poll is answered with: it is copied three times on its way, a third longer where it is binary.
POLL_BYTES_MAX = 1_000_000


class PollingTransport:
    """A `Transport` over polls; between two of them the session is blocked."""

    __slots__ = ("_polling", "held", "name", "posting", "session")
    part_bytes = POLL_BYTES_MAX

    def __init__(self, polling: Polling) -> None:
        self.name = "polling"
        self.session: Session | None = None
        """None once it has ended; each refers to the other, and without the collector's help neither would go."""
        self.held: PollingRequest | None = None
        """The poll that waits for an answer; at most one, so that held polls are bounded as sessions are."""
        self.posting: PollingRequest | None = None
        self._polling = polling

    # Called by the session; see `Transport`

    def write(self, messages: Sequence[Message]) -> None:
        held, self.held = self.held, None
        if self.session is not None:
            self.session.blocked = True
        if held is not None:
            self._polling.answer(held, messages)

    def release(self) -> None:
        if self.held is not None:
            self.write([NOOP])

    def close(self, messages: Sequence[Message]) -> bool:
        holds = self.held is not None
        if holds:
            self.write([*messages, CLOSE])
        self.session = None
        return holds

    # Called by its requests

    def request_changed(self, request: PollingRequest) -> None:
        if request is self.posting:
            self._polling.read_post(self, request)
        elif request is self.held and request.disconnected:
            self.held = None
            session, self.session = self.session, None
            if session is not None:
                session.transport_lost(self, DisconnectReason.TRANSPORT_CLOSE)


class Polling:
    """Serves the requests for Engine.IO's path, synchronously."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._options = engine.options
        self._origins = self._options.origins
        self._adds_headers = self._options.headers is not None
        self._compresses = self._options.http_compression

    def serve(self, request: PollingRequest) -> None:
        """Serve a request whose head is complete. Raises what a hook or handler of the program raises."""
        request.origins = self._origins
        if request.method == b"OPTIONS":
            self._engine.refused_origin(request.headers)  # logged; a browser shows no body of this answer
            request.preflight()
            return
        query = parse_query(request.raw_query)
        rejection = self._engine.check(request.method, query, request.headers, "polling")
        if rejection is not None:
            self._reject(request, *rejection)
            return
        sid = query.get("sid", "")
        if not sid:
            self._open(request)
            return
        session = self._engine.find(sid)
        if session is None:
            messages = self._engine.take_pending_close(sid) or (CLOSE,)
            request.text(serialize_payload(message.payload for message in messages))
        else:
            self._serve_session(request, session)

    def _serve_session(self, request: PollingRequest, session: Session) -> None:
        transport = session.transport
        if self._adds_headers:
            request.response_headers = added_headers(self._options, session.handshake, initial=False)
        if not isinstance(transport, PollingTransport):
            request.reject(EngineError.BAD_REQUEST)
        elif request.method == b"GET":
            self._poll(request, session, transport)
        elif request.method == b"POST":
            self._post(request, session, transport)
        else:
            request.reject(EngineError.BAD_REQUEST)

    def answer(self, request: PollingRequest, messages: Sequence[Message]) -> None:
        """Answer a poll."""
        body = messages[0].payload if len(messages) == 1 else serialize_payload(m.payload for m in messages)
        encoding = b""
        if self._compresses and len(body) >= self._options.compression_bytes_min and any(m.compress for m in messages):
            encoding = accepted_encoding(request.headers.get(b"accept-encoding", b""))
            request.response_headers.append((b"vary", b"Accept-Encoding"))
        request.text(compress(body, encoding) if encoding else body, encoding)

    def _reject(self, request: PollingRequest, error: EngineError, message: str | None = None) -> None:
        self._engine.emit_connection_error(request.handshake(), error, message)
        request.reject(error, message)

    # The first GET

    def _open(self, request: PollingRequest) -> None:
        handshake = request.handshake()

        def on_decision(rejection: Rejection | None) -> None:
            if rejection is not None:
                self._reject(request, *rejection)
            elif not request.disconnected:  # else nobody would ever poll it
                self._begin(request, handshake)

        self._engine.session_limits.check(handshake, on_decision)

    def _begin(self, request: PollingRequest, handshake: Handshake) -> None:
        transport = PollingTransport(self)
        session = transport.session = self._engine.open(handshake, transport, blocked=True)
        request.response_headers = self._initial_headers(session)
        self._poll(request, session, transport)

    def _initial_headers(self, session: Session) -> Headers:
        headers = added_headers(self._options, session.handshake, initial=True)
        if self._options.cookie is not None:
            headers.append((b"set-cookie", self._options.cookie.serialize(session.sid).encode("latin-1")))
        return headers

    # GET

    def _poll(self, request: PollingRequest, session: Session, transport: PollingTransport) -> None:
        if transport.held is not None:
            # Section "HTTP long-polling": two GETs at once are a client out of step; the session ends.
            session.close(DisconnectReason.TRANSPORT_ERROR)
            request.reject(EngineError.BAD_REQUEST)
            return
        transport.held = request
        request.listener = transport
        session.unblock()

    # POST

    def _post(self, request: PollingRequest, session: Session, transport: PollingTransport) -> None:
        if request.headers.get(b"content-type", b"").startswith(b"application/octet-stream"):
            request.reject(EngineError.BAD_REQUEST)
        elif transport.posting is not None:
            # Two POSTs at once have no order, and order is what is promised.
            session.close(DisconnectReason.TRANSPORT_ERROR)
            request.reject(EngineError.BAD_REQUEST)
        elif _announced_bytes(request) > self._options.message_bytes_max:
            request.reject(EngineError.TOO_LARGE)
        else:
            transport.posting = request
            request.read_body(transport)

    def read_post(self, transport: PollingTransport, request: PollingRequest) -> None:
        """Handle what has come of a POST, or that no more will come."""
        session = transport.session
        if session is None:
            transport.posting = None
            request.reject(EngineError.SESSION_UNKNOWN)
        elif request.disconnected:
            transport.posting = None
            session.close(DisconnectReason.TRANSPORT_ERROR)
        elif len(request.body) > self._options.message_bytes_max:
            transport.posting = None
            request.reject(EngineError.TOO_LARGE)
        elif request.more_body:
            request.resume_reading()
        else:
            step = functools.partial(self._receive, transport, request, session, parse_payload(bytes(request.body)))
            if step():
                self._engine.fair_queue.add(step)

    def _receive(
        self, transport: PollingTransport, request: PollingRequest, session: Session, packets: Iterator[Packet]
    ) -> bool:
        """Handle some packets of a POST, and answer it after the last; True if there are more."""
        if transport.posting is not request:
            return False  # the client hung up meanwhile
        try:
            for count, packet in enumerate(packets, start=1):
                session.receive(packet)
                if count == SLICE_PACKETS:
                    return True
        except MalformedPacket as error:
            transport.posting = None
            session.malformed(error)
            request.reject(EngineError.BAD_REQUEST)
        else:
            transport.posting = None  # first: the answer may let the next request of a pipeline in
            request.text(b"ok")
        return False


def _announced_bytes(request: PollingRequest) -> int:
    announced = request.headers.get(b"content-length", b"0")
    return int(announced) if announced.isdigit() else 0
