"""The port between hub and transports."""

from __future__ import annotations

from typing import Protocol

from ordercast.protocol.message import Message

from .disconnect_reason import DisconnectReason
from .handshake import Handshake
from .options import Options


class Connection(Protocol):
    """An Engine.IO session over any transport."""

    @property
    def sid(self) -> str:
        """The session's secret id: who knows it may use it."""
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
        """Bytes waiting to be sent."""
        ...

    def send(self, message: Message) -> None:
        """Queue a message; messages of one loop turn are written together. Never blocks or raises."""
        ...

    def send_apart(self, message: Message) -> None:
        """Send a message in a write of its own.

        Some clients await one frame after another, and lose the second of one segment. A poll's response is parsed as a
        whole anyway.
        """
        ...

    def close(self, reason: DisconnectReason) -> None:
        """Close the session after queued messages. The receiver's `closed` is called in this turn or later."""
        ...

    async def drained(self) -> None:
        """Wait until queued messages are written, or the session has ended."""
        ...


class Receiver(Protocol):
    """Receives a connection's messages. The `receive` methods raise MalformedPacket, which closes it."""

    def receive_text(self, data: bytes) -> None:
        """Handle a text message, in UTF-8, without its Engine.IO type."""
        ...

    def receive_binary(self, data: bytes) -> None:
        """Take a binary message."""
        ...

    def closed(self, reason: DisconnectReason) -> None:
        """Called once, last."""
        ...


class Application(Protocol):
    """The application of a transport: a Socket.IO server, or another protocol over Engine.IO."""

    @property
    def options(self) -> Options: ...

    def start(self) -> None:
        """Called on the loop when serving begins."""
        ...

    def open(self, connection: Connection) -> Receiver:
        """Accept a connection; return its receiver."""
        ...
