"""The forms in which packets cross the wire; client and server must be set to the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from ordercast.protocol import msgpack, socketio
from ordercast.protocol.message import Message
from ordercast.protocol.socketio import Packet, PacketType, Source
from ordercast.protocol.weight import json_weight, msgpack_weight

ParserName = Literal["json", "msgpack"]


class PacketDecoder(Protocol):
    """Turns the messages of one connection into packets; both methods raise MalformedPacket."""

    def receive_text(self, data: bytes) -> Packet | None: ...

    def receive_binary(self, data: bytes) -> Packet | None: ...


class MakeDecoder(Protocol):
    def __call__(self, bytes_max: int) -> PacketDecoder: ...


class Encode(Protocol):
    def __call__(
        self, kind: PacketType, namespace: str, data: Any = None, ack_id: int | None = None, *, volatile: bool = False
    ) -> Message: ...


class EncodeEvent(Protocol):
    def __call__(
        self, namespace: str, event: str, args: Sequence[Any], ack_id: int | None = None, *, volatile: bool = False
    ) -> Message: ...


@dataclass(frozen=True, slots=True)
class Parser:
    """One form, both ways. Both encoders raise UnencodableValue."""

    decoder: MakeDecoder
    encode: Encode
    encode_event: EncodeEvent
    decode_again: Callable[[Source], Any]
    """The value of a packet that was parsed before."""
    weigh: Callable[[bytes, int], int]
    """What the value of a message will hold at most once it is decoded, or a rougher figure up to `enough`."""

    def read(self, message: Message) -> Packet | None:
        """Read back what was encoded."""
        decoder = self.decoder(len(message))
        packet = decoder.receive_text(message.text[1:]) if message.text else None
        for attachment in message.attachments:
            packet = decoder.receive_binary(attachment)
        return packet


PARSERS: Final[dict[ParserName, Parser]] = {
    "json": Parser(socketio.Decoder, socketio.encode, socketio.encode_event, socketio.decode_again, json_weight),
    "msgpack": Parser(msgpack.Decoder, msgpack.encode, msgpack.encode_event, msgpack.decode_again, msgpack_weight),
}
