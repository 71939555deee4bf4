"""The options of a Socket.IO server: names, units, bounds, and why each default is what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a server may be told at its making. Times are seconds, sizes bytes."""

    path: str = "/socket.io/"
    ping_interval_s: float = 25.0
    """How long after the last sign of life a client is pinged; the reference's default."""
    ping_timeout_s: float = 20.0
    """How long the answer may take before the client counts as gone."""
    upgrade_timeout_s: float = 10.0
    """How long a probing WebSocket may wait before it must have taken over."""
    connect_timeout_s: float = 45.0
    """How long a connection may stay without joining any namespace."""
    message_bytes_max: int = 1_000_000
    """The largest message, polling body, or set of attachments taken from a client; told to it in the handshake."""
    backlog_bytes_max: int = 4_000_000
    """What may wait for one slow client before it is closed, to recover later: some thousand orders."""
    inbox_packets_max: int = 1_000
    """Packets of one socket that may wait while a handler of it is awaited; past it the client is closed."""
    acks_pending_max: int = 1_000
    """Acknowledgements that one socket may owe us at a time."""
    namespaces_max: int = 32
    """Namespaces that one connection may be in."""
    rooms_max: int = 1_000
    """Rooms that one socket may be in."""
    origins: Sequence[str] = ()
    """Origins of other sites whose pages may connect (`*`: every one). Pages of our own host always may."""
    transports: Sequence[str] = ("polling", "websocket")
    sid_prefix: str = ""
    """This node's name, put before each Engine.IO session id, by which a proxy finds the node of a polling client."""
