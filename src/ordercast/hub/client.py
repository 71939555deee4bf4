"""One connection: the namespaces its client is in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ordercast.protocol.errors import MalformedPacket, UnexpectedPacket, ValueTooBig
from ordercast.protocol.socketio import Packet, PacketType

from .connection import Connection
from .reasons import DisconnectReason

if TYPE_CHECKING:
    from .namespace import Namespace
    from .server import Server
    from .socket import Socket


# A message up to this is decoded without a look at what it will hold: less than a megabyte, and not for long.
UNWEIGHED_BYTES_MAX = 16_384
# What waits and is no larger than this is charged for the worst that it can be, which is cheaper than to look.
SMALL_BYTES_MAX = 1_024
DECODED_PER_BYTE_MAX = 100
# Beside its value: a packet that waits; the task, coroutines and futures of a handler that does; a socket.
PACKET_BYTES = 250
HANDLER_BYTES = 2_000
SOCKET_BYTES = 4_000


class Entrance:
    """A client on its way into a namespace, while its middlewares decide."""

    __slots__ = ("again", "again_bytes", "held_bytes", "is_withdrawn", "namespace")

    def __init__(self, held_bytes: int = 0) -> None:
        self.held_bytes = held_bytes
        """What the client is charged for it."""
        self.again_bytes = 0
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
        "held_bytes",
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
        self.held_bytes = 0
        """What is held in memory for what it sent; see `connection_bytes_max`."""
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
            if len(data) > UNWEIGHED_BYTES_MAX:
                self._check_weight(data)
            packet = self._decoder.receive_text(data)
            if packet is not None:
                self._receive(packet)
        except MalformedPacket as error:
            self.why = str(error)
            raise

    def receive_binary(self, data: bytes) -> None:
        """Take a binary message. Raises MalformedPacket."""
        try:
            if len(data) > UNWEIGHED_BYTES_MAX and self.server.options.parser != "json":
                self._check_weight(data)
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

    # What is held for it

    def hold(self, size: int) -> None:
        """Charge it with bytes of memory; past the bound the connection ends."""
        self.held_bytes += size
        bound = self.server.options.connection_bytes_max
        if self.held_bytes > bound:
            self.why = f"more than {bound} bytes waited for a handler"
            self.close(DisconnectReason.INBOX_FULL)

    def has_room(self, size: int) -> bool:
        """Whether so much more may be held."""
        return self.held_bytes + size <= self.server.options.connection_bytes_max

    def release(self, size: int) -> None:
        """Undo `hold`."""
        self.held_bytes -= size

    def weigh(self, packet: Packet) -> int:
        """What the value of a packet holds at most."""
        source = packet.source
        if packet.size <= SMALL_BYTES_MAX:
            return packet.size * DECODED_PER_BYTE_MAX
        if isinstance(source, bytes):
            return self.server.parser.weigh(source, packet.size)
        return self.server.parser.weigh(source[0], packet.size) + packet.size

    def _check_weight(self, data: bytes) -> None:
        bound = self.server.options.connection_bytes_max
        room = bound - self.held_bytes - self.connection.backlog_bytes
        if self.server.parser.weigh(data, max(room, 1)) > room:
            raise ValueTooBig(bound)

    # Told by the sockets

    def add(self, socket: Socket) -> None:
        self.sent_away -= {socket.namespace.name}
        self.sockets[socket.namespace.name] = socket
        self._stop_connect_timer()

    def remove(self, socket: Socket) -> None:
        self.release(socket._held_bytes)
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
        held_bytes = SOCKET_BYTES + self.weigh(packet)
        if name in self.entrances:
            self._withdraw(name, auth, held_bytes)
            return
        former = self.sockets.get(name)
        if former is not None:
            former.end(DisconnectReason.CLIENT_NAMESPACE_DISCONNECT)
        elif len(self.sockets) + len(self.entrances) >= self.server.options.namespaces_max:
            raise UnexpectedPacket("CONNECT", f"came for more than {self.server.options.namespaces_max} namespaces")
        self.hold(held_bytes)
        if self.closed_for is None:
            self.server.admit(self, name, auth, held_bytes)

    def _withdraw(self, name: str, again: dict[str, Any] | None, held_bytes: int = 0) -> None:
        # The later CONNECT waits for the middlewares of the earlier: nobody can have a thousand of them running.
        entrance = self.entrances.get(name)
        if entrance is not None:
            entrance.is_withdrawn = True
            entrance.again = again
            self.release(entrance.again_bytes)
            entrance.again_bytes = held_bytes
            self.hold(held_bytes)

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
