"""A namespace's sockets and rooms, and delivery to them, on this node and the others.

Cut as the reference's adapter: every operation on many sockets goes through it, and it knows sockets only by the
Protocol `NamespaceSocket`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, Generic, NamedTuple, Protocol

from typing_extensions import TypeVar

from ordercast.protocol.message import Message
from ordercast.protocol.socketio import PacketType

from .acks import AckResponses
from .cluster import Cluster
from .cluster_messages import SocketDetails, Target
from .connection import Connection
from .errors import LimitReached
from .handshake import Handshake
from .parsers import Parser
from .recovery import Recovery
from .rooms import Rooms

log = logging.getLogger("ordercast.hub")


class NamespaceSocket(Protocol):
    """What adapter, namespace and sessions need of a socket; see `Socket`."""

    rooms: set[str]
    connected: bool
    conn: Connection
    data: Any
    auth: dict[str, Any]
    identity: str
    pid: str | None

    @property
    def id(self) -> str: ...

    @property
    def handshake(self) -> Handshake: ...

    def join(self, *rooms: str) -> None:
        """Put it in rooms. Raises LimitReached past `rooms_max`."""

    def leave(self, *rooms: str) -> None:
        """Take it out of rooms; those in which it is not are passed over."""

    def disconnect(self, *, close: bool = False) -> None:
        """End it by a DISCONNECT packet; with `close`, its connection and all namespaces on it too."""

    def abandon(self) -> None:
        """End it with its connection: its session lives on elsewhere."""

    def expect_ack(self, ack_id: int) -> asyncio.Future[list[Any]]:
        """The arguments of the ack with that id, once they come. Raises LimitReached."""

    def notify_outgoing_listeners(self, event: str, args: list[Any]) -> None:
        """Call the catch-alls of what is emitted."""


S = TypeVar("S", bound=NamespaceSocket, default=Any)
"""The class of the sockets. A server's are `Socket`; the default keeps it out of programs' annotations."""


class Flags(NamedTuple):
    """Options of an emit."""

    volatile: bool = False
    """Drop it for clients that cannot take it at once."""
    compress: bool = True
    """Compress it, if the connection compresses."""
    local: bool = False
    """Only to sockets of this node."""
    timeout_s: float | None = None
    """Seconds to wait for acknowledgements; None: while the sockets are connected."""


NO_FLAGS: Final = Flags()


class Adapter(Generic[S]):
    """The sockets and rooms of a namespace. `rooms` and `except_` select sockets; no rooms means all."""

    def __init__(self, name: str, parser: Parser, cluster: Cluster | None = None) -> None:
        self.name = name
        self.parser = parser
        self.cluster = cluster
        """The other nodes; None without a bus."""
        self.sockets: dict[str, S] = {}
        self.rooms: Rooms[S] = Rooms()
        self.recovery: Recovery[S] | None = None
        self.outgoing_observed: set[S] = set()
        """Sockets with listeners for outgoing events."""
        self._last_ack_id = -1

    def __repr__(self) -> str:
        return f"<Adapter {self.name} sockets={len(self.sockets)} rooms={len(self.rooms.names())}>"

    # Membership

    def add(self, socket: S) -> None:
        """Add a socket; its rooms are joined in the same turn."""
        self.sockets[socket.id] = socket
        for room in (socket.id, *socket.rooms):
            self.rooms.join(socket, room)

    def remove(self, socket: S) -> None:
        """Forget a socket."""
        self.rooms.leave_all(socket)
        if self.sockets.get(socket.id) is socket:
            del self.sockets[socket.id]
        self.outgoing_observed.discard(socket)

    def recipients(self, rooms: Sequence[str], except_: Sequence[str]) -> Collection[S]:
        """The selected sockets of this node; possibly a live view."""
        if rooms:
            return self.rooms.members(rooms, except_)
        if not except_:
            return self.sockets.values()
        excluded = set(self.rooms.members(except_))
        return [socket for socket in self.sockets.values() if socket not in excluded]

    # Emitting

    def emit(self, event: str, args: Sequence[Any], rooms: Sequence[str], except_: Sequence[str], flags: Flags) -> int:
        """Emit an event on every node; return the number of this node's recipients. Raises UnencodableValue."""
        message = self.encode(event, args, rooms, except_, volatile=flags.volatile)
        if flags is not NO_FLAGS:
            message.compress = flags.compress
        if self.cluster is not None and not flags.local:
            target = self._target(rooms, except_)
            self.cluster.emit(target, event, args, volatile=flags.volatile, compress=flags.compress)
        return self.deliver(message, rooms, except_)

    def deliver(self, message: Message, rooms: Sequence[str], except_: Sequence[str] = ()) -> int:
        """Send an encoded message to each selected socket of this node; return their number."""
        recipients = self.recipients(rooms, except_)
        for socket in recipients:
            socket.conn.send(message)
        count = len(recipients)
        if self.outgoing_observed:
            self.notify_outgoing_listeners(message, self.outgoing_observed.intersection(recipients))
        return count

    def notify_outgoing_listeners(self, message: Message, sockets: Iterable[S]) -> None:
        """Call the sockets' outgoing listeners with a sent event; other packets are ignored.

        The event is decoded from the message, which costs only where somebody listens.
        """
        packet = self.parser.read(message)
        if packet is None or packet.type is not PacketType.EVENT:
            return
        event, *args = packet.data
        for socket in sockets:
            socket.notify_outgoing_listeners(event, args)

    def encode(
        self, event: str, args: Sequence[Any], rooms: Sequence[str], except_: Sequence[str] = (), *, volatile: bool
    ) -> Message:
        """Encode an event; with a recording recovery, its offset is the last argument. Raises UnencodableValue."""
        recovery = self.recovery
        if recovery is None:
            return self.parser.encode_event(self.name, event, args, volatile=volatile)
        if recovery.records_emits and not volatile:
            message = self.parser.encode_event(self.name, event, [*args, recovery.next_offset()])
            recovery.record(message, rooms, except_)
            return message
        if args and isinstance(args[-1], str):
            # The stock client takes a last string argument for the offset.
            args = [*args, None]
        return self.parser.encode_event(self.name, event, args, volatile=volatile)

    # Acknowledgements

    def new_ack_id(self) -> int:
        """A new ack id, unique for broadcasts too."""
        self._last_ack_id += 1
        return self._last_ack_id

    def encode_with_ack(self, event: str, args: Sequence[Any], ack_id: int, flags: Flags) -> Message:
        """Encode an event with an ack id: without offset, and not recorded."""
        message = self.parser.encode_event(self.name, event, args, ack_id, volatile=flags.volatile)
        message.compress = flags.compress
        return message

    async def broadcast_with_ack(
        self, event: str, args: Sequence[Any], rooms: Sequence[str], except_: Sequence[str], flags: Flags
    ) -> AckResponses:
        """Emit an event and wait for all acknowledgements, `flags.timeout_s` at most.

        Raises UnencodableValue.
        """
        here = self._broadcast_with_ack(event, args, rooms, except_, flags)
        if self.cluster is None or flags.local:
            return await here
        there = self.cluster.broadcast_with_ack(
            self._target(rooms, except_),
            event,
            args,
            volatile=flags.volatile,
            compress=flags.compress,
            timeout_s=flags.timeout_s,
        )
        ours, theirs = await asyncio.gather(here, there)
        return AckResponses(ours.responses + theirs.responses, ours.complete and theirs.complete)

    async def _broadcast_with_ack(
        self, event: str, args: Sequence[Any], rooms: Sequence[str], except_: Sequence[str], flags: Flags
    ) -> AckResponses:
        ack_id = self.new_ack_id()
        # One id, so that it is encoded once.
        message = self.encode_with_ack(event, args, ack_id, flags)
        sockets = tuple(self.recipients(rooms, except_))
        pending = [ack for socket in sockets if (ack := _expect_ack(socket, ack_id)) is not None]
        self.deliver(message, rooms, except_)
        if not pending:
            return AckResponses([], complete=True)
        try:
            _, late = await asyncio.wait(pending, timeout=flags.timeout_s)
            responses = [ack.result() for ack in pending if ack not in late and ack.exception() is None]
        finally:
            for ack in pending:
                ack.cancel()
        return AckResponses(responses, complete=not late)

    # Acting on many sockets

    async def fetch_remote_sockets(self, rooms: Sequence[str], except_: Sequence[str]) -> list[SocketDetails]:
        """Fetch the details of selected sockets on other nodes. Raises NodesTimedOut."""
        if self.cluster is None:
            return []
        return await self.cluster.fetch_sockets(self._target(rooms, except_))

    def add_sockets(self, joined: Sequence[str], rooms: Sequence[str], except_: Sequence[str], *, local: bool) -> None:
        """Join the selected sockets to rooms; one beyond `rooms_max` is logged and skipped."""
        if self.cluster is not None and not local:
            self.cluster.join(self._target(rooms, except_), tuple(joined))
        for socket in tuple(self.recipients(rooms, except_)):
            try:
                socket.join(*joined)
            except LimitReached as error:
                log.warning("socket cannot join: %s %s", socket.id, error)

    def del_sockets(self, left: Sequence[str], rooms: Sequence[str], except_: Sequence[str], *, local: bool) -> None:
        """Remove the selected sockets from rooms."""
        if self.cluster is not None and not local:
            self.cluster.leave(self._target(rooms, except_), tuple(left))
        for socket in tuple(self.recipients(rooms, except_)):
            socket.leave(*left)

    def disconnect_sockets(self, rooms: Sequence[str], except_: Sequence[str], *, local: bool, close: bool) -> None:
        """Disconnect the selected sockets; with `close` their connections too."""
        if self.cluster is not None and not local:
            self.cluster.disconnect(self._target(rooms, except_), close=close)
        for socket in tuple(self.recipients(rooms, except_)):
            socket.disconnect(close=close)

    def _target(self, rooms: Sequence[str], except_: Sequence[str]) -> Target:
        return Target(self.name, tuple(rooms), tuple(except_))


def _expect_ack(socket: NamespaceSocket, ack_id: int) -> asyncio.Future[list[Any]] | None:
    try:
        return socket.expect_ack(ack_id)
    except LimitReached:
        return None  # its pending acks are at their limit
