"""The port between the nodes of one site.

A node's sockets are its own. What one node emits to the sockets of another, asks of them or does to them crosses as a
message: bytes, which any broker can carry. What must not be lost does not cross at all: each node reads it from where
it is kept, such as a feed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol

from ordercast.hub.errors import HubError

Receive = Callable[[bytes], None]


class Bus(Protocol):
    """Carries messages between the nodes of one site, at most once, those of one node in order."""

    def open(self, receive: Receive) -> str:
        """Learn who receives; gives the name by which the other nodes can respond. Called once, when a server is made.

        `receive` is called in the server's loop, with each message for every node or for this one.
        """
        ...

    def start(self) -> None:
        """Begin to receive, in the running loop. Called when the server begins to serve."""
        ...

    def publish(self, message: bytes) -> None:
        """Send to every other node. Neither blocks nor raises: what cannot be carried is dropped, and logged."""
        ...

    def send(self, node: str, message: bytes) -> None:
        """Send to one node, likewise."""
        ...

    async def others(self) -> Collection[str]:
        """The other nodes that are alive now."""
        ...

    async def close(self) -> None:
        """Leave the site, after what was published."""
        ...


class NodesTimedOut(HubError):
    """Some `nodes` did not answer in time; `answers` holds what the others answered."""

    def __init__(self, nodes: Collection[str], answers: Collection[Any]) -> None:
        self.nodes = sorted(nodes)
        self.answers = list(answers)
        super().__init__(f"no answer from node {', '.join(self.nodes)}")
