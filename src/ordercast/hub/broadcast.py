"""Addressing many sockets at once: which rooms, without whom, how."""

from __future__ import annotations

from typing import Any, Generic

from .acks import value_of
from .adapter import NO_FLAGS, Adapter, Flags, S
from .bus import NodesTimedOut
from .cluster_messages import SocketDetails
from .errors import AckTimeout, NotConnected
from .handshake import Handshake


class BroadcastOperator(Generic[S]):
    """An audience being described; each method gives a narrower one, and leaves this as it is; `emit` sends to it.

    ::

        server.to("store-owners").except_("on-leave").volatile.emit("stock_low", {"sku": "A1"})

    A socket in several of the rooms receives an event once. The event is encoded once for all. Rooms are names; a
    socket's id is a room of its own.
    """

    __slots__ = ("_adapter", "excluded", "flags", "rooms")

    def __init__(
        self,
        adapter: Adapter[S],
        rooms: tuple[str, ...] = (),
        except_: tuple[str, ...] = (),
        flags: Flags = NO_FLAGS,
    ) -> None:
        self._adapter = adapter
        self.rooms = rooms
        self.excluded = except_
        self.flags = flags

    def __repr__(self) -> str:
        return f"<BroadcastOperator {self.namespace} rooms={self.rooms} except={self.excluded}>"

    @property
    def namespace(self) -> str:
        """The name of the namespace addressed."""
        return self._adapter.name

    # Who

    def to(self, *rooms: str) -> BroadcastOperator[S]:
        """Add whoever is in any of `rooms`.

        Raises ValueError without any: a list that happens to be empty must not address everybody.
        """
        return BroadcastOperator(self._adapter, self.rooms + require_rooms(rooms), self.excluded, self.flags)

    in_ = to

    def except_(self, *rooms: str) -> BroadcastOperator[S]:
        """Leave out whoever is in any of `rooms`. Raises ValueError without any."""
        return BroadcastOperator(self._adapter, self.rooms, self.excluded + require_rooms(rooms), self.flags)

    # How

    @property
    def local(self) -> BroadcastOperator[S]:
        """Address the sockets of this node alone."""
        return self._with(self.flags._replace(local=True))

    @property
    def volatile(self) -> BroadcastOperator[S]:
        """Let the event be dropped for whoever cannot take it at once; it is not recovered."""
        return self._with(self.flags._replace(volatile=True))

    def compress(self, compress: bool) -> BroadcastOperator[S]:
        """Compress, or do not, where the connection compresses at all; by default it does."""
        return self._with(self.flags._replace(compress=compress))

    def timeout(self, seconds: float) -> BroadcastOperator[S]:
        """Wait `seconds` for acknowledgements, and no longer."""
        return self._with(self.flags._replace(timeout_s=seconds))

    def _with(self, flags: Flags) -> BroadcastOperator[S]:
        return BroadcastOperator(self._adapter, self.rooms, self.excluded, flags)

    # What

    def emit(self, event: str, *args: Any) -> int:
        """Emit an event to everybody addressed, on every node.

        `event` is any name that Socket.IO has not reserved; `args` are what JSON can carry, and `bytes`. Gives the
        number of sockets addressed on this node. Never waits. Raises UnencodableValue.
        """
        return self._adapter.emit(event, args, self.rooms, self.excluded, self.flags)

    async def emit_with_ack(self, event: str, *args: Any) -> list[Any]:
        """Emit an event and wait until everybody has acknowledged it.

        Gives each answer as `Socket.emit_with_ack` does: None, the one value, or a tuple. Whoever disconnects meanwhile
        gives none. Without a `timeout`, a node that dies meanwhile is waited for. Raises AckTimeout, whose `answers`
        came in time; UnencodableValue.

        ::

            answers = await server.to("drivers").timeout(5).emit_with_ack("free?")
        """
        responses, complete = await self._adapter.broadcast_with_ack(event, args, self.rooms, self.excluded, self.flags)
        values = [value_of(response) for response in responses]
        if not complete:
            raise AckTimeout(event, self.flags.timeout_s, values)
        return values

    async def fetch_sockets(self) -> list[S | RemoteSocket]:
        """The sockets addressed: this node's own, and copies of what the other nodes know of theirs.

        Raises NodesTimedOut when a node does not answer within `Options.bus_timeout_s`; its `answers` are the sockets
        of those that did.
        """
        remote: list[SocketDetails] = []
        try:
            if not self.flags.local:
                remote = await self._adapter.fetch_remote_sockets(self.rooms, self.excluded)
        except NodesTimedOut as error:
            raise NodesTimedOut(error.nodes, [RemoteSocket(self._adapter, each) for each in error.answers]) from None
        here = tuple(self._adapter.recipients(self.rooms, self.excluded))
        return [*here, *(RemoteSocket(self._adapter, details) for details in remote)]

    def sockets_join(self, *rooms: str) -> None:
        """Make the sockets addressed join `rooms`; one that would pass `Options.rooms_max` does not, which is logged.

        Raises ValueError without any.
        """
        self._adapter.add_sockets(require_rooms(rooms), self.rooms, self.excluded, local=self.flags.local)

    def sockets_leave(self, *rooms: str) -> None:
        """Make the sockets addressed leave `rooms`. Raises ValueError without any."""
        self._adapter.del_sockets(require_rooms(rooms), self.rooms, self.excluded, local=self.flags.local)

    def disconnect_sockets(self, *, close: bool = False) -> None:
        """Disconnect the sockets addressed, whose clients stay away; with `close` their connections end too."""
        self._adapter.disconnect_sockets(self.rooms, self.excluded, local=self.flags.local, close=close)


