"""One socket, addressed in a certain way: ``socket.volatile.emit``, ``socket.timeout(5).emit_with_ack``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .acks import Acks
from .broadcast import Broadcast
from .errors import NotConnected
from .flags import Flags

if TYPE_CHECKING:
    from .socket import Socket


class Flagged:
    """What is said here goes to the socket, or with `to`, `except_` and `broadcast` to the others, in this way."""

    __slots__ = ("_flags", "_socket")

    def __init__(self, socket: Socket, flags: Flags) -> None:
        self._socket = socket
        self._flags = flags

    def __repr__(self) -> str:
        return f"<Flagged {self._socket.id} {self._flags}>"

    # How

    @property
    def volatile(self) -> Flagged:
        return Flagged(self._socket, self._flags._replace(volatile=True))

    def compress(self, compress: bool) -> Flagged:
        return Flagged(self._socket, self._flags._replace(compress=compress))

    def timeout(self, seconds: float) -> Flagged:
        return Flagged(self._socket, self._flags._replace(timeout_s=seconds))

    # The socket itself

    def emit(self, event: str, *args: Any) -> None:
        """See `Socket.emit`."""
        if self._socket.connected:
            self._socket.send_flagged(event, args, self._flags)

    async def emit_with_ack(self, event: str, *args: Any) -> Any:
        """See `Socket.emit_with_ack`."""
        if not self._socket.connected:
            raise NotConnected(self._socket.id)
        return await Acks.wait(self._socket.ask(event, args, self._flags), event, self._flags.timeout_s)

    # The others

    @property
    def broadcast(self) -> Broadcast:
        """Everybody in the namespace but this socket."""
        return Broadcast(self._socket.namespace, (), (self._socket.id,), self._flags)

    def to(self, *rooms: str) -> Broadcast:
        """Everybody in `rooms` but this socket. Raises ValueError if none is named."""
        return self.broadcast.to(*rooms)

    in_ = to

    def except_(self, *rooms: str) -> Broadcast:
        """Everybody but this socket and whoever is in `rooms`. Raises ValueError if none is named."""
        return self.broadcast.except_(*rooms)

    @property
    def local(self) -> Broadcast:
        """Everybody on this node but this socket."""
        return self.broadcast.local
