"""Socket.IO 5 packets over Engine.IO messages.

Source: the Socket.IO protocol, revision 5, section "Packet encoding":
``<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]``, e.g. ``2/admin,12["event","argument"]``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import msgspec

from .binary import deconstruct, has_binary, reconstruct
from .errors import MalformedPacket, MessageTooBig, UnencodableValue, UnexpectedPacket
from .json import decode_json, encode_json, encode_plain_json
from .message import Message

# As the reference parser has it since CVE-2026-33151: a count of a million reserved memory for a million buffers.
ATTACHMENTS_MAX = 10
NAMESPACE_BYTES_MAX = 256
# Ack ids are numbers of JavaScript: past 2^53 two of them would be one.
ACK_ID_DIGITS_MAX = 15

# Names that the reference clients and servers give a meaning of their own; a peer may not send them as events.
RESERVED_EVENTS = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)


class PacketType(IntEnum):
    """Section "Packet types"; the binary two are merged with their plain twins when parsed."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


Source = bytes | tuple[bytes, ...]
"""The message that a packet came as, or its text and then its attachments."""


class Packet(msgspec.Struct, frozen=True, gc=False, eq=False):
    """One packet. `data` is the auth payload of CONNECT, ``[event, *args]`` of EVENT, the arguments of ACK.

    It is in no cycle, so the collector need not look at it.
    """

    type: PacketType
    namespace: str = "/"
    data: Any = None
    id: int | None = None
    source: Source = b""
    """What it was parsed from; two packets may be equal without it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packet) and self._key() == other._key()

    __hash__ = None  # type: ignore[assignment]

    def _key(self) -> tuple[Any, ...]:
        return self.type, self.namespace, self.data, self.id

    @property
    def size(self) -> int:
        """Bytes that came."""
        return len(self.source) if isinstance(self.source, bytes) else sum(map(len, self.source))

    def undecoded(self) -> Packet:
        """The same packet as it came, for one that has to wait: what its value would hold may be fifty times that."""
        return Packet(self.type, self.namespace, None, self.id, self.source) if self.source else self


_HEADER = re.compile(rb"([0-6])(?:(\d{1,9})(-))?(?:(/[^,]*)(?:,|$))?(\d*)")
_EVENT = b"2"
_EVENT_TYPE = PacketType.EVENT


class Decoder:
    """Turns the messages of one connection into packets; holds a binary packet until its attachments are there."""

    __slots__ = ("_attachments", "_bytes_max", "_expected", "_pending")

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._pending: Packet | None = None
        """Without its value, unless that is small: nobody knows how long its attachments will take."""
        self._expected = 0
        self._attachments: list[bytes] = []

    def receive_text(self, data: bytes) -> Packet | None:
        """Parse a text message; give its packet, or None while attachments are outstanding. Raises MalformedPacket."""
        if self._pending is not None:
            raise UnexpectedPacket("text message", f"came before {self._expected} announced attachments")
        # Nearly every packet is an event on "/", with or without an ack id: no need for the whole grammar.
        start = data.find(b"[", 1, ACK_ID_DIGITS_MAX + 2) if data[:1] == _EVENT else 0
        if start == 1:
            return Packet(_EVENT_TYPE, "/", checked_event(decode_json(data[1:])), None, data)
        if start > 1 and (digits := data[1:start]).isdigit():
            return Packet(_EVENT_TYPE, "/", checked_event(decode_json(data[start:])), int(digits), data)
        return self._parse(data)

    def receive_binary(self, data: bytes) -> Packet | None:
        """Take an attachment; give the packet when it was the last. Raises MalformedPacket."""
        if self._pending is None:
            raise UnexpectedPacket("binary message", "belongs to no packet")
        self._attachments.append(data)
        if sum(map(len, self._attachments)) > self._bytes_max:
            raise MessageTooBig(self._bytes_max)
        if len(self._attachments) < self._expected:
            return None
        packet, attachments = self._pending, self._attachments
        self._pending, self._attachments = None, []
        assert isinstance(packet.source, bytes)
        value = _value_of(packet.source) if packet.data is None else packet.data
        source = (packet.source, *attachments)
        return Packet(packet.type, packet.namespace, _reconstructed(value, attachments), packet.id, source)

    def _parse(self, data: bytes) -> Packet | None:
        match = _HEADER.match(data)
        if match is None:
            raise MalformedPacket("Socket.IO packet", "has no known type")
        kind = PacketType(match[1][0] - 0x30)
        expected = _checked_attachments(kind, match[2])
        packet = Packet(
            _PLAIN_TWIN.get(kind, kind),
            _checked_namespace(match[4]),
            _checked_data(kind, data[match.end() :]),
            _checked_id(match[5]),
            data,
        )
        if not expected:
            return packet
        self._pending = packet if len(data) <= _KEPT_DECODED_BYTES_MAX else packet.undecoded()
        self._expected = expected
        return None


# Of a binary packet that waits for its attachments: at most some fifty times this in memory.
_KEPT_DECODED_BYTES_MAX = 4_096


def _reconstructed(value: Any, attachments: list[bytes]) -> Any:
    try:
        return reconstruct(value, attachments)
    except RecursionError:
        raise MalformedPacket("JSON", "is nested too deeply") from None


def _value_of(text: bytes) -> Any:
    match = _HEADER.match(text)
    assert match is not None
    return decode_json(text[match.end() :])


def decode_again(source: Source) -> list[Any]:
    """The `data` of an event that was parsed before, from its `source`."""
    if isinstance(source, bytes):
        return checked_event(decode_json(source[1:]) if source[1:2] == b"[" else _value_of(source))
    text, *attachments = source
    return checked_event(_reconstructed(_value_of(text), attachments))


# An Engine.IO message's type and a Socket.IO packet's, side by side on the wire.
_PREFIXES = [b"4%d" % kind for kind in PacketType]
_PLAIN_TWIN = {PacketType.BINARY_EVENT: PacketType.EVENT, PacketType.BINARY_ACK: PacketType.ACK}
_BINARY_TWIN = {plain: binary for binary, plain in _PLAIN_TWIN.items()}


def _checked_attachments(kind: PacketType, digits: bytes | None) -> int:
    if kind not in _PLAIN_TWIN:
        if digits is not None:
            raise MalformedPacket(kind.name, "announces attachments, which only binary packets have")
        return 0
    if digits is None:
        raise MalformedPacket(kind.name, "says not how many attachments it has")
    if int(digits) > ATTACHMENTS_MAX:
        raise MalformedPacket(kind.name, f"announces more than {ATTACHMENTS_MAX} attachments")
    return int(digits)


def _checked_namespace(name: bytes | None) -> str:
    if name is None:
        return "/"
    if len(name) > NAMESPACE_BYTES_MAX:
        raise MalformedPacket("Socket.IO packet", f"has a namespace longer than {NAMESPACE_BYTES_MAX} bytes")
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise MalformedPacket("Socket.IO packet", "has a namespace that is not UTF-8") from None


def _checked_id(digits: bytes) -> int | None:
    if len(digits) > ACK_ID_DIGITS_MAX:
        raise MalformedPacket("Socket.IO packet", f"has an ack id longer than {ACK_ID_DIGITS_MAX} digits")
    return int(digits) if digits else None


def _checked_data(kind: PacketType, text: bytes) -> Any:
    data = decode_json(text) if text else None
    if kind in (PacketType.EVENT, PacketType.BINARY_EVENT):
        return checked_event(data)
    if kind in (PacketType.ACK, PacketType.BINARY_ACK):
        valid = type(data) is list
    elif kind is PacketType.DISCONNECT:
        valid = not text
    elif kind is PacketType.CONNECT:
        valid = not text or type(data) is dict
    else:
        raise UnexpectedPacket("CONNECT_ERROR", "is for servers to send")
    if not valid:
        raise MalformedPacket(kind.name, "has a payload of the wrong shape")
    return data


def checked_event(data: Any) -> list[Any]:
    """Give the event back if it is one, with its name as a string. Raises MalformedPacket."""
    if type(data) is list and data and type(data[0]) is str and data[0] not in RESERVED_EVENTS:
        return data
    return _normalized_event(data)


def _normalized_event(data: Any) -> list[Any]:
    if type(data) is not list or not data:
        raise MalformedPacket("EVENT", "is not a JSON array with a name")
    if type(data[0]) is int:  # JavaScript's emitter takes a number and compares it as text
        data[0] = str(data[0])
    if type(data[0]) is not str:
        raise MalformedPacket("EVENT", "has a name that is not a string")
    if data[0] in RESERVED_EVENTS:
        raise MalformedPacket("EVENT", f"has the reserved name {data[0]!r}")
    return data


def encode(
    kind: PacketType, namespace: str, data: Any = None, ack_id: int | None = None, *, volatile: bool = False
) -> Message:
    """Encode a packet once, with bytes at any depth as attachments. Raises UnencodableValue."""
    address = _PREFIXES[kind] if namespace == "/" and ack_id is None else _PREFIXES[kind] + _address(namespace, ack_id)
    if data is None:
        return Message(address, volatile=volatile)
    try:
        return Message(address + encode_plain_json(data), volatile=volatile)
    except TypeError:  # bytes, or what only msgspec knows
        pass
    try:
        if has_binary(data):
            return _encode_binary(kind, namespace, data, ack_id, volatile=volatile)
    except RecursionError:
        raise UnencodableValue("the value is nested too deeply, or contains itself") from None
    return Message(address + encode_json(data), volatile=volatile)


def _encode_binary(kind: PacketType, namespace: str, data: Any, ack_id: int | None, *, volatile: bool) -> Message:
    attachments: list[bytes] = []
    data = deconstruct(data, attachments)
    prefix = _PREFIXES[_binary_twin(kind, len(attachments))] + b"%d-" % len(attachments)
    text = prefix + _address(namespace, ack_id) + encode_json(data)
    return Message(text, tuple(attachments), volatile=volatile)


def _address(namespace: str, ack_id: int | None) -> bytes:
    id_ = b"" if ack_id is None else b"%d" % ack_id
    return id_ if namespace == "/" else namespace.encode() + b"," + id_


def _binary_twin(kind: PacketType, count: int) -> PacketType:
    if kind not in _BINARY_TWIN:
        raise UnencodableValue(f"{kind.name} carries no attachments")
    if count > ATTACHMENTS_MAX:  # the reference client closes the connection on such a packet
        raise UnencodableValue(f"{count} binary values are more than the {ATTACHMENTS_MAX} that a client takes")
    return _BINARY_TWIN[kind]


def encode_event(
    namespace: str, event: str, args: Sequence[Any], ack_id: int | None = None, *, volatile: bool = False
) -> Message:
    """Encode an EVENT. Raises UnencodableValue for a reserved name or a value that JSON does not know."""
    if event in RESERVED_EVENTS:
        raise UnencodableValue(f"{event!r} is a reserved event name")
    return encode(PacketType.EVENT, namespace, [event, *args], ack_id, volatile=volatile)