class Broadcaster(Generic[S]):
    """The methods that address everybody in a namespace, and every narrower audience; see `BroadcastOperator`."""

    adapter: Adapter[S]
    """Of the namespace addressed."""

    # Who

    def to(self, *rooms: str) -> BroadcastOperator[S]:
        """Address whoever is in any of `rooms`. Raises ValueError without any."""
        return BroadcastOperator(self.adapter, require_rooms(rooms))

    in_ = to

    def except_(self, *rooms: str) -> BroadcastOperator[S]:
        """Address everybody who is in none of `rooms`. Raises ValueError without any."""
        return BroadcastOperator(self.adapter, (), require_rooms(rooms))

    # How

    @property
    def local(self) -> BroadcastOperator[S]:
        """Address everybody on this node."""
        return BroadcastOperator(self.adapter).local

    @property
    def volatile(self) -> BroadcastOperator[S]:
        """Address everybody who can take an event at once."""
        return BroadcastOperator(self.adapter).volatile

    def compress(self, compress: bool) -> BroadcastOperator[S]:
        """Address everybody, with or without compression."""
        return BroadcastOperator(self.adapter).compress(compress)

    def timeout(self, seconds: float) -> BroadcastOperator[S]:
        """Address everybody, and wait `seconds` for acknowledgements."""
        return BroadcastOperator(self.adapter).timeout(seconds)

    # What

    def emit(self, event: str, *args: Any) -> int:
        """Emit an event to everybody; gives their number on this node. Raises UnencodableValue."""
        return self.adapter.emit(event, args, (), (), NO_FLAGS)

    async def emit_with_ack(self, event: str, *args: Any) -> list[Any]:
        """Emit an event to everybody and gather their answers; better with a `timeout`. Raises UnencodableValue."""
        return await BroadcastOperator(self.adapter).emit_with_ack(event, *args)

    async def fetch_sockets(self) -> list[S | RemoteSocket]:
        """Everybody's sockets, on every node. Raises NodesTimedOut."""
        return await BroadcastOperator(self.adapter).fetch_sockets()

    def sockets_join(self, *rooms: str) -> None:
        """Make everybody join `rooms`. Raises ValueError without any."""
        BroadcastOperator(self.adapter).sockets_join(*rooms)

    def sockets_leave(self, *rooms: str) -> None:
        """Make everybody leave `rooms`. Raises ValueError without any."""
        BroadcastOperator(self.adapter).sockets_leave(*rooms)

    def disconnect_sockets(self, *, close: bool = False) -> None:
        """Disconnect everybody; with `close` their connections end too."""
        BroadcastOperator(self.adapter).disconnect_sockets(close=close)


class RemoteSocket:
    """What `fetch_sockets` gives for a socket of another node: how it was then, and the same methods to act on it.

    `data` is what of it JSON can carry. Nothing here waits but `emit_with_ack`.
    """

    __slots__ = ("_adapter", "data", "handshake", "id", "rooms")

    def __init__(self, adapter: Adapter[Any], details: SocketDetails) -> None:
        self._adapter = adapter
        self.id = details.id
        self.rooms = frozenset(details.rooms)
        self.data = details.data
        self.handshake = Handshake(
            tuple(details.raw_headers),
            details.raw_query,
            details.address,
            details.secure,
            details.time,
            path=details.path,
            auth=details.auth,
        )

    def __repr__(self) -> str:
        return f"<RemoteSocket {self.id} namespace={self._adapter.name} rooms={len(self.rooms)}>"

    def emit(self, event: str, *args: Any) -> None:
        """Emit an event to it. Raises UnencodableValue."""
        self._operator().emit(event, *args)

    async def emit_with_ack(self, event: str, *args: Any, timeout_s: float | None = None) -> Any:
        """Emit an event and wait for its acknowledgement, for `timeout_s` seconds at most.

        Raises AckTimeout, NotConnected, UnencodableValue.
        """
        answers = await self._operator(Flags(timeout_s=timeout_s)).emit_with_ack(event, *args)
        if not answers:
            raise NotConnected(self.id)
        return answers[0]

    def join(self, *rooms: str) -> None:
        """Make it join rooms."""
        self._operator().sockets_join(*rooms)

    def leave(self, *rooms: str) -> None:
        """Make it leave rooms."""
        self._operator().sockets_leave(*rooms)

    def disconnect(self, *, close: bool = False) -> None:
        """Disconnect it; with `close` its connection ends too."""
        self._operator().disconnect_sockets(close=close)

    def _operator(self, flags: Flags = NO_FLAGS) -> BroadcastOperator[Any]:
        return BroadcastOperator(self._adapter, (self.id,), (), flags)


def require_rooms(rooms: tuple[str, ...]) -> tuple[str, ...]:
    """Give `rooms` back. Raises ValueError if there are none."""
    if not rooms:
        raise ValueError("name at least one room")
    return rooms
