"""Decoding a whole packet: its text, then its attachments."""

from __future__ import annotations

from typing import Protocol

from .errors import MalformedPacket
from .message import Message
from .socketio import Packet


class PacketDecoder(Protocol):
    """Turns the messages of one connection into packets, in order; both methods raise MalformedPacket.

    They give None while attachments of the packet are outstanding.
    """

    def receive_text(self, data: bytes) -> Packet | None: ...

    def receive_binary(self, data: bytes) -> Packet | None: ...


def decode_packet(decoder: PacketDecoder, message: Message) -> Packet | None:
    """Decode what was encoded as `message`; None where attachments are missing. Raises MalformedPacket."""
    if not message.text and not message.attachments:
        raise MalformedPacket("message", "is empty")
    packet = decoder.receive_text(message.text[1:]) if message.text else None
    for attachment in message.attachments:
        packet = decoder.receive_binary(attachment)
    return packet
