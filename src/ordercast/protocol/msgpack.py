"""Socket.IO 5 packets as msgpack, for clients built with `socket.io-msgpack-parser`: each is one binary message.

Source: that package, whose codec is notepack.io: a map of ``type``, ``nsp``, ``data`` and ``id``, bytes in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from .engineio import serialize_binary
from .errors import MalformedPacket, UnencodableValue
from .message import Message
from .socketio import ACK_ID_DIGITS_MAX, NAMESPACE_BYTES_MAX, RESERVED_EVENTS, Packet, PacketType, Source, checked_event
from .websocket import Opcode, serialize_frame

_ACK_ID_MAX = 10**ACK_ID_DIGITS_MAX
_BINARY = (bytes, bytearray, memoryview)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS = frozenset({PacketType.CONNECT, PacketType.DISCONNECT, PacketType.EVENT, PacketType.ACK})


class BinaryMessage(Message):
    """A message that is binary as a whole."""

    __slots__ = ()

    def __init__(self, body: bytes, *, volatile: bool = False) -> None:
        super().__init__(b"", (body,), volatile=volatile)

    @property
    def frames(self) -> bytes:
        if self._frames is None:
            self._frames = serialize_frame(Opcode.BINARY, self.attachments[0])
        return self._frames

    @property
    def payload(self) -> bytes:
        if self._payload is None:
            self._payload = serialize_binary(self.attachments[0])
        return self._payload


class Decoder:
    """Turns the messages of one connection into packets; the counterpart of `socketio.Decoder`."""

    __slots__ = ()

    def __init__(self, bytes_max: int) -> None:
        """The transport's bound is enough: no packet has more than one message."""

    def receive_text(self, data: bytes) -> Packet | None:
        """Refuse: nothing here is text. Raises MalformedPacket."""
        raise MalformedPacket("text message", f"{data[:20]!r} came where msgpack is spoken")

    def receive_binary(self, data: bytes) -> Packet | None:
        """Parse a message. Raises MalformedPacket."""
        fields = decode_value(data)
        if type(fields) is not dict:
            raise MalformedPacket("msgpack", "is not a map")
        kind = _checked_kind(fields.get("type"))
        return Packet(
            kind,
            _checked_namespace(fields.get("nsp")),
            _checked_data(kind, fields.get("data")),
            _checked_id(fields),
            data,
        )


def decode_again(source: Source) -> Any:
    """The `data` of a packet that was parsed before, from its `source`."""
    assert isinstance(source, bytes)
    fields = decode_value(source)
    return _checked_data(PacketType(fields["type"]), fields.get("data"))


def _checked_kind(value: Any) -> PacketType:
    if type(value) is not int or value not in _KINDS:
        raise MalformedPacket("Socket.IO packet", f"has no type that a client may send: {value!r:.40}")
    return PacketType(value)


def _checked_namespace(value: Any) -> str:
    if type(value) is not str or not value.startswith("/") or len(value.encode()) > NAMESPACE_BYTES_MAX:
        raise MalformedPacket("Socket.IO packet", "has no namespace")
    return value


def _checked_data(kind: PacketType, data: Any) -> Any:
    if kind is PacketType.EVENT:
        return checked_event(data)
    if kind is PacketType.ACK:
        valid = type(data) is list
    elif kind is PacketType.CONNECT:
        valid = data is None or type(data) is dict
    else:
        valid = data is None
    if not valid:
        raise MalformedPacket(kind.name, "has a payload of the wrong shape")
    return data


def _checked_id(fields: dict[str, Any]) -> int | None:
    value = fields.get("id")
    if value is not None and (type(value) is not int or not 0 <= value < _ACK_ID_MAX):
        raise MalformedPacket("Socket.IO packet", "has an ack id that is none")
    return value


def _extension(code: int, view: memoryview) -> Any:
    """Read notepack's own: `undefined` is one zero byte, a Date eight bytes of milliseconds, the rest ArrayBuffers.

    An ArrayBuffer of just that length looks like the other two; a typed array does not.
    """
    data = bytes(view)
    if code != 0:
        raise ValueError(f"extension {code} is not known")
    if data == b"\0":
        return None
    if len(data) != 8:
        return data
    try:
        return _EPOCH + timedelta(milliseconds=int.from_bytes(data, signed=True))
    except OverflowError:
        raise ValueError("a Date is out of range") from None


_decoder = msgspec.msgpack.Decoder(ext_hook=_extension)
_encoder = msgspec.msgpack.Encoder()


def decode_value(data: bytes) -> Any:
    """Read any one value as notepack.io writes it. Raises MalformedPacket."""
    try:
        return _decoder.decode(data)
    except RecursionError:
        raise MalformedPacket("msgpack", "is nested too deeply") from None
    except (ValueError, OverflowError, TypeError) as error:  # TypeError: a map whose key cannot be one
        raise MalformedPacket("msgpack", str(error)) from None


def encode_value(value: Any) -> bytes:
    """Write any one value so that notepack.io can read it; what JSON would make text of, such as a time, is text.

    Raises UnencodableValue.
    """
    try:
        return _encoder.encode(msgspec.to_builtins(value, builtin_types=_BINARY, str_keys=True))
    except RecursionError:
        raise UnencodableValue("the value is nested too deeply, or contains itself") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise UnencodableValue(str(error)) from None


def encode(
    kind: PacketType, namespace: str, data: Any = None, ack_id: int | None = None, *, volatile: bool = False
) -> Message:
    """Encode a packet once. Raises UnencodableValue."""
    packet: dict[str, Any] = {"type": int(kind), "nsp": namespace}
    if data is not None:
        packet["data"] = data
    if ack_id is not None:
        packet["id"] = ack_id
    return BinaryMessage(encode_value(packet), volatile=volatile)


def encode_event(
    namespace: str, event: str, args: Sequence[Any], ack_id: int | None = None, *, volatile: bool = False
) -> Message:
    """Encode an EVENT. Raises UnencodableValue for a reserved name or a value that msgpack does not know."""
    if event in RESERVED_EVENTS:
        raise UnencodableValue(f"{event!r} is a reserved event name")
    return encode(PacketType.EVENT, namespace, [event, *args], ack_id, volatile=volatile)
