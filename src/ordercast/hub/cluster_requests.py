"""Serves other nodes' requests on this node's sockets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, assert_never

import msgspec

from .acks import AckResponses
from .adapter import Adapter, Flags, NamespaceSocket
from .cluster import Cluster
from .cluster_messages import (
    BroadcastWithAck,
    Disconnect,
    Emit,
    EncodedEvent,
    FetchSockets,
    Join,
    Leave,
    Request,
    Response,
    ServerSideEmit,
    ServerSideEmitWithAck,
    SocketDetails,
    Target,
    pack,
    unpack,
)
from .namespace import Namespace
from .runtime import Runtime

log = logging.getLogger("ordercast.hub")

_NOWHERE: Final = AckResponses([], complete=True)


class ClusterRequestHandler:
    """Acts on this node's sockets only: nothing goes back to the bus."""

    def __init__(self, runtime: Runtime, cluster: Cluster, find: Callable[[str], Namespace[Any] | None]) -> None:
        self._runtime = runtime
        self._cluster = cluster
        self._find = find

    def handle(self, request: Request) -> None:
        """Serve another node's request. Raises MalformedPacket."""
        match request:
            case Emit():
                self._emit(request)
            case Join():
                self._join(request)
            case Leave():
                self._leave(request)
            case Disconnect():
                self._disconnect(request)
            case ServerSideEmit():
                self._server_side_emit(request)
            case FetchSockets():
                self._fetch_sockets(request)
            case BroadcastWithAck():
                self._runtime.spawn(self._broadcast_with_ack(request))
            case ServerSideEmitWithAck():
                self._runtime.spawn(self._server_side_emit_with_ack(request))
            case _:
                assert_never(request)

    def _adapter(self, target: Target) -> Adapter[Any] | None:
        namespace = self._find(target.namespace)
        return None if namespace is None else namespace.adapter

    def _emit(self, request: Emit) -> None:
        target, adapter = request.target, self._adapter(request.target)
        if adapter is not None:
            event, *args = unpack(request.event)
            flags = Flags(volatile=request.volatile, compress=request.compress, local=True)
            adapter.emit(event, args, target.rooms, target.excluded, flags)

    def _join(self, request: Join) -> None:
        target, adapter = request.target, self._adapter(request.target)
        if adapter is not None:
            adapter.add_sockets(request.rooms, target.rooms, target.excluded, local=True)

    def _leave(self, request: Leave) -> None:
        target, adapter = request.target, self._adapter(request.target)
        if adapter is not None:
            adapter.del_sockets(request.rooms, target.rooms, target.excluded, local=True)

    def _disconnect(self, request: Disconnect) -> None:
        target, adapter = request.target, self._adapter(request.target)
        if adapter is not None:
            adapter.disconnect_sockets(target.rooms, target.excluded, local=True, close=request.close)

    def _server_side_emit(self, request: ServerSideEmit) -> None:
        namespace = self._find(request.namespace)
        if namespace is not None:
            event, *args = unpack(request.event)
            namespace.notify(event, *args)

    def _fetch_sockets(self, request: FetchSockets) -> None:
        target, adapter = request.target, self._adapter(request.target)
        sockets = [] if adapter is None else list(adapter.recipients(target.rooms, target.excluded))
        details = [_describe(socket) for socket in sockets]
        self._cluster.respond(request.node, Response(request.id, self._cluster.node, sockets=details))

    async def _broadcast_with_ack(self, request: BroadcastWithAck) -> None:
        target, adapter = request.target, self._adapter(request.target)
        event, *args = unpack(request.event)
        flags = Flags(request.volatile, request.compress, local=True, timeout_s=request.timeout_s)
        responses, complete = (
            _NOWHERE
            if adapter is None
            else await adapter.broadcast_with_ack(event, args, target.rooms, target.excluded, flags)
        )
        values = [pack("answer", response) for response in responses]
        self._cluster.respond(request.node, Response(request.id, self._cluster.node, values, is_complete=complete))

    async def _server_side_emit_with_ack(self, request: ServerSideEmitWithAck) -> None:
        namespace = self._find(request.namespace)
        event, *args = unpack(request.event)
        values: list[EncodedEvent] = []
        try:
            for handler in namespace.handlers(event) if namespace is not None else ():
                value = handler(*args)
                value = await value if hasattr(value, "__await__") else value
                if value is not None and not values:
                    values.append(pack("answer", [value]))
        except Exception:
            log.exception("handler failed: event=%r", event)
        self._cluster.respond(request.node, Response(request.id, self._cluster.node, values))


def _describe(socket: NamespaceSocket) -> SocketDetails:
    handshake = socket.handshake
    return SocketDetails(
        socket.id,
        sorted(socket.rooms),
        _portable(socket.data),
        socket.auth,
        list(handshake.raw_headers),
        handshake.raw_query,
        handshake.address,
        handshake.secure,
        handshake.time,
        handshake.path,
    )


def _portable(data: Any) -> Any:
    """A socket's data, if it can be encoded; else None."""
    try:
        return msgspec.json.decode(msgspec.json.encode(data))
    except (RecursionError, TypeError, ValueError, OverflowError):
        return None
