"""The server as its dashboard sees it: a snapshot on entering, then each change, and figures every two seconds."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import time
from typing import Any, Final

from ordercast.hub.client import Client
from ordercast.hub.connection import Connection
from ordercast.hub.disconnect_reason import DisconnectReason
from ordercast.hub.namespace import Namespace
from ordercast.hub.server import Server
from ordercast.hub.socket import Socket
from ordercast.protocol.decoding import decode_packet
from ordercast.protocol.errors import MalformedPacket, UnencodableValue
from ordercast.protocol.message import Message
from ordercast.protocol.socketio import Decoder, Packet

from .commands import FEATURES
from .counts import Counts
from .describe import describe_data, describe_socket, timestamp
from .mode import Mode
from .watched import WatchedClient, WatchedRooms

# The reference's; its dashboard counts a server as unhealthy after ten seconds of silence.
STATS_INTERVAL_S: Final = 2.0
# Sockets that one who opens the dashboard is shown, about 1 kB each; for more there is the production mode.
SOCKETS_LISTED_MAX: Final = 10_000
# Past this an event is shown by its name and size: a large one for a thousand sockets is a thousand rows.
EVENT_BYTES_MAX: Final = 10_000

_EVENTS: Final = (b"42", b"45")


class Dashboard:
    """The `Observer` of an instrumented server. While nobody is in the admin namespace it does nothing."""

    def __init__(self, server: Server, admin: Namespace, mode: Mode, server_id: str, *, read_only: bool) -> None:
        self.counts = Counts()
        self._server = server
        self._admin = admin
        self._mode = mode
        self._features = [*(() if read_only else FEATURES), "AGGREGATED_EVENTS"]
        if mode is Mode.DEVELOPMENT:
            self._features.append("ALL_EVENTS")
        self._about = {"serverId": server_id, "hostname": platform.node(), "pid": os.getpid()}
        self._started_s = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self._own = re.compile(rb"4(?:2|5\d+-)%s," % re.escape(admin.name.encode()))
        self._last_sent: tuple[Message, Packet | None] | None = None
        self._shown: dict[Socket, tuple[str, Any]] = {}
        """Transport and data of each socket as the dashboard knows them: neither reports its changes."""

    def __repr__(self) -> str:
        return f"<Dashboard {self._about['serverId']} {self._mode} watched_by={len(self._admin.sockets)}>"

    @property
    def sees_counts(self) -> bool:
        return bool(self._admin.sockets)

    @property
    def sees_events(self) -> bool:
        return self._mode is Mode.DEVELOPMENT and bool(self._admin.sockets)

    # Whoever opens the dashboard

    def opened(self, viewer: Socket) -> None:
        """Send a socket of the admin namespace the present state."""
        if self._timer is None:
            self._timer = self._server.loop.call_later(STATS_INTERVAL_S, self._tick)
        viewer.emit("config", {"supportedFeatures": self._features})
        viewer.emit("server_stats", self._stats([]))
        if self._mode is Mode.DEVELOPMENT:
            viewer.emit("all_sockets", [self._describe(socket) for socket in self._sockets()])

    def _tick(self) -> None:
        counts, self.counts = self.counts, Counts()
        self._last_sent = None
        if not self._admin.sockets:
            self._timer = None
            self._shown.clear()
            return
        self._timer = self._server.loop.call_later(STATS_INTERVAL_S, self._tick)
        self._admin.emit("server_stats", self._stats(counts.describe(time.time())))
        self._emit_changes()

    def _stats(self, aggregated: list[dict[str, Any]]) -> dict[str, Any]:
        clients = self._server.clients
        return {
            **self._about,
            "uptime": time.monotonic() - self._started_s,
            "clientsCount": len(clients),
            "pollingClientsCount": sum(client.connection.transport_name == "polling" for client in clients),
            "aggregatedEvents": aggregated,
            "namespaces": [
                {"name": namespace.name, "socketsCount": len(namespace.sockets)}
                for namespace in self._server.namespaces()
            ],
        }

    def _sockets(self) -> list[Socket]:
        sockets = [socket for namespace in self._server.namespaces() for socket in namespace.sockets.values()]
        return sockets[:SOCKETS_LISTED_MAX]

    def _describe(self, socket: Socket) -> dict[str, Any]:
        self._shown[socket] = _changing(socket)
        return describe_socket(socket, self._server.options.path)

    def _emit_changes(self) -> None:
        for socket, known in self._shown.items():
            changing = transport, data = _changing(socket)
            if changing != known:
                self._shown[socket] = changing
                about = {"id": socket.id, "nsp": socket.namespace.name, "transport": transport, "data": data}
                self._admin.emit("socket_updated", about)

    # Called by the server

    def open(self, connection: Connection) -> Client:
        return WatchedClient(self._server, connection, self)

    def namespace_made(self, namespace: Namespace) -> None:
        """Watch the rooms of a namespace, where single rooms are shown."""
        if self._mode is Mode.DEVELOPMENT:
            namespace.adapter.rooms = WatchedRooms(namespace, self)

    def socket_entered(self, socket: Socket) -> None:
        if self.sees_events:
            self._admin.emit("socket_connected", self._describe(socket), _now())

    def socket_left(self, socket: Socket, reason: DisconnectReason) -> None:
        if self._shown.pop(socket, None) is not None and self.sees_events:
            self._admin.emit("socket_disconnected", socket.namespace.name, socket.id, reason.value, _now())

    # Called by what is watched

    def room_joined(self, namespace: Namespace, room: str, socket: Socket) -> None:
        if self.sees_events:
            self._admin.emit("room_joined", namespace.name, room, socket.id, _now())

    def room_left(self, namespace: Namespace, room: str, socket: Socket) -> None:
        if self.sees_events:
            self._admin.emit("room_left", namespace.name, room, socket.id, _now())

    def event_received(self, socket: Socket, packet: Packet, size: int) -> None:
        if socket.namespace is not self._admin:
            self._emit_event("event_received", socket, packet, size)

    def event_sent(self, client: Client, message: Message) -> None:
        # Showing the dashboard what it was sent would never end.
        packet = None if self._own.match(message.text) else self._decoded(message)
        socket = client.sockets.get(packet.namespace) if packet is not None else None
        if packet is not None and socket is not None:
            self._emit_event("event_sent", socket, packet, len(message))

    def _decoded(self, message: Message) -> Packet | None:
        """The event in a message on its way out, None for anything else; a broadcast is decoded once."""
        if self._last_sent is None or self._last_sent[0] is not message:
            self._last_sent = message, _decode_event(message)
        return self._last_sent[1]

    def _emit_event(self, kind: str, socket: Socket, packet: Packet, size: int) -> None:
        args = packet.data if size <= EVENT_BYTES_MAX else [packet.data[0], f"({size} bytes, not shown)"]
        # Volatile, because a dashboard that cannot keep up should miss rows of a table rather than its connection.
        viewers = self._admin.volatile
        try:
            viewers.emit(kind, socket.namespace.name, socket.id, args, _now())
        except UnencodableValue as error:  # as deep as can be read, it cannot be encoded two levels deeper
            viewers.emit(kind, socket.namespace.name, socket.id, [packet.data[0], f"({error})"], _now())


def _decode_event(message: Message) -> Packet | None:
    if message.text[:2] not in _EVENTS:
        return None
    try:
        return decode_packet(Decoder(len(message)), message)
    except MalformedPacket:  # nested more deeply than can be read, though not than can be written
        return None


def _changing(socket: Socket) -> tuple[str, Any]:
    return socket.transport_name, describe_data(socket.data)


def _now() -> str:
    return timestamp(time.time())
