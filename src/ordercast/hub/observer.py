"""The port by which somebody observes a server: who came and went, and through a client of its own what they sent."""

from __future__ import annotations

from typing import Protocol

from .client import Client
from .connection import Connection
from .namespace import Namespace, NamespaceObserver
from .socket import Socket


class Observer(NamespaceObserver[Socket], Protocol):
    """Set as `Server.observer`. All of it is called synchronously, in the turn in which it happens."""

    def open(self, connection: Connection) -> Client:
        """Make the client of a new connection, in place of the server; it may be a subclass that looks on."""
        ...

    def namespace_made(self, namespace: Namespace[Socket]) -> None: ...
