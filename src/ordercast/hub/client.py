"""One connection: the namespaces its client is in."""

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

# A message up to this is decoded without a look at what it will hold: less than a megabyte, and not for long.
UNWEIGHED_BYTES_MAX = 16_384
# What waits and is no larger than this is charged for the worst that it can be, which is cheaper than to look.
SMALL_BYTES_MAX = 1_024
DECODED_PER_BYTE_MAX = 100
# A socket, beside its rooms and its auth payload.
SOCKET_BYTES = 4_000


class PendingConnect:
    """A CONNECT that is not answered yet: the namespace or its middlewares have not decided."""

    __slots__ = ("held_bytes", "is_withdrawn", "namespace", "retry_auth", "retry_bytes")

    def __init__(self, held_bytes: int = 0) -> None:
        self.held_bytes = held_bytes
        """What the client is charged for it."""
        self.namespace: Namespace[Socket] | None = None
        """None while it is not even known whether there is one."""
        self.is_withdrawn = False
        """The client has disconnected meanwhile, or connects anew."""
        self.retry_auth: dict[str, Any] | None = None
        """The auth payload of the later CONNECT that takes the place of this one."""
        self.retry_bytes = 0
        """What the client is charged for that."""


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
    """Takes what one connection receives to the socket it is for. Closes on whatever the protocol does not allow."""

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
        """Its CONNECTs that are not answered yet, by the namespace's name."""
        self.disconnected_namespaces: frozenset[str] = frozenset()
        """Namespaces that we disconnected it from; packets that it sent before it knew may still arrive."""
        self.closed_for: DisconnectReason | None = None
        self.held_bytes = 0
        """What is held in memory for what it sent; see `connection_bytes_max`."""
        self.disconnect_description = ""
        """A sentence to the reason, where there is more to say."""
        self._decoder = server.parser.decoder(server.options.message_bytes_max)
        self._connect_timer: asyncio.TimerHandle | None = None
        self._start_connect_timer()

    def __repr__(self) -> str:
        return f"<Client {self.connection.sid} namespaces={list(self.sockets)}>"

    # Called by the connection

    def receive_text(self, data: bytes) -> None:
        """Take a text message. Raises MalformedPacket."""
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
        """Take a binary message. Raises MalformedPacket."""
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
            self.disconnect_description = f"more than {bound} bytes waited for a handler"
            self.close(DisconnectReason.INBOX_FULL)

    def can_hold(self, size: int) -> bool:
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

    # Called by the sockets

    def add(self, socket: Socket) -> None:
        """Give a socket what comes for its namespace."""
        self.disconnected_namespaces -= {socket.namespace.name}
        self.sockets[socket.namespace.name] = socket
        self._stop_connect_timer()

    def remove(self, socket: Socket) -> None:
        """Forget a socket that has ended, and what was held for it."""
        self.release(socket.held_bytes)
        if self.sockets.get(socket.namespace.name) is socket:
            del self.sockets[socket.namespace.name]

    def close(self, reason: DisconnectReason) -> None:
        """End the connection and every socket on it, at once."""
        if self.closed_for is None:
            self.connection.close(reason)
            self.closed(reason)

    def disconnect(self) -> None:
        """Disconnect the client from every namespace, so that it stays away, and end the connection."""
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
            pass  # it crossed our DISCONNECT on the way
        elif packet.type is PacketType.DISCONNECT:
            self._withdraw(packet.namespace, None)
        elif packet.namespace not in self.pending_connects and packet.type is PacketType.ACK:
            pass  # a late answer harms nobody
        else:
            raise UnexpectedPacket(packet.type.name, f"came without a connection to {packet.namespace!r}")

    def _connect(self, packet: Packet) -> None:
        """Connect the client to a namespace; one that is connected, or connecting, connects anew.

        A page that enters, leaves and enters within one turn, as React's strict mode has it, sends CONNECT twice and
        nothing in between: the stock client sends DISCONNECT only to a server that has answered.
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
        # The later CONNECT waits for the middlewares of the earlier: nobody can have a thousand of them running.
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
        if self.pending_connects:  # a middleware takes its time; whoever it refuses in the end must not stay for ever
            self._start_connect_timer()
        elif not self.sockets:
            self.disconnect_description = "entered no namespace in time"
            self.close(DisconnectReason.FORCED_SERVER_CLOSE)

    def _stop_connect_timer(self) -> None:
        if self._connect_timer is not None:
            self._connect_timer.cancel()
            self._connect_timer = None
