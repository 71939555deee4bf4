"""A connection, and its sockets by namespace."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from ordercast.protocol.errors import MalformedPacket, UnexpectedPacket, ValueTooBig
from ordercast.protocol.socketio import Packet, PacketType

from .connection import Connection
from .disconnect_reason import DisconnectReason
from .namespace import Namespace
from .options import Options
from .parsers import Parser
from .socket import Socket

# Smaller messages are decoded without an estimate of their memory.
UNWEIGHED_BYTES_MAX = 16_384
# Smaller waiting packets are charged their worst case, which is cheaper than an estimate.
SMALL_BYTES_MAX = 1_024
DECODED_PER_BYTE_MAX = 100
# Memory of a socket, without rooms and auth payload.
SOCKET_BYTES = 4_000


class PendingConnect:
    """A CONNECT that is being decided, by the namespace or its middlewares."""

    __slots__ = ("held_bytes", "is_withdrawn", "namespace", "retry_auth", "retry_bytes")

    def __init__(self, held_bytes: int = 0) -> None:
        self.held_bytes = held_bytes
        """The client's memory charge for it."""
        self.namespace: Namespace[Socket] | None = None
        """None until the namespace is known."""
        self.is_withdrawn = False
        """The client disconnected or connects anew."""
        self.retry_auth: dict[str, Any] | None = None
        """The auth payload of the CONNECT that replaces this one."""
        self.retry_bytes = 0
        """The client's memory charge for that."""


class ClientServer(Protocol):
    """What a client needs of its server; see `Server`."""

    @property
    def options(self) -> Options: ...

    @property
    def parser(self) -> Parser: ...

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None: ...

    def connect(self, client: Client, namespace: str, auth: dict[str, Any], held_bytes: int = 0) -> None: ...

    def forget(self, client: Client) -> None: ...


