"""The forms in which packets cross the wire; client and server must be set to the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from ordercast.protocol import msgpack, socketio
from ordercast.protocol.decoding import PacketDecoder, decode_packet
from ordercast.protocol.memory_estimate import estimate_json, estimate_msgpack
from ordercast.protocol.message import Message
from ordercast.protocol.socketio import Packet, PacketType, Source

ParserName = Literal["json", "msgpack"]


class MakeDecoder(Protocol):
    """Makes a decoder for one connection, which takes packets of `bytes_max` bytes."""

    def __call__(self, bytes_max: int) -> PacketDecoder: ...


class Encode(Protocol):
    """Writes a packet."""

    def __call__(
        self, kind: PacketType, namespace: str, data: Any = None, ack_id: int | None = None, *, volatile: bool = False
    ) -> Message: ...


class EncodeEvent(Protocol):
    """Writes an event, which is to be acknowledged by `ack_id` if that is given."""

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
        return decode_packet(self.decoder(len(message)), message)


PARSERS: Final[dict[ParserName, Parser]] = {
    "json": Parser(socketio.Decoder, socketio.encode, socketio.encode_event, socketio.decode_again, estimate_json),
    "msgpack": Parser(msgpack.Decoder, msgpack.encode, msgpack.encode_event, msgpack.decode_again, estimate_msgpack),
}
