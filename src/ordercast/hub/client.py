"""One connection: the namespaces its client is in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ordercast.protocol.errors import MalformedPacket, UnexpectedPacket
from ordercast.protocol.socketio import Packet, PacketType

from .connection import Connection
from .reasons import DisconnectReason

if TYPE_CHECKING:
    from .namespace import Namespace
    from .server import Server
    from .socket import Socket


class Entrance:
    """A client on its way into a namespace, while its middlewares decide."""

    __slots__ = ("again", "is_withdrawn", "namespace")

    def __init__(self) -> None:
        self.namespace: Namespace | None = None
        """None while it is not even known whether there is one."""
        self.is_withdrawn = False
        """The client does not want in any more, or wants in anew."""
        self.again: dict[str, Any] | None = None
        """The auth payload of the later CONNECT that takes the place of this one."""


class Client:
    """Takes what one connection receives to the socket it is for. Closes on whatever the protocol does not allow."""

    __slots__ = (
        "_connect_timer",
        "_decoder",
        "closed_for",
        "connection",
        "entrances",
        "sent_away",
        "server",
        "sockets",
        "why",
    )

    def __init__(self, server: Server, connection: Connection) -> None:
        self.server = server
        self.connection = connection
        self.sockets: dict[str, Socket] = {}
        """The client's socket in each namespace it is in, by the namespace's name."""
        self.entrances: dict[str, Entrance] = {}
        """Namespaces that it is about to enter."""
        self.sent_away: frozenset[str] = frozenset()
        """Namespaces that it was told to leave; what it said before it heard of that may still arrive."""
        self.closed_for: DisconnectReason | None = None
        self.why = ""
        """A sentence to the reason, where there is more to say."""
        self._decoder = server.parser.decoder(server.options.message_bytes_max)
        self._connect_timer: asyncio.TimerHandle | None = None
        self._start_connect_timer()

    def __repr__(self) -> str:
        return f"<Client {self.connection.sid} namespaces={list(self.sockets)}>"

    # Told by the connection

    def receive_text(self, data: bytes) -> None:
        """Take a text message. Raises MalformedPacket."""
        try:
            packet = self._decoder.receive_text(data)
            if packet is not None:
                self._receive(packet)
        except MalformedPacket as error:
            self.why = str(error)
            raise

    def receive_binary(self, data: bytes) -> None:
        """Take a binary message. Raises MalformedPacket."""
        try:
            packet = self._decoder.receive_binary(data)
            if packet is not None:
                self._receive(packet)
        except MalformedPacket as error:
            self.why = str(error)
            raise

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

    def disconnect(self) -> None:
        """Tell the client to leave every namespace, so that it stays away, and end the connection."""
        for socket in tuple(self.sockets.values()):
            socket.disconnect()
        self.close(DisconnectReason.SERVER_NAMESPACE_DISCONNECT)

    # Steps

    def _receive(self, packet: Packet) -> None:
        socket = self.sockets.get(packet.namespace)
        if packet.type is PacketType.CONNECT:
            self._connect(packet)
        elif socket is not None:
            socket.receive(packet)
        elif packet.namespace in self.sent_away:
            pass  # it crossed our DISCONNECT on the way
        elif packet.type is PacketType.DISCONNECT:
            self._withdraw(packet.namespace, None)
        elif packet.namespace not in self.entrances and packet.type is PacketType.ACK:
            pass  # a last word that harms nobody
        else:
            raise UnexpectedPacket(packet.type.name, f"came without a connection to {packet.namespace!r}")

    def _connect(self, packet: Packet) -> None:
        """Let the client in; who was in, or on the way, comes anew.

        A page that enters, leaves and enters within one turn, as React's strict mode has it, says CONNECT twice and
        nothing in between: the stock client says goodbye only to a server that has answered.
        """
        name, auth = packet.namespace, packet.data or {}
        if name in self.entrances:
            self._withdraw(name, auth)
            return
        former = self.sockets.get(name)
        if former is not None:
            former.end(DisconnectReason.CLIENT_NAMESPACE_DISCONNECT)
        elif len(self.sockets) + len(self.entrances) >= self.server.options.namespaces_max:
            raise UnexpectedPacket("CONNECT", f"came for more than {self.server.options.namespaces_max} namespaces")
        if self.closed_for is None:
            self.server.admit(self, name, auth)

    def _withdraw(self, name: str, again: dict[str, Any] | None) -> None:
        # The later CONNECT waits for the middlewares of the earlier: nobody can have a thousand of them running.
        entrance = self.entrances.get(name)
        if entrance is not None:
            entrance.is_withdrawn = True
            entrance.again = again

    def _start_connect_timer(self) -> None:
        timeout_s = self.server.options.connect_timeout_s
        self._connect_timer = self.server.loop.call_later(timeout_s, self._connect_timed_out)

    def _connect_timed_out(self) -> None:
        self._connect_timer = None
        if self.entrances:  # a middleware takes its time; whoever it refuses in the end must not stay for ever
            self._start_connect_timer()
        elif not self.sockets:
            self.why = "entered no namespace in time"
            self.close(DisconnectReason.FORCED_SERVER_CLOSE)

    def _stop_connect_timer(self) -> None:
        if self._connect_timer is not None:
            self._connect_timer.cancel()
            self._connect_timer = None