class Client:
    """Routes a connection's packets to its sockets; closes it on protocol errors."""

    __slots__ = (
        "_connect_timer",
        "_decoder",
        "closed_for",
        "connection",
        "disconnect_description",
        "disconnected_namespaces",
        "held_bytes",
        "pending_connects",
        "server",
        "sockets",
    )

    def __init__(self, server: ClientServer, connection: Connection) -> None:
        self.server = server
        self.connection = connection
        self.sockets: dict[str, Socket] = {}
        """The client's socket in each namespace it is in, by the namespace's name."""
        self.pending_connects: dict[str, PendingConnect] = {}
        """CONNECTs being decided, by the namespace's name."""
        self.disconnected_namespaces: frozenset[str] = frozenset()
        """Namespaces that the server disconnected it from; its late packets are ignored."""
        self.closed_for: DisconnectReason | None = None
        self.held_bytes = 0
        """Memory held for what it sent; see `connection_bytes_max`."""
        self.disconnect_description = ""
        """Details of the reason, if any."""
        self._decoder = server.parser.decoder(server.options.message_bytes_max)
        self._connect_timer: asyncio.TimerHandle | None = None
        self._start_connect_timer()

    def __repr__(self) -> str:
        return f"<Client {self.connection.sid} namespaces={list(self.sockets)}>"

    # Called by the connection

    def receive_text(self, data: bytes) -> None:
        """Handle a text message. Raises MalformedPacket."""
        try:
            if len(data) > UNWEIGHED_BYTES_MAX:
                self._check_weight(data)
            packet = self._decoder.receive_text(data)
            if packet is not None:
                self._receive(packet)
        except MalformedPacket as error:
            self.disconnect_description = str(error)
            raise

    def receive_binary(self, data: bytes) -> None:
        """Handle a binary message. Raises MalformedPacket."""
        try:
            if len(data) > UNWEIGHED_BYTES_MAX and self.server.options.parser != "json":
                self._check_weight(data)
            packet = self._decoder.receive_binary(data)
            if packet is not None:
                self._receive(packet)
        except MalformedPacket as error:
            self.disconnect_description = str(error)
            raise

    def closed(self, reason: DisconnectReason) -> None:
        """End every socket of the closed connection."""
        if self.closed_for is not None:
            return
        self.closed_for = reason
        self._stop_connect_timer()
        for socket in tuple(self.sockets.values()):
            socket.end(reason)
        self.server.forget(self)

    # What is held for it

    def hold(self, size: int) -> None:
        """Charge memory; beyond the limit the connection is closed."""
        self.held_bytes += size
        bound = self.server.options.connection_bytes_max
        if self.held_bytes > bound:
            self.disconnect_description = f"more than {bound} bytes waited for a handler"
            self.close(DisconnectReason.INBOX_FULL)

    def can_hold(self, size: int) -> bool:
        """Whether so many more bytes may be charged."""
        return self.held_bytes + size <= self.server.options.connection_bytes_max

    def release(self, size: int) -> None:
        """Undo `hold`."""
        self.held_bytes -= size

    def weigh(self, packet: Packet) -> int:
        """The maximum memory of a packet's value."""
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

    # Called by the sockets

    def add(self, socket: Socket) -> None:
        """Route a namespace's packets to a socket."""
        self.disconnected_namespaces -= {socket.namespace.name}
        self.sockets[socket.namespace.name] = socket
        self._stop_connect_timer()

    def remove(self, socket: Socket) -> None:
        """Remove an ended socket and its charges."""
        self.release(socket.held_bytes)
        if self.sockets.get(socket.namespace.name) is socket:
            del self.sockets[socket.namespace.name]

    def close(self, reason: DisconnectReason) -> None:
        """Close the connection and its sockets at once."""
        if self.closed_for is None:
            self.connection.close(reason)
            self.closed(reason)

    def disconnect(self) -> None:
        """Disconnect the client from every namespace, so that it does not reconnect, and close the connection."""
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
        elif packet.namespace in self.disconnected_namespaces:
            pass  # it crossed our DISCONNECT
        elif packet.type is PacketType.DISCONNECT:
            self._withdraw(packet.namespace, None)
        elif packet.namespace not in self.pending_connects and packet.type is PacketType.ACK:
            pass  # a late answer is harmless
        else:
            raise UnexpectedPacket(packet.type.name, f"came without a connection to {packet.namespace!r}")

    def _connect(self, packet: Packet) -> None:
        """Connect the client to a namespace; again, if it is connected or connecting.

        A page that connects, disconnects and connects in one turn, as in React's strict mode, sends two CONNECTs: the
        stock client sends DISCONNECT only after an answer.
        """
        name, auth = packet.namespace, packet.data or {}
        held_bytes = SOCKET_BYTES + self.weigh(packet)
        if name in self.pending_connects:
            self._withdraw(name, auth, held_bytes)
            return
        former = self.sockets.get(name)
        if former is not None:
            former.end(DisconnectReason.CLIENT_NAMESPACE_DISCONNECT)
        elif len(self.sockets) + len(self.pending_connects) >= self.server.options.namespaces_max:
            raise UnexpectedPacket("CONNECT", f"came for more than {self.server.options.namespaces_max} namespaces")
        self.hold(held_bytes)
        if self.closed_for is None:
            self.server.connect(self, name, auth, held_bytes)

    def _withdraw(self, name: str, retry_auth: dict[str, Any] | None, held_bytes: int = 0) -> None:
        # The later CONNECT waits for the earlier one's middlewares, so a client cannot run thousands.
        pending = self.pending_connects.get(name)
        if pending is not None:
            pending.is_withdrawn = True
            pending.retry_auth = retry_auth
            self.release(pending.retry_bytes)
            pending.retry_bytes = held_bytes
            self.hold(held_bytes)

    def _start_connect_timer(self) -> None:
        timeout_s = self.server.options.connect_timeout_s
        self._connect_timer = self.server.loop.call_later(timeout_s, self._connect_timed_out)

    def _connect_timed_out(self) -> None:
        self._connect_timer = None
        if self.pending_connects:  # middlewares are slow; a client without sockets must not stay forever
            self._start_connect_timer()
        elif not self.sockets:
            self.disconnect_description = "entered no namespace in time"
            self.close(DisconnectReason.FORCED_SERVER_CLOSE)

    def _stop_connect_timer(self) -> None:
        if self._connect_timer is not None:
            self._connect_timer.cancel()
            self._connect_timer = None
