"""Addressing many sockets at once: which rooms, without whom, how."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from .acks import value_of
from .asking import Gathered, ask
from .errors import AckTimeout, LimitReached
from .flags import PLAIN, Flags
from .notices import Reach

if TYPE_CHECKING:
    from .cluster import Cluster
    from .namespace import Namespace
    from .remote import RemoteSocket
    from .socket import Socket

log = logging.getLogger("ordercast.hub")


class Broadcast:
    """An audience being described; each method gives a narrower one, `emit` sends to it.

    A socket in several of the rooms hears an event once. The event is encoded once for all. Rooms are names; a
    socket's id is a room of its own.
    """

    __slots__ = ("excluded", "flags", "namespace", "rooms")

    def __init__(
        self, namespace: Namespace, rooms: tuple[str, ...] = (), except_: tuple[str, ...] = (), flags: Flags = PLAIN
    ) -> None:
        self.namespace = namespace
        self.rooms = rooms
        self.excluded = except_
        self.flags = flags

    def __repr__(self) -> str:
        return f"<Broadcast {self.namespace.name} rooms={self.rooms} except={self.excluded}>"

    # Who

    def to(self, *rooms: str) -> Broadcast:
        """Add rooms. Raises ValueError without any: a list that happens to be empty must not address everybody."""
        return Broadcast(self.namespace, self.rooms + some(rooms), self.excluded, self.flags)

    in_ = to

    def except_(self, *rooms: str) -> Broadcast:
        """Leave out whoever is in these rooms. Raises ValueError without any."""
        return Broadcast(self.namespace, self.rooms, self.excluded + some(rooms), self.flags)

    # How

    @property
    def local(self) -> Broadcast:
        """Address the sockets of this node alone."""
        return self._with(self.flags._replace(local=True))

    @property
    def volatile(self) -> Broadcast:
        """Let the event be dropped for whoever cannot take it at once."""
        return self._with(self.flags._replace(volatile=True))

    def compress(self, compress: bool) -> Broadcast:
        """Whether a connection that compresses should compress this; by default it does."""
        return self._with(self.flags._replace(compress=compress))

    def timeout(self, seconds: float) -> Broadcast:
        """Wait for acknowledgements no longer than this."""
        return self._with(self.flags._replace(timeout_s=seconds))

    def _with(self, flags: Flags) -> Broadcast:
        return Broadcast(self.namespace, self.rooms, self.excluded, flags)

    # What

    def emit(self, event: str, *args: Any) -> int:
        """Send the event; gives the number of sockets addressed on this node. Raises UnencodableValue."""
        return self.namespace.publish(event, args, self.rooms, self.excluded, self.flags)

    async def emit_with_ack(self, event: str, *args: Any) -> list[Any]:
        """Send the event and wait until everybody has acknowledged: each answer as `Socket.emit_with_ack` gives it.

        Whoever disconnects meanwhile gives none. Raises AckTimeout, whose `answers` came in time; UnencodableValue.
        """
        answers, complete = await self._ask(event, args)
        values = [value_of(answer) for answer in answers]
        if not complete:
            raise AckTimeout(event, self.flags.timeout_s, values)
        return values

    async def fetch_sockets(self) -> list[Socket | RemoteSocket]:
        """The sockets addressed: this node's own, and what the other nodes tell of theirs. Raises NodesSilent."""
        cluster = self._cluster()
        there = await cluster.fetch(self.namespace, self._reach()) if cluster is not None else []
        return [*self.sockets(), *there]

    def sockets_join(self, *rooms: str) -> None:
        """Let the sockets addressed enter `rooms`; who would pass `rooms_max` stays out, which is logged.

        Raises ValueError without any.
        """
        rooms = some(rooms)
        cluster = self._cluster()
        if cluster is not None:
            cluster.join(self._reach(), rooms)
        for socket in self.sockets():
            try:
                socket.join(*rooms)
            except LimitReached as error:
                log.warning("socket cannot join: %s %s", socket.id, error)

    def sockets_leave(self, *rooms: str) -> None:
        """Let the sockets addressed leave `rooms`. Raises ValueError without any."""
        rooms = some(rooms)
        cluster = self._cluster()
        if cluster is not None:
            cluster.leave(self._reach(), rooms)
        for socket in self.sockets():
            socket.leave(*rooms)

    def disconnect_sockets(self, *, close: bool = False) -> None:
        """Send the sockets addressed away; with `close` their connections end too."""
        cluster = self._cluster()
        if cluster is not None:
            cluster.disconnect(self._reach(), close=close)
        for socket in self.sockets():
            socket.disconnect(close=close)

    # Steps

    def _cluster(self) -> Cluster | None:
        """The other nodes, if they are addressed too."""
        return None if self.flags.local else self.namespace.server.cluster

    async def _ask(self, event: str, args: tuple[Any, ...]) -> Gathered:
        cluster = self._cluster()
        if cluster is None:
            return await ask(self, event, args)
        here, there = await asyncio.gather(ask(self, event, args), cluster.ask(self._reach(), event, args, self.flags))
        return Gathered(here.answers + there.answers, complete=here.complete and there.complete)

    def _reach(self) -> Reach:
        return Reach(self.namespace.name, self.rooms, self.excluded)

    def sockets(self) -> tuple[Socket, ...]:
        """The sockets addressed that are on this node: a copy, so that they may come and go meanwhile."""
        return tuple(self.namespace.recipients(self.rooms, self.excluded))


def some(rooms: tuple[str, ...]) -> tuple[str, ...]:
    """Give `rooms` back. Raises ValueError if there are none."""
    if not rooms:
        raise ValueError("name at least one room")
    return rooms
