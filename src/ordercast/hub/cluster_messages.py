"""The messages between nodes: data alone, so that a hostile broker can run nothing here (CVE-2025-61765).

Tags and field names are what nodes of one site have in common, so a rename here keeps the old name on the wire.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ordercast.protocol.decoding import decode_packet
from ordercast.protocol.message import Message
from ordercast.protocol.socketio import Decoder, encode_event


class Target(msgspec.Struct, frozen=True, array_like=True):
    """The sockets addressed, by names that mean the same on every node."""

    namespace: str
    rooms: tuple[str, ...]
    excluded: tuple[str, ...]


class EncodedEvent(msgspec.Struct, frozen=True, array_like=True):
    """An event and its arguments, or the values of a response, encoded as for a client."""

    text: bytes
    attachments: tuple[bytes, ...]


class SocketDetails(msgspec.Struct, frozen=True):
    """A socket as the other nodes see it."""

    id: str
    rooms: list[str]
    data: Any
    auth: dict[str, Any]
    raw_headers: list[tuple[bytes, bytes]]
    raw_query: bytes
    address: str
    secure: bool
    time: float
    path: str


class ClusterMessage(msgspec.Struct, frozen=True, tag=str.lower):
    """Base of everything that nodes send each other."""


class Emit(ClusterMessage, frozen=True):
    """Emit an event to your sockets."""

    target: Target = msgspec.field(name="reach")
    event: EncodedEvent = msgspec.field(name="said")
    volatile: bool
    compress: bool


class Join(ClusterMessage, frozen=True):
    """Make your sockets join `rooms`."""

    target: Target = msgspec.field(name="reach")
    rooms: tuple[str, ...]


class Leave(ClusterMessage, frozen=True):
    """Make your sockets leave `rooms`."""

    target: Target = msgspec.field(name="reach")
    rooms: tuple[str, ...]


class Disconnect(ClusterMessage, frozen=True):
    """Disconnect your sockets; with `close` their connections end too."""

    target: Target = msgspec.field(name="reach")
    close: bool


class ServerSideEmit(ClusterMessage, frozen=True, tag="serverside"):
    """Call the handlers of `Namespace.on`."""

    namespace: str
    event: EncodedEvent = msgspec.field(name="said")


class RequestWithResponse(ClusterMessage, frozen=True):
    """Base of what each node responds to."""

    node: str
    """Which node requests."""
    id: int


class BroadcastWithAck(RequestWithResponse, frozen=True, tag="askclients"):
    """Emit an event to your sockets, and respond with their acknowledgements."""

    target: Target = msgspec.field(name="reach")
    event: EncodedEvent = msgspec.field(name="said")
    volatile: bool
    compress: bool
    timeout_s: float | None


class FetchSockets(RequestWithResponse, frozen=True, tag="asksockets"):
    """Respond with the details of your sockets."""

    target: Target = msgspec.field(name="reach")


class ServerSideEmitWithAck(RequestWithResponse, frozen=True, tag="askservers"):
    """Call the handlers of `Namespace.on`, and respond with what the first returns."""

    namespace: str
    event: EncodedEvent = msgspec.field(name="said")


class Response(ClusterMessage, frozen=True, tag="answer"):
    """What one node responds to the request `id`."""

    id: int
    node: str
    """Which node responds."""
    values: list[EncodedEvent] = []
    sockets: list[SocketDetails] = []
    is_complete: bool = True


Query = BroadcastWithAck | FetchSockets | ServerSideEmitWithAck
"""Requests that are responded to."""
Request = Emit | Join | Leave | Disconnect | ServerSideEmit | Query
AnyMessage = Request | Response
encode_message = msgspec.msgpack.Encoder().encode
decode_message = msgspec.msgpack.Decoder(AnyMessage).decode


# An event crosses the bus in the form in which it crosses the wire, so that both ends make the same of it.


def pack(event: str, args: Sequence[Any]) -> EncodedEvent:
    """Encode an event. Raises UnencodableValue."""
    message = encode_event("/", event, args)
    return EncodedEvent(message.text, message.attachments)


def unpack(encoded: EncodedEvent) -> list[Any]:
    """Decode ``[event, *args]``. Raises MalformedPacket."""
    message = Message(encoded.text, encoded.attachments)
    packet = decode_packet(Decoder(len(message)), message)
    data: list[Any] = packet.data if packet is not None else []
    return data
