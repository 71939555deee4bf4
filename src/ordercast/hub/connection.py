"""The seam to the transports: what the hub needs of a connection, and where a connection delivers."""

from __future__ import annotations

from typing import Protocol

from ordercast.protocol.message import Message

from .disconnect_reason import DisconnectReason
from .handshake import Handshake
from .options import Options


class Connection(Protocol):
    """One Engine.IO session, whatever carries it."""

    @property
    def sid(self) -> str:
        """The secret name of the session: who knows it may send in its place."""
        ...

    @property
    def handshake(self) -> Handshake:
        """The request that opened it."""
        ...

    @property
    def transport_name(self) -> str:
        """``polling`` or ``websocket``; changes with the upgrade."""
        ...

    @property
    def backlog_bytes(self) -> int:
        """Bytes that wait to be sent."""
        ...

    def send(self, message: Message) -> None:
        """Queue a message; what one loop turn queues leaves in one write. Never blocks, never raises."""
        ...

    def send_apart(self, message: Message) -> None:
        """Send a message apart from those behind it, where they leave as frames.

        A program that awaits one frame and then the next gets both of one segment in one task, and misses the second.
        A poll's answer is one payload, which a client takes apart by itself.
        """
        ...

    def close(self, reason: DisconnectReason) -> None:
        """End the session after what was queued. The receiver's `closed` is called within the same turn or later."""
        ...

    async def drained(self) -> None:
        """Wait until what was queued has been handed to the network, or the session has ended."""
        ...


class Receiver(Protocol):
    """Where a connection delivers what arrives. Both `receive` methods raise MalformedPacket, which closes it."""

    def receive_text(self, data: bytes) -> None:
        """Take a text message, in UTF-8, without its Engine.IO type."""
        ...

    def receive_binary(self, data: bytes) -> None:
        """Take a binary message."""
        ...

    def closed(self, reason: DisconnectReason) -> None:
        """Called once, last."""
        ...


class Application(Protocol):
    """What a transport serves: a Socket.IO server, or anything else that speaks over Engine.IO."""

    @property
    def options(self) -> Options: ...

    def start(self) -> None:
        """Called in the loop when serving begins."""
        ...

    def open(self, connection: Connection) -> Receiver:
        """Take a new connection; gives where it delivers."""
        ...
