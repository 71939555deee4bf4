"""The Engine.IO server: its sessions by sid, and the decision whether a request is served."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

from ordercast.hub import Application, DisconnectReason, Handshake
from ordercast.hub.callers import Forwarding
from ordercast.hub.hosts import AllowedHosts
from ordercast.hub.origins import RefusedOrigins
from ordercast.protocol.engineio import PROTOCOL_VERSION, OpenPacket
from ordercast.protocol.message import Message

from .fair_queue import FairQueue
from .heartbeat import Heartbeat
from .hooks import emit_connection_error
from .http_connection_limit import HttpConnectionLimit
from .origins import is_allowed
from .session import Session
from .session_limits import Rejection, SessionLimits
from .transport import EngineError, Transport

SID_BYTES = 15  # 120 bits: knowing a sid is being the session (CVE-2017-16031)
# As long as all of a request's head may be with Node.js, because tokens stand here too.
QUERY_BYTES_MAX = 16_384
QUERY_FIELDS_MAX = 64
# How long the last messages of a closed session wait for its polling client's next poll.
PENDING_CLOSE_S = 5.0
# The pace of draining, if `drain_s` gives it the time: each client that reconnects costs another node
# some 0.3 ms of CPU, and 0.8 ms where it is a shop, so 500 a second are less than half a core there.
DRAIN_SESSIONS_PER_S = 500
DRAIN_STEP_S = 0.02

Query = dict[str, str]
"""The last value of each name."""


class Engine:
    """All sessions of one application on this node.

    Its attributes are for the other parts of this room; a program calls `make_server` or `serve`.
    """

    def __init__(self, application: Application) -> None:
        """`application.options` says all else. Raises ValueError where it names proxies by what is no address."""
        self.application = application
        self.options = application.options
        self.heartbeat = Heartbeat(self.options.ping_interval_s, self.options.ping_timeout_s)
        self.sessions: dict[str, Session] = {}
        self.session_limits = SessionLimits(self.options)
        self.http_connections = HttpConnectionLimit(self.options.connections_per_address_max)
        self.forwarding = Forwarding(self.options.trusted_proxies)
        self.hosts = AllowedHosts(self.options.allowed_hosts, self.options.allowed_hosts_setting)
        self.fair_queue = FairQueue()
        self._refused_origins = RefusedOrigins(self.options.origins_setting)
        self._pending_close: dict[str, Sequence[Message]] = {}
        self._unflushed: list[Session] = []
        self.is_draining = False
        """A stop has begun: no session is opened any more, no HTTP connection kept alive."""

    def __repr__(self) -> str:
        return f"<Engine {self.options.path} sessions={len(self.sessions)}>"

    # Requests

    def check(self, method: bytes, query: Query, headers: dict[bytes, bytes], transport: str) -> Rejection | None:
        """Check a request that came over `transport`; None when it may be served.

        Source: Engine.IO protocol, revision 4, section "Handshake"; the codes are those of the reference server.
        """
        error = self._check_protocol(query)
        if error is None:
            sentence = self.refused_origin(headers)
            if sentence is not None:
                return Rejection(EngineError.FORBIDDEN, sentence)
            error = self._check_request(method, query, transport)
        return None if error is None else Rejection(error)

    def refused_origin(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Why a page of this `Origin` is rejected, which is logged once; None where it is allowed, or no page asks."""
        origin = headers.get(b"origin", b"")
        if is_allowed(origin, headers.get(b"host", b""), self.options.origins):
            return None
        return self._refused_origins.report(origin.decode("latin-1"))

    def _check_protocol(self, query: Query) -> EngineError | None:
        if query.get("transport", "") not in self.options.transports:
            return EngineError.TRANSPORT_UNKNOWN
        # Of an open session it is known: not every client says it again, and the reference looks at it only once.
        is_known = query.get("EIO") == PROTOCOL_VERSION or bool(query.get("sid"))
        return None if is_known else EngineError.UNSUPPORTED_PROTOCOL_VERSION

    def _check_request(self, method: bytes, query: Query, transport: str) -> EngineError | None:
        requested = query.get("transport", "")
        sid = query.get("sid", "")
        if sid:
            return self._check_session(sid, method, requested, transport)
        if method != b"GET":
            return EngineError.BAD_HANDSHAKE_METHOD
        return None if requested == transport else EngineError.BAD_REQUEST

    def _check_session(self, sid: str, method: bytes, requested: str, transport: str) -> EngineError | None:
        session = self.find(sid)
        if session is None:
            is_pending_close = sid in self._pending_close and (method, transport) == (b"GET", "polling")
            return None if is_pending_close else EngineError.SESSION_UNKNOWN
        if requested != transport or (transport == "polling" and session.transport_name != "polling"):
            return EngineError.BAD_REQUEST
        if transport == "websocket" and not self.options.allow_upgrades:
            return EngineError.BAD_REQUEST
        return None

    def emit_connection_error(self, handshake: Handshake, error: EngineError, message: str | None = None) -> None:
        """Count a rejected request, and tell the application. See `hooks`."""
        emit_connection_error(self.application, handshake, error, message)

    def find(self, sid: str) -> Session | None:
        """Look up an open session. One whose pong is overdue is closed here, not at the wheel's next tick."""
        session = self.sessions.get(sid)
        if session is not None and session.is_overdue(asyncio.get_running_loop().time()):
            session.ping_timed_out()
            return None
        return session

    def take_pending_close(self, sid: str) -> Sequence[Message]:
        """Take the undelivered messages of a closed session; a later call gives none: only its close is left."""
        if sid not in self._pending_close:
            return ()
        messages = self._pending_close.pop(sid)
        if messages:
            self._pending_close[sid] = ()
        return messages

    # Sessions

    def open(self, handshake: Handshake, transport: Transport, *, blocked: bool) -> Session:
        """Open a session: queue its OPEN packet and call the application's `open`.

        `blocked`: the transport cannot take a write yet, as between two polls. Raises what the application raises; the
        session is then gone.
        """
        sid = self._new_sid()
        session = Session(self, sid, handshake, transport, blocked=blocked)
        self.sessions[sid] = session
        self.session_limits.session_opened(session)
        session.send(Message(self._open_packet(session).serialize()))
        self.heartbeat.add(session)
        try:
            session.start(self.application.open(session))
        except BaseException:
            session.discard()  # nobody would ever close it
            raise
        return session

    def _new_sid(self) -> str:
        sid = secrets.token_urlsafe(SID_BYTES)
        return f"{self.options.sid_prefix}.{sid}" if self.options.sid_prefix else sid

    def _open_packet(self, session: Session) -> OpenPacket:
        options = self.options
        can_upgrade = (
            options.allow_upgrades and session.transport_name == "polling" and "websocket" in options.transports
        )
        return OpenPacket(
            sid=session.sid,
            upgrades=["websocket"] if can_upgrade else [],
            ping_interval=round(options.ping_interval_s * 1000),
            ping_timeout=round(options.ping_timeout_s * 1000),
            max_payload=options.message_bytes_max,
        )

    def remove(self, session: Session) -> None:
        """Forget a closed session."""
        if self.sessions.pop(session.sid, None) is not None:
            self.session_limits.session_closed(session)
            self.heartbeat.remove(session)

    def keep_pending_close(self, session: Session, messages: Sequence[Message]) -> None:
        """Keep the undelivered messages of a closed session for its client's next poll."""
        self._pending_close[session.sid] = messages
        asyncio.get_running_loop().call_later(PENDING_CLOSE_S, self._pending_close.pop, session.sid, None)

    async def drain(self, is_fast: Callable[[], bool] = lambda: False) -> None:
        """Close every session, evenly over `drain_s` at most: all clients at once would be a herd for the next node.

        Stock clients reconnect by themselves. Until its turn each session continues to receive events.
        `is_fast` is polled; once it is true the rest are closed at once.
        """
        self.is_draining = True
        self.session_limits.close()
        sessions = tuple(self.sessions.values())
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        window_s = min(self.options.drain_s, len(sessions) / DRAIN_SESSIONS_PER_S)
        ended = 0
        while ended < len(sessions) and (passed_s := loop.time() - began_s) < window_s and not is_fast():
            due = round(len(sessions) * passed_s / window_s)
            for session in sessions[ended:due]:
                session.close(DisconnectReason.SERVER_SHUTTING_DOWN)
            ended = due
            await asyncio.sleep(DRAIN_STEP_S)
        self.close()

    def close(self) -> None:
        """Close every session at once; clients reconnect by themselves."""
        self.session_limits.reject_pending()
        for session in tuple(self.sessions.values()):
            session.close(DisconnectReason.SERVER_SHUTTING_DOWN)

    def stop(self) -> None:
        """Open no session any more, and close every one at once; for a server that gives a stop no time of ours."""
        self.is_draining = True
        self.session_limits.close()
        self.close()

    def restart(self) -> None:
        """Open sessions again after a `stop`, on a new loop."""
        self.is_draining = False
        self.session_limits.reopen()
        self.heartbeat = Heartbeat(self.options.ping_interval_s, self.options.ping_timeout_s)

    # Writing: what is sent to a session in one turn of the loop leaves in one write

    def flush_later(self, session: Session) -> None:
        """Flush `session` once everything that is ready in this turn of the loop has run."""
        if not self._unflushed:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unflushed.append(session)

    def _flush(self) -> None:
        unflushed, self._unflushed = self._unflushed, []
        for session in unflushed:
            session.flush()


def parse_query(raw: bytes) -> Query:
    """Parse a query string; one that is too long or malformed is an empty one, and rejected as such."""
    if len(raw) > QUERY_BYTES_MAX:
        return {}
    text = raw.decode("latin-1")
    if "%" not in text and "+" not in text and text.count("&") < QUERY_FIELDS_MAX:  # as nearly all are
        pairs = [pair.partition("=") for pair in text.split("&")]
        return {name: value for name, _, value in pairs if value}
    try:
        return dict(parse_qsl(text, max_num_fields=QUERY_FIELDS_MAX))
    except ValueError:
        return {}
