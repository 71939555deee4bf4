"""The words by which an audience is described, for whatever has one: a namespace, or the server for its main one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .broadcast import Broadcast, some

if TYPE_CHECKING:
    from .namespace import Namespace
    from .remote import RemoteSocket
    from .socket import Socket


class Addressing:
    """Everybody in a namespace, and every narrower audience; see `Broadcast` for what each of these does."""

    _home: Namespace
    """The namespace addressed."""

    # Who

    def to(self, *rooms: str) -> Broadcast:
        """Address whoever is in any of `rooms`. Raises ValueError if none is named."""
        return Broadcast(self._home, some(rooms))

    in_ = to

    def except_(self, *rooms: str) -> Broadcast:
        """Address everybody who is in none of `rooms`. Raises ValueError if none is named."""
        return Broadcast(self._home, (), some(rooms))

    # How

    @property
    def local(self) -> Broadcast:
        """Address everybody on this node."""
        return Broadcast(self._home).local

    @property
    def volatile(self) -> Broadcast:
        """Address everybody who can take an event at once."""
        return Broadcast(self._home).volatile

    def compress(self, compress: bool) -> Broadcast:
        """Address everybody, with or without compression."""
        return Broadcast(self._home).compress(compress)

    def timeout(self, seconds: float) -> Broadcast:
        """Address everybody, and wait for acknowledgements no longer than this."""
        return Broadcast(self._home).timeout(seconds)

    # What

    def emit(self, event: str, *args: Any) -> int:
        """Send an event to everybody; gives their number on this node. Raises UnencodableValue."""
        return Broadcast(self._home).emit(event, *args)

    async def emit_with_ack(self, event: str, *args: Any) -> list[Any]:
        """Send an event to everybody and gather their answers; better with a `timeout`. Raises UnencodableValue."""
        return await Broadcast(self._home).emit_with_ack(event, *args)

    async def fetch_sockets(self) -> list[Socket | RemoteSocket]:
        """Everybody. Raises NodesSilent."""
        return await Broadcast(self._home).fetch_sockets()

    def sockets_join(self, *rooms: str) -> None:
        """Let everybody enter `rooms`."""
        Broadcast(self._home).sockets_join(*rooms)

    def sockets_leave(self, *rooms: str) -> None:
        """Let everybody leave `rooms`."""
        Broadcast(self._home).sockets_leave(*rooms)

    def disconnect_sockets(self, *, close: bool = False) -> None:
        """Send everybody away; with `close` their connections end too."""
        Broadcast(self._home).disconnect_sockets(close=close)
