"""One Engine.IO session: its sid, its queue, the transport that carries it, and the change of transports.

Source: the Engine.IO protocol, revision 4, sections "Upgrade", "Heartbeat" and "Packet types".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from ordercast.hub import DisconnectReason, Handshake, Options, Receiver
from ordercast.protocol.engineio import Packet, PacketType
from ordercast.protocol.errors import MalformedPacket
from ordercast.protocol.message import NO_FRAMES, PING, Message

from .transport import Transport

log = logging.getLogger("ordercast.wire")

# A turn of the loop that emits more than this to one socket writes in several pieces. It is the high-water mark of
# asyncio's and uvloop's transports: upon one piece that is not taken they say pause, and the rest counts as backlog.
TURN_BYTES_MAX = 65_536
# What a message that waits takes beside its bytes: a client that reads nothing could have half a million answers of
# eight bytes wait.
MESSAGE_BYTES = 200
# Between frames that a client is to read one by one: what is written at once after the other, a busy Node.js finds
# lying together.
FRAMES_GAP_S = 0.002

# After these reasons what is queued is still delivered, if need be to a polling client's next poll. After the others
# the client is not listening, or not to be trusted.
_DELIVERS_QUEUED = frozenset(
    {
        DisconnectReason.SERVER_NAMESPACE_DISCONNECT,
        DisconnectReason.SERVER_SHUTTING_DOWN,
        DisconnectReason.FORCED_SERVER_CLOSE,
    }
)


class Pongs(Protocol):
    """See ``heartbeat.Heartbeat``."""

    def pong(self, session: Session) -> None:
        """Answered: the next ping is due after `ping_interval_s`. One that nothing asked for changes nothing."""


class UsedSessions(Protocol):
    """See ``session_limits.SessionLimits``."""

    def session_used(self, session: Session) -> None:
        """The first message of `session` came."""


class SessionOwner(Protocol):
    """What a session needs of whoever has all of them; see ``engine.Engine``."""

    @property
    def options(self) -> Options: ...

    @property
    def heartbeat(self) -> Pongs: ...

    @property
    def session_limits(self) -> UsedSessions: ...

    def flush_later(self, session: Session) -> None:
        """Call its `flush` once all that is ready in this turn of the loop has run."""

    def keep_pending_close(self, session: Session, messages: Sequence[Message]) -> None:
        """Keep the undelivered messages of a closed session for its client's next poll."""

    def remove(self, session: Session) -> None:
        """Forget a session that has ended."""


