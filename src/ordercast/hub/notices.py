"""What crosses the bus: data alone, so that a hostile broker can run nothing here (CVE-2025-61765)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ordercast.protocol.socketio import Decoder, encode_event


class Reach(msgspec.Struct, frozen=True, array_like=True):
    """An audience, by names that mean the same on every node."""

    namespace: str
    rooms: tuple[str, ...]
    excluded: tuple[str, ...]


class Said(msgspec.Struct, frozen=True, array_like=True):
    """An event and its arguments, or the values of an answer, as a client would get them."""

    text: bytes
    attachments: tuple[bytes, ...]


class SocketFacts(msgspec.Struct, frozen=True):
    """What one node tells another of a socket."""

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


class Notice(msgspec.Struct, frozen=True, tag=str.lower):
    """Base of everything that crosses the bus."""


class Emit(Notice, frozen=True):
    reach: Reach
    said: Said
    volatile: bool
    compress: bool


class Join(Notice, frozen=True):
    reach: Reach
    rooms: tuple[str, ...]


class Leave(Notice, frozen=True):
    reach: Reach
    rooms: tuple[str, ...]


class Disconnect(Notice, frozen=True):
    reach: Reach
    close: bool


class ServerSide(Notice, frozen=True):
    namespace: str
    said: Said


class Question(Notice, frozen=True):
    """Base of what is to be answered."""

    node: str
    """Who asks."""
    id: int


class AskClients(Question, frozen=True):
    reach: Reach
    said: Said
    volatile: bool
    compress: bool
    timeout_s: float | None


class AskSockets(Question, frozen=True):
    reach: Reach


class AskServers(Question, frozen=True):
    namespace: str
    said: Said


class Answer(Notice, frozen=True):
    id: int
    node: str
    """Who answers."""
    values: list[Said] = []
    sockets: list[SocketFacts] = []
    is_complete: bool = True


Request = Emit | Join | Leave | Disconnect | ServerSide | AskClients | AskSockets | AskServers
AnyNotice = Request | Answer
encode_notice = msgspec.msgpack.Encoder().encode
decode_notice = msgspec.msgpack.Decoder(AnyNotice).decode


# An event crosses the bus in the form in which it crosses the wire, so that both ends make the same of it.


def pack(event: str, args: Sequence[Any]) -> Said:
    """Encode an event. Raises UnencodableValue."""
    message = encode_event("/", event, args)
    return Said(message.text, message.attachments)


def unpack(said: Said) -> list[Any]:
    """Give ``[event, *args]``. Raises MalformedPacket."""
    decoder = Decoder(len(said.text) + sum(map(len, said.attachments)))
    packet = decoder.receive_text(said.text[1:])
    for attachment in said.attachments:
        packet = decoder.receive_binary(attachment)
    data: list[Any] = packet.data if packet is not None else []
    return data
