"""Emitting to many sockets: rooms, exclusions and options."""

from __future__ import annotations

from typing import Any, Generic

from .acks import value_of
from .adapter import NO_FLAGS, Adapter, Flags, S
from .bus import NodesTimedOut
from .cluster_messages import SocketDetails
from .errors import AckTimeout, NotConnected
from .handshake import Handshake


class BroadcastOperator(Generic[S]):
    """Selects sockets step by step and emits to them. Each step returns a narrower operator and leaves this one
    unchanged.

    ::

        server.to("store-owners").except_("on-leave").volatile.emit("stock_low", {"sku": "A1"})

    A socket in several of the rooms receives an event once. The event is encoded once for all. Rooms are names; a
    socket's id is a room too.
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
        """The namespace's name."""
        return self._adapter.name

    # Who

    def to(self, *rooms: str) -> BroadcastOperator[S]:
        """Select the sockets in any of `rooms`, besides those selected before.

        Raises ValueError without rooms: an empty list must not address everybody.
        """
        return BroadcastOperator(self._adapter, self.rooms + require_rooms(rooms), self.excluded, self.flags)

    in_ = to

    def except_(self, *rooms: str) -> BroadcastOperator[S]:
        """Exclude the sockets in any of `rooms`. Raises ValueError without rooms."""
        return BroadcastOperator(self._adapter, self.rooms, self.excluded + require_rooms(rooms), self.flags)

    # How

    @property
    def local(self) -> BroadcastOperator[S]:
        """Select only sockets of this node."""
        return self._with(self.flags._replace(local=True))

    @property
    def volatile(self) -> BroadcastOperator[S]:
        """Drop the event for clients that cannot take it at once; it is not recovered."""
        return self._with(self.flags._replace(volatile=True))

    def compress(self, compress: bool) -> BroadcastOperator[S]:
        """Set whether compressing connections compress the event; they do by default."""
        return self._with(self.flags._replace(compress=compress))

    def timeout(self, seconds: float) -> BroadcastOperator[S]:
        """Set the timeout of acknowledgements, in seconds."""
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
        """Emit an event and wait until every recipient has acknowledged it.

        Returns a list of answers as of `Socket.emit_with_ack`: None, the one value, or a tuple. Sockets that disconnect
        are left out. Without `timeout`, a node that dies is waited for. Raises AckTimeout, whose `answers` arrived in
        time; UnencodableValue.

        ::

            answers = await server.to("drivers").timeout(5).emit_with_ack("free?")
        """
        responses, complete = await self._adapter.broadcast_with_ack(event, args, self.rooms, self.excluded, self.flags)
        values = [value_of(response) for response in responses]
        if not complete:
            raise AckTimeout(event, self.flags.timeout_s, values)
        return values

    async def fetch_sockets(self) -> list[S | RemoteSocket]:
        """Fetch the selected sockets: this node's own, and copies of other nodes'.

        Raises NodesTimedOut if a node does not answer within `Options.bus_timeout_s`; its `answers` are the sockets of
        the others.
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
        """Join the selected sockets to `rooms`; one beyond `Options.rooms_max` is logged and skipped.

        Raises ValueError without rooms.
        """
        self._adapter.add_sockets(require_rooms(rooms), self.rooms, self.excluded, local=self.flags.local)

    def sockets_leave(self, *rooms: str) -> None:
        """Remove the selected sockets from `rooms`. Raises ValueError without rooms."""
        self._adapter.del_sockets(require_rooms(rooms), self.rooms, self.excluded, local=self.flags.local)

    def disconnect_sockets(self, *, close: bool = False) -> None:
        """Disconnect the selected sockets; their clients do not reconnect. With `close` their connections end too."""
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
