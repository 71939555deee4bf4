"""One socket, addressed in a certain way: ``socket.volatile.emit``, ``socket.timeout(5).emit_with_ack``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Generic, Protocol

from .acks import Acks
from .adapter import Adapter, Flags, S
from .broadcast import BroadcastOperator
from .errors import NotConnected


class OperableSocket(Protocol[S]):
    """What an operator needs of its socket; see `Socket`."""

    connected: bool

    @property
    def id(self) -> str: ...

    @property
    def adapter(self) -> Adapter[S]: ...

    def emit_with_flags(self, event: str, args: Sequence[Any], flags: Flags) -> None: ...

    def request_ack(self, event: str, args: Sequence[Any], flags: Flags) -> asyncio.Future[list[Any]]: ...


class SocketOperator(Generic[S]):
    """What is emitted here goes to the socket, or with `to`, `except_` and `broadcast` to the others, in this way.

    ::

        await socket.timeout(5).emit_with_ack("confirm", order)
        socket.volatile.to("room").emit("typing")
    """

    __slots__ = ("_flags", "_socket")

    def __init__(self, socket: OperableSocket[S], flags: Flags) -> None:
        self._socket = socket
        self._flags = flags

    def __repr__(self) -> str:
        return f"<SocketOperator {self._socket.id} {self._flags}>"

    # How

    @property
    def volatile(self) -> SocketOperator[S]:
        """Let the event be dropped for whoever cannot take it at once."""
        return SocketOperator(self._socket, self._flags._replace(volatile=True))

    def compress(self, compress: bool) -> SocketOperator[S]:
        """Compress, or do not, where the connection compresses at all."""
        return SocketOperator(self._socket, self._flags._replace(compress=compress))

    def timeout(self, seconds: float) -> SocketOperator[S]:
        """Wait `seconds` for acknowledgements, and no longer."""
        return SocketOperator(self._socket, self._flags._replace(timeout_s=seconds))

    # The socket itself

    def emit(self, event: str, *args: Any) -> None:
        """See `Socket.emit`."""
        if self._socket.connected:
            self._socket.emit_with_flags(event, args, self._flags)

    async def emit_with_ack(self, event: str, *args: Any) -> Any:
        """See `Socket.emit_with_ack`."""
        if not self._socket.connected:
            raise NotConnected(self._socket.id)
        return await Acks.wait(self._socket.request_ack(event, args, self._flags), event, self._flags.timeout_s)

    # The others

    @property
    def broadcast(self) -> BroadcastOperator[S]:
        """Everybody in the namespace but this socket."""
        return BroadcastOperator(self._socket.adapter, (), (self._socket.id,), self._flags)

    def to(self, *rooms: str) -> BroadcastOperator[S]:
        """Everybody in `rooms` but this socket. Raises ValueError if none is named."""
        return self.broadcast.to(*rooms)

    in_ = to

    def except_(self, *rooms: str) -> BroadcastOperator[S]:
        """Everybody but this socket and whoever is in `rooms`. Raises ValueError if none is named."""
        return self.broadcast.except_(*rooms)

    @property
    def local(self) -> BroadcastOperator[S]:
        """Everybody on this node but this socket."""
        return self.broadcast.local
