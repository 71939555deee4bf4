"""HTTP long polling: a GET is held until there is something to say, a POST brings what the client says.

Source: the Engine.IO protocol, revision 4, section "HTTP long-polling".
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence

from ordercast.hub import DisconnectReason, Handshake
from ordercast.protocol.engineio import Packet, parse_payload, serialize_payload
from ordercast.protocol.errors import MalformedPacket
from ordercast.protocol.message import CLOSE, NOOP, Message

from .admission import Refused
from .compression import accepted_encoding, compress
from .engine import Engine, parse_query
from .exchange import Exchange
from .fairness import SLICE_PACKETS
from .hooks import added_headers
from .origins import Headers
from .session import Session
from .transport import Refusal

# Of a backlog, what one poll is answered with: it is copied three times on its way, a third longer where it is binary.
POLL_BYTES_MAX = 1_000_000


class PollingTransport:
    """Carries a session from poll to poll; between two of them the session is blocked."""

    __slots__ = ("_polling", "held", "name", "posting", "session")
    part_bytes = POLL_BYTES_MAX

    def __init__(self, polling: Polling) -> None:
        self.name = "polling"
        self.session: Session | None = None
        """Until it ends; each knows the other, and without the collector's help neither would go."""
        self.held: Exchange | None = None
        """The poll that waits for an answer; at most one, so that held polls are bounded as sessions are."""
        self.posting: Exchange | None = None
        self._polling = polling

    # What the session asks for

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

    # What the requests tell

    def request_changed(self, exchange: Exchange) -> None:
        if exchange is self.posting:
            self._polling.read_post(self, exchange)
        elif exchange is self.held and exchange.disconnected:
            self.held = None
            session, self.session = self.session, None
            if session is not None:
                session.transport_lost(self, DisconnectReason.TRANSPORT_CLOSE)