class Session:
    """The hub's `Connection`: a queue between the hub and the transport that carries the session now."""

    __slots__ = (
        "_backlog_bytes",
        "_drained",
        "_engine",
        "_outbox",
        "_overflowed",
        "_ping_waits",
        "_probe",
        "_receiver",
        "beat_slot",
        "blocked",
        "handshake",
        "is_open",
        "is_used",
        "pong_due_s",
        "sid",
        "transport",
        "upgrading",
    )

    def __init__(
        self, engine: SessionOwner, sid: str, handshake: Handshake, transport: Transport, *, blocked: bool
    ) -> None:
        self.sid = sid
        self.handshake = handshake
        self.transport = transport
        self.is_open = True
        self.is_used = False
        """A message was received; every client that means to stay sends its CONNECT at once."""
        self.blocked = blocked
        """The transport cannot take a write now: no poll is held, or the network does not keep up."""
        self.upgrading = False
        """A probe was answered; polls are answered with NOOP so that the client can upgrade."""
        self.beat_slot = -1
        self.pong_due_s = 0.0
        self._engine = engine
        self._receiver: Receiver | None = None
        self._outbox: list[Message] = []
        self._backlog_bytes = 0
        self._overflowed = False
        self._ping_waits = False
        self._probe: Transport | None = None
        self._drained: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        state = "open" if self.is_open else "closed"
        queued = sum(message is not NO_FRAMES for message in self._outbox)
        return f"<Session {self.sid} {state} {self.transport_name} queued={queued}>"

    @property
    def transport_name(self) -> str:
        return self.transport.name

    # Called by the hub; see `Connection`

    @property
    def backlog_bytes(self) -> int:
        return self._backlog_bytes

    def send(self, message: Message) -> None:
        if self.blocked:
            self._queue(message)
            return
        outbox = self._outbox
        if not outbox:
            self._engine.flush_later(self)
            outbox.append(message)
            return
        outbox.append(message)
        # What `len` of the message gives, without a call.
        self._backlog_bytes += len(message) if message.attachments else len(message.text)
        if self._backlog_bytes > TURN_BYTES_MAX:
            self.flush()

    def send_apart(self, message: Message) -> None:
        if self.blocked or self.transport.name != "websocket":
            self.send(message)
            return
        self._outbox.append(message)
        self.flush()
        if not self.blocked:
            # A queue that is not empty waits: what follows leaves upon the timer instead of the end of this turn.
            self._outbox.append(NO_FRAMES)
            asyncio.get_running_loop().call_later(FRAMES_GAP_S, self.flush)

    def close(self, reason: DisconnectReason) -> None:
        if not self.is_open:
            return
        # Past the backlog's bound nothing more is handed over: the client is not reading, and a message is missing.
        messages = [] if self._overflowed else self.take_outbox()
        delivers = bool(messages) and reason in _DELIVERS_QUEUED
        if delivers and not self.blocked:
            # Not together with the close: the stock client would take the close first, and not as meant.
            self.transport.write(messages)
            messages = []
        if not self.transport.close(messages) and delivers:
            self._engine.keep_pending_close(self, messages)
        self._end(reason)

    async def drained(self) -> None:
        self.flush()
        while self.is_open and (self.blocked or self._outbox):
            if self._drained is None:
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)

    # Called by the engine and the transports

    def start(self, receiver: Receiver) -> None:
        """Deliver what arrives to `receiver` from now on."""
        self._receiver = receiver

    def discard(self) -> None:
        """Close it without a write: the application could not take it."""
        self.take_outbox()
        self._end(DisconnectReason.FORCED_SERVER_CLOSE)

    def receive(self, packet: Packet) -> None:
        """Handle a packet of the transport that carries the session.

        Raises MalformedPacket for one that a client may not send now (Engine.IO protocol, section "Packet types").
        """
        if not self.is_open:
            return
        if packet.type is PacketType.MESSAGE:
            self.receive_message(packet.data, binary=packet.binary)
        elif packet.type is PacketType.PONG:
            # One for a ping that still waits here is a lie: who reads nothing would keep its backlog for ever.
            if not self._ping_waits:
                self._engine.heartbeat.pong(self)
        elif packet.type is PacketType.CLOSE:
            self.closed_by_client()
        elif packet.type is not PacketType.NOOP:
            raise MalformedPacket(f"Engine.IO {packet.type.name}", "is not for the client to send now")

    def receive_message(self, data: bytes, *, binary: bool) -> None:
        """Deliver a message to the hub. Raises MalformedPacket."""
        if self._receiver is None or not self.is_open:
            return
        if not self.is_used:
            self.is_used = True
            self._engine.session_limits.session_used(self)
        if binary:
            self._receiver.receive_binary(data)
        else:
            self._receiver.receive_text(data)

    def malformed(self, error: MalformedPacket) -> None:
        """Close upon what could not be parsed: whatever follows may be out of step."""
        log.info("closing %s from %s: %s", self.sid, self.handshake.address, error)
        self.close(DisconnectReason.PARSE_ERROR)

    def closed_by_client(self) -> None:
        """The client sent CLOSE: a held poll is answered with NOOP."""
        if self.is_open:
            self.transport.release()
            self.transport.close(())
            self._end(DisconnectReason.TRANSPORT_CLOSE)

    def transport_lost(self, transport: Transport, reason: DisconnectReason) -> None:
        """`transport` is gone; the session is closed with it, if it carried the session."""
        if transport is self._probe:
            self._forget_probe()
        elif transport is self.transport and self.is_open:
            self._end(reason)

    def unblock(self) -> None:
        """The transport can take a write again."""
        if self._overflowed:
            return
        self.blocked = False
        if self._outbox:
            self.flush()
        elif self.upgrading:
            self.transport.release()
        if not self.blocked and not self._outbox:
            self._notify_drained()

    def flush(self) -> None:
        """Write what is queued, if the transport can take it."""
        while self._outbox and not self.blocked:
            # A backlog in parts: each is copied on its way, and what is not taken waits here, where it is counted.
            part_bytes = self.transport.part_bytes
            self.transport.write(
                self.take_outbox() if self._backlog_bytes <= part_bytes else self._take_part(part_bytes)
            )

    # The upgrade

    def begin_probe(self, transport: Transport) -> bool:
        """Let a WebSocket probe; False when the session is not polling, or another one is probing."""
        if not self.is_open or self.transport.name != "polling" or self._probe is not None:
            return False
        self._probe = transport
        return True

    def probe_answered(self) -> None:
        """The probe was answered: release the poll that the client waits for."""
        self.upgrading = True
        self.flush()
        self.transport.release()

    def upgrade(self, transport: Transport) -> None:
        """Move the session to `transport`, which carries it from now on, beginning with what is queued."""
        polling, self.transport = self.transport, transport
        self._forget_probe()
        polling.release()
        self.unblock()

    def _forget_probe(self) -> None:
        self._probe = None
        self.upgrading = False

    # The heartbeat

    def ping(self) -> None:
        self._ping_waits = self.blocked
        self.send(PING)

    def ping_timed_out(self) -> None:
        self.close(DisconnectReason.PING_TIMEOUT)

    def is_overdue(self, now_s: float) -> bool:
        """Whether the pong's deadline has passed, though the heartbeat has not come round to it yet."""
        return bool(self.pong_due_s) and now_s >= self.pong_due_s

    # Steps

    def _queue(self, message: Message) -> None:
        if message.volatile or self._overflowed or not self.is_open:
            return
        self._backlog_bytes += len(message) + MESSAGE_BYTES
        if self._backlog_bytes > self._engine.options.backlog_bytes_max:
            # This message is lost, so none after it may leave, though the transport could take them by then.
            self._overflowed = True
            # Not now: whoever is sending may be iterating over the room that closing would change.
            asyncio.get_running_loop().call_soon(self.close, DisconnectReason.BACKLOG_FULL)
            return
        self._outbox.append(message)

    def take_outbox(self) -> list[Message]:
        """Empty the queue and give its messages, for the caller to write."""
        messages, self._outbox = self._outbox, []
        self._backlog_bytes = 0
        self._ping_waits = False
        return messages

    def _take_part(self, part_bytes: int) -> list[Message]:
        """As `take_outbox`, up to `part_bytes`, and one message at least."""
        taken_bytes = 0
        for count, message in enumerate(self._outbox):
            if count and taken_bytes + len(message) > part_bytes:
                part, self._outbox = self._outbox[:count], self._outbox[count:]
                self._backlog_bytes = sum(map(len, self._outbox)) + MESSAGE_BYTES * len(self._outbox)
                return part
            taken_bytes += len(message)
        return self.take_outbox()

    def _notify_drained(self) -> None:
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None

    def _end(self, reason: DisconnectReason) -> None:
        self.is_open = False
        self.blocked = True
        self._engine.remove(self)
        self._notify_drained()
        # A client that changes over polls no more, and the stock one is deaf between its last poll and its UPGRADE: it
        # would hear of neither transport's end before its ping timeout. So the end waits for the UPGRADE on the way.
        waits = self.upgrading and reason is not DisconnectReason.TRANSPORT_CLOSE
        if self._probe is not None and not waits:
            self._probe.close(())
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.closed(reason)
