"""How many sockets one identity may have in a namespace at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ConnectRefused

if TYPE_CHECKING:
    from .socket import Socket


class Places:
    """Counts sockets by the identity with which they came in, which a program may change later."""

    def __init__(self, per_identity_max: int) -> None:
        self._max = per_identity_max
        self._taken: dict[str, int] = {}
        self._holders: dict[Socket, str] = {}

    def __repr__(self) -> str:
        return f"<Places taken={len(self._holders)}>"

    def take(self, socket: Socket) -> None:
        """Give the socket a place. One without an identity needs none. Raises ConnectRefused."""
        identity = socket.identity
        if not identity:
            return
        taken = self._taken.get(identity, 0)
        if taken >= self._max:
            raise ConnectRefused("Too many connections", {"code": "too_many_connections"})
        self._taken[identity] = taken + 1
        self._holders[socket] = identity

    def give_back(self, socket: Socket) -> None:
        """The socket has gone."""
        identity = self._holders.pop(socket, None)
        if identity is None:
            return
        self._taken[identity] -= 1
        if not self._taken[identity]:
            del self._taken[identity]
