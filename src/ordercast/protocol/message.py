"""A message on its way out: encoded once, however many sockets and transports it goes to."""

from __future__ import annotations

from .engineio import RECORD_SEPARATOR, serialize_binary
from .websocket import Opcode, serialize_frame

_TEXT = Opcode.TEXT
_BINARY = Opcode.BINARY


class Message:
    """One Engine.IO packet and the binary attachments that follow it, with each transport's form made at first use.

    A broadcast hands the same object to every socket; whoever needs the WebSocket form first makes it for all.
    """

    __slots__ = ("_frames", "_payload", "attachments", "compress", "deflated", "text", "volatile")

    def __init__(self, text: bytes, attachments: tuple[bytes, ...] = (), *, volatile: bool = False) -> None:
        self.text = text
        """The packet with its type character, e.g. ``b'42["hi"]'``."""
        self.attachments = attachments
        self.volatile = volatile
        """May be dropped when the recipient cannot take it at once."""
        self.compress = True
        """Whether it is worth compressing, should the connection compress at all."""
        self.deflated: bytes | None = None
        """The frames once more, compressed; kept here by whoever compresses."""
        self._frames: bytes | None = None if text or attachments else b""
        self._payload: bytes | None = None

    @property
    def frames(self) -> bytes:
        """The WebSocket frames: one of text, then one per attachment."""
        if self._frames is None:
            self._frames = serialize_frame(_TEXT, self.text)
            for attachment in self.attachments:
                self._frames += serialize_frame(_BINARY, attachment)
        return self._frames

    @property
    def text_frames(self) -> bytes:
        """The same for a client that takes no binary frames: attachments are text in Base64. Such clients are rare, so
        it is not kept.
        """
        if not self.attachments:
            return self.frames
        return b"".join(serialize_frame(_TEXT, text) for text in (self.text, *map(serialize_binary, self.attachments)))

    @property
    def payload(self) -> bytes:
        """The records of a polling body, without a separator at either end."""
        if self._payload is None:
            self._payload = RECORD_SEPARATOR.join((self.text, *map(serialize_binary, self.attachments)))
        return self._payload

    def __len__(self) -> int:
        """Bytes that this message holds while it waits."""
        return len(self.text) + sum(map(len, self.attachments))

    def __repr__(self) -> str:
        return f"<Message {self.text[:60]!r} +{len(self.attachments)} attachments>"


CLOSE = Message(b"1")
PING = Message(b"2")
NOOP = Message(b"6")
NO_FRAMES = Message(b"")
"""Leaves no trace on a WebSocket."""