class Polling:
    """Serves the requests for Engine.IO's path, each within the call that brings it; nothing here waits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._options = engine.options
        self._origins = self._options.origins
        self._adds_headers = self._options.headers is not None
        self._compresses = self._options.http_compression

    def serve(self, exchange: Exchange) -> None:
        """Take a request whose head is complete."""
        exchange.origins = self._origins
        if exchange.method == b"OPTIONS":
            self._engine.refused_origin(exchange.headers)  # logged; a browser shows no body of this answer
            exchange.preflight()
            return
        query = parse_query(exchange.raw_query)
        refused = self._engine.check(exchange.method, query, exchange.headers, "polling")
        if refused is not None:
            self._refuse(exchange, *refused)
            return
        sid = query.get("sid", "")
        if not sid:
            self._open(exchange)
            return
        session = self._engine.find(sid)
        if session is None:
            messages = self._engine.take_last_words(sid) or (CLOSE,)
            exchange.text(serialize_payload(message.payload for message in messages))
        else:
            self._serve_session(exchange, session)

    def _serve_session(self, exchange: Exchange, session: Session) -> None:
        transport = session.transport
        if self._adds_headers:
            exchange.response_headers = added_headers(self._options, session.handshake, initial=False)
        if not isinstance(transport, PollingTransport):
            exchange.refuse(Refusal.BAD_REQUEST)
        elif exchange.method == b"GET":
            self._poll(exchange, session, transport)
        elif exchange.method == b"POST":
            self._post(exchange, session, transport)
        else:
            exchange.refuse(Refusal.BAD_REQUEST)

    def answer(self, exchange: Exchange, messages: Sequence[Message]) -> None:
        """Answer a poll."""
        body = messages[0].payload if len(messages) == 1 else serialize_payload(m.payload for m in messages)
        encoding = b""
        if self._compresses and len(body) >= self._options.compression_bytes_min and any(m.compress for m in messages):
            encoding = accepted_encoding(exchange.headers.get(b"accept-encoding", b""))
            exchange.response_headers.append((b"vary", b"Accept-Encoding"))
        exchange.text(compress(body, encoding) if encoding else body, encoding)

    def _refuse(self, exchange: Exchange, refusal: Refusal, message: str | None = None) -> None:
        self._engine.tell_refused(_handshake(exchange), refusal, message)
        exchange.refuse(refusal, message)

    # The first GET

    def _open(self, exchange: Exchange) -> None:
        handshake = _handshake(exchange)

        def admitted(refused: Refused | None) -> None:
            if refused is not None:
                self._refuse(exchange, *refused)
            elif not exchange.disconnected:  # else nobody would ever poll it
                self._begin(exchange, handshake)

        self._engine.admission.ask(handshake, admitted)

    def _begin(self, exchange: Exchange, handshake: Handshake) -> None:
        transport = PollingTransport(self)
        session = transport.session = self._engine.open(handshake, transport, blocked=True)
        exchange.response_headers = self._initial_headers(session)
        self._poll(exchange, session, transport)

    def _initial_headers(self, session: Session) -> Headers:
        headers = added_headers(self._options, session.handshake, initial=True)
        if self._options.cookie is not None:
            headers.append((b"set-cookie", self._options.cookie.serialize(session.sid).encode("latin-1")))
        return headers

    # GET

    def _poll(self, exchange: Exchange, session: Session, transport: PollingTransport) -> None:
        if transport.held is not None:
            # Section "HTTP long-polling": two GETs at once are a client out of step; the session ends.
            session.close(DisconnectReason.TRANSPORT_ERROR)
            exchange.refuse(Refusal.BAD_REQUEST)
            return
        transport.held = exchange
        exchange.follower = transport
        session.unblock()

    # POST

    def _post(self, exchange: Exchange, session: Session, transport: PollingTransport) -> None:
        if exchange.headers.get(b"content-type", b"").startswith(b"application/octet-stream"):
            exchange.refuse(Refusal.BAD_REQUEST)
        elif transport.posting is not None:
            # Two POSTs at once have no order, and order is what is promised.
            session.close(DisconnectReason.TRANSPORT_ERROR)
            exchange.refuse(Refusal.BAD_REQUEST)
        elif _announced_bytes(exchange) > self._options.message_bytes_max:
            exchange.refuse(Refusal.TOO_LARGE)
        else:
            transport.posting = exchange
            exchange.read_body(transport)

    def read_post(self, transport: PollingTransport, exchange: Exchange) -> None:
        """Take what has come of a POST, or that no more will come."""
        session = transport.session
        if session is None:
            transport.posting = None
            exchange.refuse(Refusal.SESSION_UNKNOWN)
        elif exchange.disconnected:
            transport.posting = None
            session.close(DisconnectReason.TRANSPORT_ERROR)
        elif len(exchange.body) > self._options.message_bytes_max:
            transport.posting = None
            exchange.refuse(Refusal.TOO_LARGE)
        elif exchange.more_body:
            exchange.resume_reading()
        else:
            step = functools.partial(self._receive, transport, exchange, session, parse_payload(bytes(exchange.body)))
            if step():
                self._engine.line.join(step)

    def _receive(
        self, transport: PollingTransport, exchange: Exchange, session: Session, packets: Iterator[Packet]
    ) -> bool:
        """Take some packets of a POST, and answer it after the last; True if there are more."""
        if transport.posting is not exchange:
            return False  # the client hung up meanwhile
        try:
            for count, packet in enumerate(packets, start=1):
                session.receive(packet)
                if count == SLICE_PACKETS:
                    return True
        except MalformedPacket as error:
            transport.posting = None
            session.malformed(error)
            exchange.refuse(Refusal.BAD_REQUEST)
        else:
            transport.posting = None  # first: the answer may let the next request of a pipeline in
            exchange.text(b"ok")
        return False


def _announced_bytes(exchange: Exchange) -> int:
    announced = exchange.headers.get(b"content-length", b"0")
    return int(announced) if announced.isdigit() else 0


def _handshake(exchange: Exchange) -> Handshake:
    return Handshake(
        raw_headers=tuple(exchange.raw_headers),
        raw_query=exchange.raw_query,
        address=exchange.address,
        secure=exchange.secure,
        time=time.time(),
    )
