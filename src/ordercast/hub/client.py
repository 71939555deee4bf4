"""One connection: the namespaces its client is in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ordercast.protocol.errors import UnexpectedPacket
from ordercast.protocol.socketio import Decoder, Packet, PacketType

from .connection import Connection
from .reasons import DisconnectReason

if TYPE_CHECKING:
    from .server import Server
    from .socket import Socket


class Client:
    """Takes what one connection receives to the socket it is for. Closes on whatever the protocol does not allow."""

    __slots__ = ("_connect_timer", "_decoder", "closed_for", "connection", "pending", "sent_away", "server", "sockets")

    def __init__(self, server: Server, connection: Connection) -> None:
        self.server = server
        self.connection = connection
        self.sockets: dict[str, Socket] = {}
        """The client's socket in each namespace it is in, by the namespace's name."""
        self.pending: set[str] = set()
        """Namespaces whose middlewares have not decided yet."""
        self.sent_away: frozenset[str] = frozenset()
        """Namespaces that it was told to leave; what it said before it heard of that may still arrive."""
        self.closed_for: DisconnectReason | None = None
        self._decoder = Decoder(server.options.message_bytes_max)
        self._connect_timer: asyncio.TimerHandle | None = None
        self._start_connect_timer()

    def __repr__(self) -> str:
        return f"<Client {self.connection.sid} namespaces={list(self.sockets)}>"

    # Told by the connection

    def receive_text(self, data: bytes) -> None:
        """Take a text message. Raises MalformedPacket."""
        packet = self._decoder.receive_text(data)
        if packet is not None:
            self._receive(packet)

    def receive_binary(self, data: bytes) -> None:
        """Take a binary message. Raises MalformedPacket."""
        packet = self._decoder.receive_binary(data)
        if packet is not None:
            self._receive(packet)

    def closed(self, reason: DisconnectReason) -> None:
        """The connection has ended: every socket on it ends too."""
        if self.closed_for is not None:
            return
        self.closed_for = reason
        self._stop_connect_timer()
        for socket in tuple(self.sockets.values()):
            socket.end(reason)
        self.server.forget(self)

    # Told by the sockets

    def add(self, socket: Socket) -> None:
        self.pending.discard(socket.namespace.name)
        self.sent_away -= {socket.namespace.name}
        self.sockets[socket.namespace.name] = socket
        self._stop_connect_timer()

    def remove(self, socket: Socket) -> None:
        if self.sockets.get(socket.namespace.name) is socket:
            del self.sockets[socket.namespace.name]

    def close(self, reason: DisconnectReason) -> None:
        """End the connection and every socket on it, at once."""
        if self.closed_for is None:
            self.connection.close(reason)
            self.closed(reason)

    def _receive(self, packet: Packet) -> None:
        socket = self.sockets.get(packet.namespace)
        if packet.type is PacketType.CONNECT:
            self._connect(packet)
        elif socket is not None:
            socket.receive(packet)
        elif packet.namespace in self.sent_away:
            pass  # it crossed our DISCONNECT on the way
        elif packet.namespace not in self.pending and packet.type in (PacketType.ACK, PacketType.DISCONNECT):
            pass  # a last word that harms nobody
        else:
            raise UnexpectedPacket(packet.type.name, f"came without a connection to {packet.namespace!r}")

    def _connect(self, packet: Packet) -> None:
        name = packet.namespace
        if name in self.sockets or name in self.pending:
            raise UnexpectedPacket("CONNECT", f"came twice for {name!r}")
        if len(self.sockets) + len(self.pending) >= self.server.options.namespaces_max:
            raise UnexpectedPacket("CONNECT", f"came for more than {self.server.options.namespaces_max} namespaces")
        self.server.admit(self, name, packet.data or {})

    def _start_connect_timer(self) -> None:
        timeout_s = self.server.options.connect_timeout_s
        self._connect_timer = self.server.loop.call_later(timeout_s, self._connect_timed_out)

    def _connect_timed_out(self) -> None:
        self._connect_timer = None
        if self.pending:  # a middleware takes its time; whoever it refuses in the end must not stay for ever
            self._start_connect_timer()
        elif not self.sockets:
            self.close(DisconnectReason.FORCED_SERVER_CLOSE)

    def _stop_connect_timer(self) -> None:
        if self._connect_timer is not None:
            self._connect_timer.cancel()
            self._connect_timer = None
