"""Compressed WebSocket messages: permessage-deflate (RFC 7692), without a context kept between messages.

So a broadcast is compressed once for all its recipients, and a connection holds no window of 32 KiB in each direction.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from picows import WSFrame, WSMsgType

from ordercast.protocol.errors import MalformedPacket, MessageTooBig
from ordercast.protocol.message import Message
from ordercast.protocol.websocket import Opcode, serialize_frame

from .websocket import WebSocketTransport

# Section 7.1.1: either side may say these, whatever the other has offered.
DEFLATE_ACCEPTED = (
    b"sec-websocket-extensions",
    b"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
)
# The fastest level: on events of some hundred bytes, higher ones gain a few percent and cost twice the time.
_LEVEL = 1
_RAW = -zlib.MAX_WBITS
# Section 7.2.1: an empty block ends each message, and its last four bytes are left out.
_TAIL = b"\x00\x00\xff\xff"
# What may follow a final block (section 7.2.3.4): the tail, with or without the byte that begins another block.
_AFTER_FINAL = frozenset({b"", _TAIL, b"\x00" + _TAIL})
_RSV1 = 0x40


class DeflatingTransport(WebSocketTransport):
    """A WebSocket whose client has agreed to compression."""

    __slots__ = ("_compressed",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._compressed = False
        """The message that is being received is."""

    def write(self, messages: Sequence[Message]) -> None:
        bytes_min = self._engine.options.compression_bytes_min
        self._write(b"".join([deflated_frames(message, bytes_min) for message in messages]))

    def _receive_reserved(self, frame: WSFrame) -> None:
        """Section 6.2: RSV1 marks a compressed message, on its first frame alone."""
        if frame.rsv2 or frame.rsv3 or frame.msg_type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            super()._receive_reserved(frame)
        self._compressed = True
        self._assemble(frame)

    def _receive_message(self, opcode: Opcode, data: bytes) -> None:
        if self._compressed:
            self._compressed = False
            data = inflate(data, self._engine.options.message_bytes_max)
            self._allowance -= len(data) >> 10  # a kilobyte may have come as a few bytes, but is work all the same
        super()._receive_message(opcode, data)


def accepts_deflate(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether one of a client's offers is one that we can take (section 7.1)."""
    offers = b",".join(value for name, value in headers if name == b"sec-websocket-extensions")
    return any(_can_take(offer) for offer in offers.split(b","))


def _can_take(offer: bytes) -> bool:
    name, *parameters = (part.strip().lower() for part in offer.split(b";"))
    if name != b"permessage-deflate" or len(set(parameters)) < len(parameters):
        return False
    return all(_known(parameter) for parameter in parameters)


def _known(parameter: bytes) -> bool:
    """A window of ours smaller than usual would need a form of each broadcast of its own: such an offer is declined."""
    name, _, value = parameter.partition(b"=")
    value = value.strip(b'"')
    if name == b"server_max_window_bits":
        return value == b"15"
    if name == b"client_max_window_bits":
        return value in (b"", *(b"%d" % bits for bits in range(8, 16)))
    return parameter in (b"server_no_context_takeover", b"client_no_context_takeover")


def deflated_frames(message: Message, bytes_min: int) -> bytes:
    """The frames of a message for clients that take compressed ones; made once."""
    if not message.compress or len(message) < bytes_min:
        return message.frames
    if message.deflated is None:
        frames = [_frame(Opcode.TEXT, message.text, bytes_min)] if message.text else []
        frames += [_frame(Opcode.BINARY, attachment, bytes_min) for attachment in message.attachments]
        message.deflated = b"".join(frames)
    return message.deflated


def _frame(opcode: Opcode, payload: bytes, bytes_min: int) -> bytes:
    if len(payload) >= bytes_min:
        compressor = zlib.compressobj(_LEVEL, wbits=_RAW)
        compressed = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)[: -len(_TAIL)]
        if len(compressed) < len(payload):
            frame = serialize_frame(opcode, compressed)
            return bytes((frame[0] | _RSV1,)) + frame[1:]
    return serialize_frame(opcode, payload)


def inflate(data: bytes, bytes_max: int) -> bytes:
    """Decompress a message. Raises MalformedPacket, and MessageTooBig before more than the bound is made."""
    decompressor = zlib.decompressobj(_RAW)
    try:
        inflated = decompressor.decompress(data + _TAIL, bytes_max + 1)
    except zlib.error as error:
        raise MalformedPacket("compressed message", str(error)) from None
    if len(inflated) > bytes_max:
        raise MessageTooBig(bytes_max)
    if decompressor.unused_data not in _AFTER_FINAL:
        raise MalformedPacket("compressed message", "goes on behind its final block")
    return inflated
