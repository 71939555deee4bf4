"""Requests to the other nodes, and their responses."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from ordercast.protocol.errors import ProtocolError

from .acks import AckResponses
from .bus import Bus, NodesTimedOut
from .cluster_messages import (
    AnyMessage,
    BroadcastWithAck,
    Disconnect,
    Emit,
    FetchSockets,
    Join,
    Leave,
    Query,
    Request,
    Response,
    ServerSideEmit,
    ServerSideEmitWithAck,
    SocketDetails,
    Target,
    decode_message,
    encode_message,
    pack,
    unpack,
)

log = logging.getLogger("ordercast.hub")


class Cluster:
    """The other nodes, by a server's bus. Their requests go to the handler of `on_request`."""

    def __init__(self, bus: Bus, timeout_s: float) -> None:
        self._bus = bus
        self._timeout_s = timeout_s
        self.node = bus.open(self.receive)
        """This node's name on the bus."""
        self._handle: Callable[[Request], None] = lambda _request: None
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Queue[Response]] = {}

    def __repr__(self) -> str:
        return f"<Cluster node={self.node} pending={len(self._pending)}>"

    def on_request(self, handle: Callable[[Request], None]) -> None:
        """Call `handle` with other nodes' requests; it may raise ProtocolError."""
        self._handle = handle

    def start(self) -> None:
        """Start receiving, in the running loop."""
        self._bus.start()

    async def others(self) -> Collection[str]:
        """The other nodes that are alive now."""
        return await self._bus.others()

    # Requests without a response

    def emit(self, target: Target, event: str, args: Sequence[Any], *, volatile: bool, compress: bool) -> None:
        """Emit to other nodes' sockets. Raises UnencodableValue."""
        self._publish(Emit(target, pack(event, args), volatile, compress))

    def join(self, target: Target, rooms: tuple[str, ...]) -> None:
        """Join other nodes' sockets to rooms."""
        self._publish(Join(target, rooms))

    def leave(self, target: Target, rooms: tuple[str, ...]) -> None:
        """Remove other nodes' sockets from rooms."""
        self._publish(Leave(target, rooms))

    def disconnect(self, target: Target, *, close: bool) -> None:
        """Disconnect other nodes' sockets."""
        self._publish(Disconnect(target, close))

    def server_side_emit(self, namespace: str, event: str, args: Sequence[Any]) -> None:
        """Emit an event to the other servers themselves. Raises UnencodableValue."""
        self._publish(ServerSideEmit(namespace, pack(event, args)))

    def _publish(self, message: AnyMessage) -> None:
        self._bus.publish(encode_message(message))

    # Requests with a response

    async def broadcast_with_ack(
        self,
        target: Target,
        event: str,
        args: Sequence[Any],
        *,
        volatile: bool,
        compress: bool,
        timeout_s: float | None,
    ) -> AckResponses:
        """Emit to other nodes' sockets, and collect their acks; incomplete if a node does not respond."""
        encoded = pack(event, args)
        patience_s = None if timeout_s is None else timeout_s + self._timeout_s
        query = BroadcastWithAck(self.node, next(self._ids), target, encoded, volatile, compress, timeout_s)
        responses, silent = await self._gather(query, patience_s)
        acks = [unpack(value)[1:] for response in responses for value in response.values]
        return AckResponses(acks, complete=not silent and all(response.is_complete for response in responses))

    async def fetch_sockets(self, target: Target) -> list[SocketDetails]:
        """Fetch the details of other nodes' sockets. Raises NodesTimedOut, whose `answers` arrived in time."""
        responses, silent = await self._gather(FetchSockets(self.node, next(self._ids), target), self._timeout_s)
        sockets = [details for response in responses for details in response.sockets]
        if silent:
            raise NodesTimedOut(silent, sockets)
        return sockets

    async def server_side_emit_with_ack(
        self, namespace: str, event: str, args: Sequence[Any], timeout_s: float | None
    ) -> list[Any]:
        """Emit to other nodes' handlers; return their results. Raises NodesTimedOut."""
        query = ServerSideEmitWithAck(self.node, next(self._ids), namespace, pack(event, args))
        responses, silent = await self._gather(query, timeout_s or self._timeout_s)
        values = [unpack(value)[1] for response in responses for value in response.values]
        if silent:
            raise NodesTimedOut(silent, values)
        return values

    async def _gather(self, query: Query, timeout_s: float | None) -> tuple[list[Response], set[str]]:
        """Send a query to all nodes; return the responses, and the nodes without one."""
        silent = set(await self._bus.others())
        responses: list[Response] = []
        queue = self._pending[query.id] = asyncio.Queue()
        try:
            self._publish(query)
            async with asyncio.timeout(timeout_s):
                while silent:
                    response = await queue.get()
                    if response.node in silent:
                        silent.discard(response.node)
                        responses.append(response)
        except TimeoutError:
            log.warning("no answer from node %s", ", ".join(sorted(silent)))
        finally:
            del self._pending[query.id]
        return responses, silent

    def respond(self, node: str, response: Response) -> None:
        """Send one node the response to its query."""
        self._bus.send(node, encode_message(response))

    # Receiving

    def receive(self, data: bytes) -> None:
        """Handle a message of another node; a malformed one is logged."""
        try:
            message = decode_message(data)
            if isinstance(message, Response):
                queue = self._pending.get(message.id)
                if queue is not None:
                    queue.put_nowait(message)
            else:
                self._handle(message)
        except (msgspec.DecodeError, ProtocolError) as error:
            log.error("message not understood: %s", error)

    async def close(self) -> None:
        """Leave the bus."""
        await self._bus.close()
