"""A socket of another node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .broadcast import Broadcast
from .connection import Handshake
from .errors import NotConnected
from .flags import PLAIN, Flags
from .notices import SocketFacts

if TYPE_CHECKING:
    from .namespace import Namespace


class RemoteSocket:
    """What `fetch_sockets` gives for a socket of another node: how it was when asked, and the same words to act on it.

    `data` is what of it JSON can carry. Nothing here waits but `emit_with_ack`.
    """

    __slots__ = ("_namespace", "data", "handshake", "id", "rooms")

    def __init__(self, namespace: Namespace, facts: SocketFacts) -> None:
        self._namespace = namespace
        self.id = facts.id
        self.rooms = frozenset(facts.rooms)
        self.data = facts.data
        self.handshake = Handshake(
            tuple(facts.raw_headers),
            facts.raw_query,
            facts.address,
            facts.secure,
            facts.time,
            path=facts.path,
            auth=facts.auth,
        )

    def __repr__(self) -> str:
        return f"<RemoteSocket {self.id} namespace={self._namespace.name} rooms={len(self.rooms)}>"

    def emit(self, event: str, *args: Any) -> None:
        """Send an event to it. Raises UnencodableValue."""
        self._only(PLAIN).emit(event, *args)

    async def emit_with_ack(self, event: str, *args: Any, timeout_s: float | None = None) -> Any:
        """Send an event and wait for its acknowledgement. Raises AckTimeout, NotConnected, UnencodableValue."""
        answers = await self._only(Flags(timeout_s=timeout_s)).emit_with_ack(event, *args)
        if not answers:
            raise NotConnected(self.id)
        return answers[0]

    def join(self, *rooms: str) -> None:
        """Let it enter rooms."""
        self._only(PLAIN).sockets_join(*rooms)

    def leave(self, *rooms: str) -> None:
        """Let it leave rooms."""
        self._only(PLAIN).sockets_leave(*rooms)

    def disconnect(self, *, close: bool = False) -> None:
        """Send it away."""
        self._only(PLAIN).disconnect_sockets(close=close)

    def _only(self, flags: Flags) -> Broadcast:
        return Broadcast(self._namespace, (self.id,), (), flags)
