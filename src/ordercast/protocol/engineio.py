"""Engine.IO 4 packets: a type character and its data, alone in a WebSocket frame or many in a polling payload.

Source: the Engine.IO protocol, revision 4, sections "Packet types" and "Packet encoding".
Everything is bytes, as it comes from and goes to a transport; text is UTF-8.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from enum import IntEnum

import msgspec

from .errors import MalformedPacket

PROTOCOL_VERSION = "4"
RECORD_SEPARATOR = b"\x1e"
# A body within the byte bound can still hold hundreds of thousands of empty packets; no client batches so many.
PAYLOAD_PACKETS_MAX = 10_000


class PacketType(IntEnum):
    """The first byte of a text packet; the value is its ASCII code, so that no conversion is needed to compare."""

    OPEN = ord("0")
    CLOSE = ord("1")
    PING = ord("2")
    PONG = ord("3")
    MESSAGE = ord("4")
    UPGRADE = ord("5")
    NOOP = ord("6")


_TYPES = {int(kind): kind for kind in PacketType}
_BASE64_MARK = b"b"
# What encoders of clients do beside RFC 4648 section 4, and the reference's decoder takes: lines (Android's and Java's
# end each at 76 characters), spaces, the alphabet for URLs, and no padding.
_URL_ALPHABET = bytes.maketrans(b"-_", b"+/")
_WHITE_SPACE = b"\r\n\t "


class Packet(msgspec.Struct, frozen=True, gc=False):
    """One packet; `binary` marks a MESSAGE whose data is raw bytes rather than UTF-8 text."""

    type: PacketType
    data: bytes = b""
    binary: bool = False


class OpenPacket(msgspec.Struct, frozen=True, rename="camel"):
    """The handshake's body; intervals in milliseconds, `max_payload` in bytes."""

    sid: str
    upgrades: list[str]
    ping_interval: int
    ping_timeout: int
    max_payload: int

    def serialize(self) -> bytes:
        """Give the whole OPEN packet."""
        return b"0" + msgspec.json.encode(self)


def parse_packet(data: bytes) -> Packet:
    """Parse one text packet; one that begins with ``b`` is a binary message in Base64, on every transport.

    Raises MalformedPacket when it is empty, of no known type, or no Base64.
    """
    if data[:1] == _BASE64_MARK:
        return _parse_binary(data)
    if not data:
        raise MalformedPacket("Engine.IO packet", "is empty")
    kind = _TYPES.get(data[0])
    if kind is None:
        raise MalformedPacket("Engine.IO packet", f"has unknown type {chr(data[0])!r}")
    return Packet(kind, data[1:])


def parse_payload(body: bytes) -> Iterator[Packet]:
    """Parse a polling body into its packets, in order. Raises MalformedPacket at the first that is not one."""
    records = body.split(RECORD_SEPARATOR)
    if len(records) > PAYLOAD_PACKETS_MAX:
        raise MalformedPacket("polling payload", f"has more than {PAYLOAD_PACKETS_MAX} packets")
    for record in records:
        yield parse_packet(record)


def _parse_binary(record: bytes) -> Packet:
    encoded = record[1:].translate(_URL_ALPHABET, _WHITE_SPACE).rstrip(b"=")
    try:
        attachment = binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4), strict_mode=True)
        return Packet(PacketType.MESSAGE, attachment, binary=True)
    except binascii.Error as error:
        raise MalformedPacket("binary packet", f"is not base64 ({error})") from None


def serialize_payload(packets: Iterable[bytes]) -> bytes:
    """Join serialized packets into a polling body."""
    return RECORD_SEPARATOR.join(packets)


def serialize_binary(attachment: bytes) -> bytes:
    """Give a binary message as text: in a polling body, or for a WebSocket client that takes no binary frames."""
    return _BASE64_MARK + binascii.b2a_base64(attachment, newline=False)
