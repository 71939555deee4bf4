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

from .admission import Admission, Refused
from .connections import Connections
from .fairness import Line
from .heartbeat import Heartbeat
from .hooks import tell_refused
from .origins import is_allowed
from .session import Session
from .transport import Refusal, Transport

SID_BYTES = 15  # 120 bits: knowing a sid is being the session (CVE-2017-16031)
# As long as all of a request's head may be with Node.js, because tokens stand here too.
QUERY_BYTES_MAX = 16_384
QUERY_FIELDS_MAX = 64
# How long the last words to a polling client wait for its next poll.
LINGER_S = 5.0
# At this pace a stop sends clients away, if `drain_s` gives it the time: each one that comes back costs another node
# some 0.3 ms of CPU, and 0.8 ms where it is a shop, so 500 a second are less than half a core there.
SENT_AWAY_PER_S = 500
DRAIN_STEP_S = 0.02

Query = dict[str, str]
"""The last value of each name."""


class Engine:
    """All sessions of one application on this node."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.options = application.options
        self.heartbeat = Heartbeat(self.options.ping_interval_s, self.options.ping_timeout_s)
        self.sessions: dict[str, Session] = {}
        self.admission = Admission(self.options)
        self.connections = Connections(self.options.connections_per_address_max)
        self.forwarding = Forwarding(self.options.trusted_proxies)
        self.hosts = AllowedHosts(self.options.allowed_hosts, self.options.allowed_hosts_setting)
        self.line = Line()
        self._refused_origins = RefusedOrigins(self.options.origins_setting)
        self._last_words: dict[str, Sequence[Message]] = {}
        self._unflushed: list[Session] = []
        self.is_draining = False
        """A stop has begun: no session is opened any more, no HTTP connection kept."""

    def __repr__(self) -> str:
        return f"<Engine {self.options.path} sessions={len(self.sessions)}>"

    # Requests

    def check(self, method: bytes, query: Query, headers: dict[bytes, bytes], transport: str) -> Refused | None:
        """Decide on a request that came over `transport`; None when it may be served."""
        refusal = self._check_protocol(query)
        if refusal is None:
            sentence = self.refused_origin(headers)
            if sentence is not None:
                return Refusal.FORBIDDEN, sentence
            refusal = self._check_request(method, query, transport)
        return None if refusal is None else (refusal, None)

    def refused_origin(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Why the page that asks is not let in, which is logged as well; None for one that is, and for programs."""
        origin = headers.get(b"origin", b"")
        if is_allowed(origin, headers.get(b"host", b""), self.options.origins):
            return None
        return self._refused_origins.report(origin.decode("latin-1"))

    def _check_protocol(self, query: Query) -> Refusal | None:
        if query.get("transport", "") not in self.options.transports:
            return Refusal.TRANSPORT_UNKNOWN
        # Of an open session it is known: not every client says it again, and the reference looks at it only once.
        is_known = query.get("EIO") == PROTOCOL_VERSION or bool(query.get("sid"))
        return None if is_known else Refusal.UNSUPPORTED_PROTOCOL_VERSION

    def _check_request(self, method: bytes, query: Query, transport: str) -> Refusal | None:
        asked = query.get("transport", "")
        sid = query.get("sid", "")
        if sid:
            return self._check_session(sid, method, asked, transport)
        if method != b"GET":
            return Refusal.BAD_HANDSHAKE_METHOD
        return None if asked == transport else Refusal.BAD_REQUEST

    def _check_session(self, sid: str, method: bytes, asked: str, transport: str) -> Refusal | None:
        session = self.find(sid)
        if session is None:
            lingering = sid in self._last_words and (method, transport) == (b"GET", "polling")
            return None if lingering else Refusal.SESSION_UNKNOWN
        if asked != transport or (transport == "polling" and session.transport_name != "polling"):
            return Refusal.BAD_REQUEST
        if transport == "websocket" and not self.options.allow_upgrades:
            return Refusal.BAD_REQUEST
        return None

    def tell_refused(self, handshake: Handshake, refusal: Refusal, message: str | None = None) -> None:
        """A request was refused: the application may want to know."""
        tell_refused(self.application, handshake, refusal, message)

    def find(self, sid: str) -> Session | None:
        """The open session of that sid. One whose pong is overdue ends here, not at the wheel's next tick."""
        session = self.sessions.get(sid)
        if session is not None and session.is_overdue(asyncio.get_running_loop().time()):
            session.ping_timed_out()
            return None
        return session

    def take_last_words(self, sid: str) -> Sequence[Message]:
        """What a session that has ended still had to say to its client; once taken, only its close is left to say."""
        if sid not in self._last_words:
            return ()
        messages = self._last_words.pop(sid)
        if messages:
            self._last_words[sid] = ()
        return messages

    # Sessions

    def open(self, handshake: Handshake, transport: Transport, *, blocked: bool) -> Session:
        """Begin a session: its OPEN packet is queued, the application told."""
        sid = self._new_sid()
        session = Session(self, sid, handshake, transport, blocked=blocked)
        self.sessions[sid] = session
        self.admission.opened(session)
        session.send(Message(self._open_packet(session).serialize()))
        self.heartbeat.add(session)
        try:
            session.start(self.application.open(session))
        except BaseException:
            session.discard()  # nobody would ever end it
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
        """Forget a session that has ended."""
        if self.sessions.pop(session.sid, None) is not None:
            self.admission.ended(session)
            self.heartbeat.remove(session)

    def linger(self, session: Session, messages: Sequence[Message]) -> None:
        """Keep a session's last words for the poll that will fetch them."""
        self._last_words[session.sid] = messages
        asyncio.get_running_loop().call_later(LINGER_S, self._last_words.pop, session.sid, None)

    async def drain(self, hurried: Callable[[], bool] = lambda: False) -> None:
        """End every session, evenly over a while: all clients at once would be a herd for whoever serves next.

        None is told to stay away: a stock client comes back by itself from a connection that ended. Until its turn each
        hears all that happens. `hurried` is asked whether there is no time left for this.
        """
        self.is_draining = True
        self.admission.close()
        sessions = tuple(self.sessions.values())
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        window_s = min(self.options.drain_s, len(sessions) / SENT_AWAY_PER_S)
        ended = 0
        while ended < len(sessions) and (passed_s := loop.time() - began_s) < window_s and not hurried():
            due = round(len(sessions) * passed_s / window_s)
            for session in sessions[ended:due]:
                session.close(DisconnectReason.SERVER_SHUTTING_DOWN)
            ended = due
            await asyncio.sleep(DRAIN_STEP_S)
        self.close()

    def close(self) -> None:
        """End every session at once; clients come back by themselves."""
        self.admission.refuse_asking()
        for session in tuple(self.sessions.values()):
            session.close(DisconnectReason.SERVER_SHUTTING_DOWN)

    # Writing: what one turn of the loop sends to a session leaves in one write

    def flush_later(self, session: Session) -> None:
        """Flush `session` when everything that is ready in this turn of the loop has run."""
        if not self._unflushed:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unflushed.append(session)

    def _flush(self) -> None:
        unflushed, self._unflushed = self._unflushed, []
        for session in unflushed:
            session.flush()


def parse_query(raw: bytes) -> Query:
    """Parse a query string; one that is too long or malformed is an empty one, and refused as such."""
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
