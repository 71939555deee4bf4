"""The part of RFC 6455 that a server needs beside its frame parser: outgoing frames and whole incoming messages.

A server's frames carry no mask (section 5.1), so one `bytes` object serves every recipient of a broadcast.
"""

from __future__ import annotations

from enum import IntEnum

from .errors import MalformedPacket, MessageTooBig

FIN = 0x80


class Opcode(IntEnum):
    """RFC 6455 section 5.2; the values are those of the wire and of picows' message types."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


# Most frames are short; making their two bytes anew would cost more than all else here.
_SHORT_HEADERS = {opcode: [bytes((FIN | opcode, length)) for length in range(126)] for opcode in Opcode}


def serialize_frame(opcode: Opcode, payload: bytes) -> bytes:
    """Give one unfragmented, unmasked frame (RFC 6455 section 5.2)."""
    length = len(payload)
    if length < 126:
        return _SHORT_HEADERS[opcode][length] + payload
    if length < 1 << 16:
        return bytes((FIN | opcode, 126)) + length.to_bytes(2, "big") + payload
    return bytes((FIN | opcode, 127)) + length.to_bytes(8, "big") + payload


class MessageAssembler:
    """Joins the fragments of one message (RFC 6455 section 5.4), bounded as a whole and not per frame.

    Fragments go into one buffer, so that a million one-byte fragments cost a million bytes, not a million objects.
    """

    __slots__ = ("_buffer", "_bytes_max", "_opcode")

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._opcode: Opcode | None = None
        self._buffer = bytearray()

    @property
    def started(self) -> bool:
        """True between a first fragment and its last."""
        return self._opcode is not None

    def receive_frame(self, opcode: int, payload: bytes, *, fin: bool) -> tuple[Opcode, bytes] | None:
        """Take a data frame; give the whole message when it is complete.

        Raises MalformedPacket when the frame is out of sequence, MessageTooBig past the bound.
        """
        self._check_sequence(opcode)
        if len(self._buffer) + len(payload) > self._bytes_max:
            raise MessageTooBig(self._bytes_max)
        if self._opcode is None:
            self._opcode = Opcode(opcode)
        self._buffer += payload
        if not fin:
            return None
        message = (self._opcode, bytes(self._buffer))
        self._opcode = None
        self._buffer = bytearray()
        return message

    def _check_sequence(self, opcode: int) -> None:
        if self.started and opcode != Opcode.CONTINUATION:
            raise MalformedPacket("WebSocket frame", "a new message began inside a fragmented one")
        if not self.started and opcode == Opcode.CONTINUATION:
            raise MalformedPacket("WebSocket frame", "a continuation of nothing")
