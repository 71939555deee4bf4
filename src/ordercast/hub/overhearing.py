"""Telling catch-alls what was sent to their sockets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ordercast.protocol.message import Message
from ordercast.protocol.socketio import Decoder, Packet, PacketType

if TYPE_CHECKING:
    from .socket import Socket


def overhear(message: Message, sockets: Iterable[Socket]) -> None:
    """Tell each socket's catch-alls of an event that was sent to it; of other packets they are not told.

    It is read back from what was sent: encoding is paid for by everybody, reading only where somebody listens.
    """
    packet = _read(message)
    if packet is None or packet.type is not PacketType.EVENT:
        return
    event, *args = packet.data
    for socket in sockets:
        socket.tell_outgoing(event, args)


def _read(message: Message) -> Packet | None:
    decoder = Decoder(len(message))
    packet = decoder.receive_text(message.text[1:])
    for attachment in message.attachments:
        packet = decoder.receive_binary(attachment)
    return packet
