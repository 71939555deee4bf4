"""The bus: the port between a site's nodes.

Each node has its own sockets. Emits to, requests of and commands for other nodes' sockets cross as messages: bytes,
over any broker. Durable events do not cross: each node reads them from their store, such as a feed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol

from ordercast.hub.errors import HubError

Receive = Callable[[bytes], None]


class Bus(Protocol):
    """Carries messages between a site's nodes: at most once, in order per sender."""

    def open(self, receive: Receive) -> str:
        """Set the receiver; return this node's name for responses. Called once, when a server is made.

        `receive` is called on the server's loop with each message for all nodes or this one.
        """
        ...

    def start(self) -> None:
        """Start receiving, in the running loop. Called when the server starts serving."""
        ...

    def publish(self, message: bytes) -> None:
        """Send to all other nodes. Never blocks or raises: an undeliverable message is dropped and logged."""
        ...

    def send(self, node: str, message: bytes) -> None:
        """Send to one node, as `publish`."""
        ...

    async def others(self) -> Collection[str]:
        """The other living nodes."""
        ...

    async def close(self) -> None:
        """Leave the site, after published messages."""
        ...


class NodesTimedOut(HubError):
    """Some `nodes` did not answer in time; `answers` are the others'."""

    def __init__(self, nodes: Collection[str], answers: Collection[Any]) -> None:
        self.nodes = sorted(nodes)
        self.answers = list(answers)
        super().__init__(f"no answer from node {', '.join(self.nodes)}")
