"""The port between the nodes of one site.

A node's sockets are its own. What one node says to the sockets of another, asks of them or does to them crosses as a
notice: bytes, which any broker can carry. What must not be lost does not cross at all: each node reads it from where it
is kept, such as a feed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol

from ordercast.hub.errors import HubError

Receive = Callable[[bytes], None]


class Bus(Protocol):
    """Carries notices between the nodes of one site, at most once, those of one node in order."""

    def open(self, receive: Receive) -> str:
        """Learn who is to be told; gives the name by which the other nodes can answer. Called once, when a server is
        made.

        `receive` is called in the server's loop, with each notice for everybody or for this node.
        """
        ...

    def start(self) -> None:
        """Begin to hear the other nodes, in the running loop. Called when the server begins to serve."""
        ...

    def publish(self, notice: bytes) -> None:
        """Tell every other node. Neither blocks nor raises: what cannot be carried is dropped, and logged."""
        ...

    def send(self, node: str, notice: bytes) -> None:
        """Tell one node, likewise."""
        ...

    async def others(self) -> Collection[str]:
        """The other nodes that are alive now."""
        ...

    async def close(self) -> None: ...


class NodesSilent(HubError):
    """Some nodes did not answer in time; `answers` holds what the others said."""

    def __init__(self, nodes: Collection[str], answers: Collection[Any]) -> None:
        self.nodes = sorted(nodes)
        self.answers = list(answers)
        super().__init__(f"no answer from node {', '.join(self.nodes)}")
