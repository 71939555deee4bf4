"""The seam to the transports: what the hub needs of a connection, and what a connection tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import parse_qs

from ordercast.protocol.message import Message

from .callers import caller_of
from .options import Options
from .reasons import DisconnectReason


@dataclass(frozen=True)
class Handshake:
    """The request that opened a connection, as it came; parsed only when looked at."""

    raw_headers: tuple[tuple[bytes, bytes], ...]
    """Names in lower case."""
    raw_query: bytes
    address: str
    """The client's IP address: the peer's, or what a trusted proxy says."""
    secure: bool
    time: float
    """Seconds since the epoch."""
    path: str = "/socket.io/"
    auth: dict[str, Any] = field(default_factory=dict)
    """The payload of the socket's CONNECT; empty where the connection is meant and no socket of it."""

    @property
    def caller(self) -> str:
        """Whom bounds and budgets count: an IPv4 address, or an IPv6 /64."""
        return caller_of(self.address)

    @cached_property
    def headers(self) -> dict[str, str]:
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.raw_headers}

    @cached_property
    def query(self) -> dict[str, str]:
        return {
            name: values[-1]
            for name, values in parse_qs(self.raw_query.decode("latin-1"), keep_blank_values=True).items()
        }

    @property
    def url(self) -> str:
        """Path and query, as they were asked for."""
        return f"{self.path}?{self.raw_query.decode('latin-1')}"

    @property
    def xdomain(self) -> bool:
        """Whether a browser's page asked, and said where it comes from."""
        return "origin" in self.headers

    @property
    def issued(self) -> int:
        """Milliseconds since the epoch, as JavaScript counts."""
        return round(self.time * 1000)


class Connection(Protocol):
    """One Engine.IO session, whatever carries it."""

    @property
    def sid(self) -> str: ...

    @property
    def handshake(self) -> Handshake: ...

    @property
    def transport_name(self) -> str:
        """``polling`` or ``websocket``; changes with the upgrade."""
        ...

    @property
    def backlog_bytes(self) -> int:
        """What waits to be sent."""
        ...

    def send(self, message: Message) -> None:
        """Queue a message; what one loop turn queues leaves in one write. Never blocks, never raises."""
        ...

    def send_apart(self, message: Message) -> None:
        """Send a message apart from those behind it, where they leave as frames.

        A program that awaits one frame and then the next hears both of one segment in one task, and misses the second.
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

    def receive_text(self, data: bytes) -> None: ...

    def receive_binary(self, data: bytes) -> None: ...

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

    def open(self, connection: Connection) -> Receiver: ...
