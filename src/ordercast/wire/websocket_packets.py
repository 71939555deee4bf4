"""A session's packets on a WebSocket, whoever reads its frames: the probe, the upgrade, and what is malformed.

Source: the Engine.IO protocol, revision 4, sections "WebSocket" and "Upgrade".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from ordercast.hub import DisconnectReason, Handshake
from ordercast.protocol.engineio import PacketType, parse_packet
from ordercast.protocol.errors import MalformedPacket, MessageTooBig
from ordercast.protocol.message import Message

from .engine import Engine
from .session import Session

log = logging.getLogger("ordercast.wire")

_PROBE = b"2probe"
_PROBE_ANSWER = Message(b"3probe")
_MESSAGE = int(PacketType.MESSAGE)
# How long a connection that is to end may take to hand over what it holds, before it is cut.
CLOSE_TIMEOUT_S = 5.0
# How long a stop waits for the UPGRADE of a client that is changing over: one way over a bad network.
LAST_UPGRADE_S = 0.5
# A backlog is written in parts of this size, until the network takes no more.
PART_BYTES = 262_144

# RFC 6455 section 7.4.1.
OK: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
POLICY_VIOLATION: Final = 1008
MESSAGE_TOO_BIG: Final = 1009


class WebSocketPackets:
    """What both transports over WebSockets have: picows' (``websocket``) and ASGI's (``asgi_websocket``).

    It has no slots of its own, because picows' listener is a class in C that is laid out by itself.
    """

    if not TYPE_CHECKING:  # a checker would take these for all that its classes have
        __slots__ = ()

    part_bytes = PART_BYTES
    name: str
    _engine: Engine
    _handshake: Handshake
    _session: Session | None
    """The session that it carries; until the upgrade, still carried by polling."""
    _timer: asyncio.TimerHandle | None

    @property
    def _is_open(self) -> bool:
        raise NotImplementedError

    def write(self, messages: Sequence[Message]) -> None:
        raise NotImplementedError

    def close(self, messages: Sequence[Message], code: int = OK) -> bool:
        raise NotImplementedError

    def release(self) -> None:
        """A WebSocket holds no request."""

    def shutdown(self) -> None:
        """Close for a stop of the server."""
        session = self._session
        if session is not None and session.transport is self:
            session.close(DisconnectReason.SERVER_SHUTTING_DOWN)
        elif session is not None and session.upgrading:
            self._stop_timer()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(LAST_UPGRADE_S, self.close, (), GOING_AWAY)
        else:
            self.close((), GOING_AWAY)

    # Its beginning and its end

    def _begin(self, handshake: Handshake) -> None:
        """Open a session, or begin to probe for the one that polling carries still."""
        if self._session is None:
            self._session = self._engine.open(handshake, self, blocked=False)
        elif self._session.begin_probe(self):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._engine.options.upgrade_timeout_s, self.close, ())
        else:
            self.close((), POLICY_VIOLATION)

    def _lost(self) -> None:
        """The WebSocket is gone, and its session with it where it carries one."""
        self._stop_timer()
        session, self._session = self._session, None
        if session is not None:
            session.transport_lost(self, DisconnectReason.TRANSPORT_CLOSE)

    # Receiving

    def _carries(self) -> bool:
        return self._session is not None and self._session.transport is self

    def _receive_binary(self, data: bytes) -> None:
        if self._carries():
            cast(Session, self._session).receive_message(data, binary=True)
        else:
            raise MalformedPacket("binary message", "came during an upgrade")

    def _receive_text(self, data: bytes) -> None:
        session = self._session
        if session is None:
            return
        if session.transport is not self:
            if self._is_open:
                self._receive_probe(session, data)
        elif data and data[0] == _MESSAGE:  # nearly every packet
            session.receive_message(data[1:], binary=False)
        else:
            session.receive(parse_packet(data))

    def _receive_probe(self, session: Session, data: bytes) -> None:
        """Section "Upgrade": a ping and a pong that say ``probe``, then the client's UPGRADE.

        As with the reference the probe may be left out, which the client for .NET does, or be sent again.
        """
        if data == _PROBE:
            self.write((_PROBE_ANSWER,))
            session.probe_answered()
        elif parse_packet(data).type is PacketType.UPGRADE:
            self._stop_timer()
            if session.is_open:
                session.upgrade(self)
            else:
                self.close(self._engine.take_pending_close(session.sid))
        else:
            raise MalformedPacket("probe", "is neither a probe nor an upgrade")

    def _malformed(self, error: MalformedPacket) -> None:
        code = MESSAGE_TOO_BIG if isinstance(error, MessageTooBig) else PROTOCOL_ERROR
        if self._carries():
            session = cast(Session, self._session)
            self.close(session.take_outbox(), code)
            session.malformed(error)
        else:
            log.info("closing a probe from %s: %s", self._handshake.address, error)
            self.close((), code)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
