"""Parts of the hub that report what happens to them; they replace the plain ones on an instrumented server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ordercast.hub.client import Client
from ordercast.hub.connection import Connection
from ordercast.hub.disconnect_reason import DisconnectReason
from ordercast.hub.handshake import Handshake
from ordercast.hub.namespace import Namespace
from ordercast.hub.rooms import Rooms
from ordercast.hub.socket import Socket
from ordercast.protocol.message import Message
from ordercast.protocol.socketio import Packet, PacketType

from .counts import Counts

if TYPE_CHECKING:
    from ordercast.hub.server import Server


class Watcher(Protocol):
    """Receives the reports."""

    counts: Counts

    @property
    def sees_counts(self) -> bool:
        """Whether somebody is looking at all."""
        ...

    @property
    def sees_events(self) -> bool:
        """Whether somebody is looking at each event."""
        ...

    def event_received(self, socket: Socket, packet: Packet, size: int) -> None: ...

    def event_sent(self, client: Client, message: Message) -> None: ...

    def room_joined(self, namespace: Namespace, room: str, socket: Socket) -> None: ...

    def room_left(self, namespace: Namespace, room: str, socket: Socket) -> None: ...


class WatchedClient(Client):
    """A client whose connection is watched in both directions."""

    __slots__ = ("_received_bytes", "_watcher")

    def __init__(self, server: Server, connection: Connection, watcher: Watcher) -> None:
        self._watcher = watcher
        self._received_bytes = 0
        super().__init__(server, WatchedConnection(connection, self, watcher))
        if watcher.sees_counts:
            watcher.counts.connected()

    def receive_text(self, data: bytes) -> None:
        if self._watcher.sees_counts:
            self._watcher.counts.received(data)
            self._received_bytes = len(data)
        super().receive_text(data)

    def receive_binary(self, data: bytes) -> None:
        if self._watcher.sees_counts:
            self._watcher.counts.received(data)
            self._received_bytes += len(data)
        super().receive_binary(data)

    def closed(self, reason: DisconnectReason) -> None:
        if self.closed_for is None and self._watcher.sees_counts:
            self._watcher.counts.disconnected(reason)
        super().closed(reason)

    def _receive(self, packet: Packet) -> None:
        if packet.type is PacketType.EVENT and self._watcher.sees_events:
            socket = self.sockets.get(packet.namespace)
            if socket is not None:
                self._watcher.event_received(socket, packet, self._received_bytes)
        super()._receive(packet)


class WatchedConnection:
    """A `Connection` that reports what is sent over another one."""

    __slots__ = ("_client", "_connection", "_watcher")

    def __init__(self, connection: Connection, client: Client, watcher: Watcher) -> None:
        self._connection = connection
        self._client = client
        self._watcher = watcher

    @property
    def sid(self) -> str:
        return self._connection.sid

    @property
    def handshake(self) -> Handshake:
        return self._connection.handshake

    @property
    def transport_name(self) -> str:
        return self._connection.transport_name

    @property
    def backlog_bytes(self) -> int:
        return self._connection.backlog_bytes

    def send(self, message: Message) -> None:
        self._connection.send(message)
        self._note(message)

    def send_apart(self, message: Message) -> None:
        self._connection.send_apart(message)
        self._note(message)

    def _note(self, message: Message) -> None:
        if self._watcher.sees_counts:
            self._watcher.counts.sent(message)
            if self._watcher.sees_events:
                self._watcher.event_sent(self._client, message)

    def close(self, reason: DisconnectReason) -> None:
        self._connection.close(reason)

    async def drained(self) -> None:
        await self._connection.drained()


class WatchedRooms(Rooms[Socket]):
    """The rooms of a namespace, taken over with everybody in them."""

    __slots__ = ("_namespace", "_watcher")

    def __init__(self, namespace: Namespace, watcher: Watcher) -> None:
        super().__init__()
        self._members = namespace.adapter.rooms._members
        self._namespace = namespace
        self._watcher = watcher

    def join(self, member: Socket, room: str) -> None:
        is_new = member not in self._members.get(room, ())
        super().join(member, room)
        if is_new:
            self._watcher.room_joined(self._namespace, room, member)

    def leave(self, member: Socket, room: str) -> None:
        was_in = member in self._members.get(room, ())
        super().leave(member, room)
        if was_in:
            self._watcher.room_left(self._namespace, room, member)
