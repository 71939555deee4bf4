"""Telling catch-alls what was sent to their sockets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ordercast.protocol.message import Message
from ordercast.protocol.socketio import PacketType

from .parsers import Parser

if TYPE_CHECKING:
    from .socket import Socket


def overhear(parser: Parser, message: Message, sockets: Iterable[Socket]) -> None:
    """Tell each socket's catch-alls of an event that was sent to it; of other packets they are not told.

    It is read back from what was sent: encoding is paid for by everybody, reading only where somebody listens.
    """
    packet = parser.read(message)
    if packet is None or packet.type is not PacketType.EVENT:
        return
    event, *args = packet.data
    for socket in sockets:
        socket.tell_outgoing(event, args)
