"""Who is in a namespace and in which rooms, and how an event reaches them: on this node, and on the others.

The same cut as the reference's adapter: whatever addresses many sockets goes through here, and nothing here knows the
class `Socket`, only the Protocol `NamespaceSocket`.
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
    """What a namespace, its adapter and its sessions need of a socket; see `Socket`."""

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

    def join(self, *rooms: str) -> None: ...

    def leave(self, *rooms: str) -> None: ...

    def disconnect(self, *, close: bool = False) -> None: ...

    def abandon(self) -> None: ...

    def expect_ack(self, ack_id: int) -> asyncio.Future[list[Any]]: ...

    def notify_outgoing_listeners(self, event: str, args: list[Any]) -> None: ...


S = TypeVar("S", bound=NamespaceSocket, default=Any)
"""The class of the sockets. A server's are `Socket`; the default keeps it out of programs' annotations."""


class Flags(NamedTuple):
    """How an event is sent, beside its arguments and its audience."""

    volatile: bool = False
    """Dropped for whoever cannot take it at once."""
    compress: bool = True
    """Compressed where the connection compresses at all."""
    local: bool = False
    """For the sockets of this node alone."""
    timeout_s: float | None = None
    """How long acknowledgements are waited for; None: as long as the sockets are connected."""


NO_FLAGS: Final = Flags()


class Adapter(Generic[S]):
    """The sockets and rooms of one namespace. `rooms` and `except_` name audiences; no rooms at all mean everybody."""

    def __init__(self, name: str, parser: Parser, cluster: Cluster | None = None) -> None:
        self.name = name
        self.parser = parser
        self.cluster = cluster
        """The other nodes; None where this one is alone."""
        self.sockets: dict[str, S] = {}
        self.rooms: Rooms[S] = Rooms()
        self.recovery: Recovery[S] | None = None
        self.outgoing_observed: set[S] = set()
        """Sockets with listeners for what is emitted to them."""
        self._last_ack_id = -1

    def __repr__(self) -> str:
        return f"<Adapter {self.name} sockets={len(self.sockets)} rooms={len(self.rooms.names())}>"

    # Membership

    def add(self, socket: S) -> None:
        """Make a socket reachable: its rooms are entered in the same turn."""
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
        """The sockets addressed on this node; possibly a live view."""
        if rooms:
            return self.rooms.members(rooms, except_)
        if not except_:
            return self.sockets.values()
        excluded = set(self.rooms.members(except_))
        return [socket for socket in self.sockets.values() if socket not in excluded]

    # Emitting

    def emit(self, event: str, args: Sequence[Any], rooms: Sequence[str], except_: Sequence[str], flags: Flags) -> int:
        """Emit an event on every node; gives how many sockets of this one were addressed. Raises UnencodableValue."""
        message = self.encode(event, args, rooms, except_, volatile=flags.volatile)
        if flags is not NO_FLAGS:
            message.compress = flags.compress
        if self.cluster is not None and not flags.local:
            target = self._target(rooms, except_)
            self.cluster.emit(target, event, args, volatile=flags.volatile, compress=flags.compress)
        return self.deliver(message, rooms, except_)

    def deliver(self, message: Message, rooms: Sequence[str], except_: Sequence[str] = ()) -> int:
        """Send one encoded message to each socket addressed on this node, once; gives their number."""
        recipients = self.recipients(rooms, except_)
        for socket in recipients:
            socket.conn.send(message)
        count = len(recipients)
        if self.outgoing_observed:
            self.notify_outgoing_listeners(message, self.outgoing_observed.intersection(recipients))
        return count

    def notify_outgoing_listeners(self, message: Message, sockets: Iterable[S]) -> None:
        """Call each socket's outgoing listeners with an event that was sent to it; other packets are no events.

        It is read back from what was sent: encoding is paid for by everybody, reading only where somebody listens.
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
        """Encode an event for its audience; where emits are recorded, its offset goes last. Raises UnencodableValue."""
        recovery = self.recovery
        if recovery is None:
            return self.parser.encode_event(self.name, event, args, volatile=volatile)
        if recovery.records_emits and not volatile:
            message = self.parser.encode_event(self.name, event, [*args, recovery.next_offset()])
            recovery.record(message, rooms, except_)
            return message
        if args and isinstance(args[-1], str):
            # The stock client takes the last string that it sees for its offset.
            args = [*args, None]
        return self.parser.encode_event(self.name, event, args, volatile=volatile)

    # Acknowledgements

    def new_ack_id(self) -> int:
        """An id that was never used here, by which the answers to broadcasts are distinct too."""
        self._last_ack_id += 1
        return self._last_ack_id

    def encode_with_ack(self, event: str, args: Sequence[Any], ack_id: int, flags: Flags) -> Message:
        """Encode an event that is to be acknowledged: it has no offset, and is in no recording."""
        message = self.parser.encode_event(self.name, event, args, ack_id, volatile=flags.volatile)
        message.compress = flags.compress
        return message

    async def broadcast_with_ack(
        self, event: str, args: Sequence[Any], rooms: Sequence[str], except_: Sequence[str], flags: Flags
    ) -> AckResponses:
        """Emit an event and wait for everybody's acknowledgement, for `flags.timeout_s` at most.

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
        # One id for all, so that it is encoded once for all.
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
        """Describe the sockets addressed on the other nodes. Raises NodesTimedOut."""
        if self.cluster is None:
            return []
        return await self.cluster.fetch_sockets(self._target(rooms, except_))

    def add_sockets(self, joined: Sequence[str], rooms: Sequence[str], except_: Sequence[str], *, local: bool) -> None:
        """Make the sockets addressed join rooms; one that would pass `rooms_max` does not, which is logged."""
        if self.cluster is not None and not local:
            self.cluster.join(self._target(rooms, except_), tuple(joined))
        for socket in tuple(self.recipients(rooms, except_)):
            try:
                socket.join(*joined)
            except LimitReached as error:
                log.warning("socket cannot join: %s %s", socket.id, error)

    def del_sockets(self, left: Sequence[str], rooms: Sequence[str], except_: Sequence[str], *, local: bool) -> None:
        """Make the sockets addressed leave rooms."""
        if self.cluster is not None and not local:
            self.cluster.leave(self._target(rooms, except_), tuple(left))
        for socket in tuple(self.recipients(rooms, except_)):
            socket.leave(*left)

    def disconnect_sockets(self, rooms: Sequence[str], except_: Sequence[str], *, local: bool, close: bool) -> None:
        """Disconnect the sockets addressed; with `close` their connections end too."""
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
        return None  # it owes so many answers already that this one will not come either
