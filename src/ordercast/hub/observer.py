"""The port by which somebody watches a server: who came and went, and through a client of its own what they said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .client import Client
    from .connection import Connection
    from .namespace import Namespace
    from .reasons import DisconnectReason
    from .socket import Socket


class Observer(Protocol):
    """Set as `Server.observer`. All of it is called synchronously, in the turn in which it happens."""

    def open(self, connection: Connection) -> Client:
        """Make the client of a new connection, in place of the server; it may be a subclass that looks on."""
        ...

    def namespace_made(self, namespace: Namespace) -> None: ...

    def socket_entered(self, socket: Socket) -> None:
        """The socket is in its rooms; no handler has been told yet."""
        ...

    def socket_left(self, socket: Socket, reason: DisconnectReason) -> None:
        """The socket is in no room any more. Called for one that never entered, too."""
        ...
