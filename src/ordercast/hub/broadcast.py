"""Addressing many sockets at once: which rooms, without whom, how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .namespace import Namespace


class Broadcast:
    """An audience being described; each method gives a narrower one, `emit` sends to it.

    A socket in several of the rooms hears an event once. The event is encoded once for all.
    """

    __slots__ = ("_except", "_namespace", "_rooms", "_volatile")

    def __init__(
        self,
        namespace: Namespace,
        rooms: tuple[str, ...] = (),
        except_: tuple[str, ...] = (),
        *,
        volatile: bool = False,
    ) -> None:
        self._namespace = namespace
        self._rooms = rooms
        self._except = except_
        self._volatile = volatile

    def __repr__(self) -> str:
        return f"<Broadcast {self._namespace.name} rooms={self._rooms} except={self._except}>"

    def to(self, *rooms: str) -> Broadcast:
        """Add rooms. With none at all, everybody in the namespace is addressed."""
        return Broadcast(self._namespace, self._rooms + rooms, self._except, volatile=self._volatile)

    in_ = to

    def except_(self, *rooms: str) -> Broadcast:
        """Leave out whoever is in these rooms; a socket's id is a room of its own."""
        return Broadcast(self._namespace, self._rooms, self._except + rooms, volatile=self._volatile)

    @property
    def volatile(self) -> Broadcast:
        """Let the event be dropped for whoever cannot take it at once."""
        return Broadcast(self._namespace, self._rooms, self._except, volatile=True)

    def emit(self, event: str, *args: Any) -> int:
        """Send the event; gives the number of sockets addressed. Raises UnencodableValue."""
        message = self._namespace.encode(event, args, self._rooms, self._except, volatile=self._volatile)
        return self._namespace.deliver(message, self._rooms, self._except)
