"""A bus between servers of one process: for tests, and for a program that runs several servers in one loop."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Iterator

from . import Receive


class MemoryBus:
    """One node's end, as a `Bus`. The first founds the site, the others join it.

    ::

        bus = MemoryBus()
        first, second = Server(bus=bus), Server(bus=MemoryBus(bus))
    """

    def __init__(self, site: MemoryBus | None = None) -> None:
        self._ends: dict[str, MemoryBus] = {} if site is None else site._ends
        self._names: Iterator[int] = itertools.count(1) if site is None else site._names
        self._receive: Receive | None = None
        self.node = ""

    def __repr__(self) -> str:
        return f"<MemoryBus {self.node} nodes={len(self._ends)}>"

    def open(self, receive: Receive) -> str:
        self._receive = receive
        self.node = f"node-{next(self._names)}"
        self._ends[self.node] = self
        return self.node

    def start(self) -> None:
        """Nothing is to be started: it receives from `open` on."""

    def publish(self, message: bytes) -> None:
        for node in tuple(self._ends):
            if node != self.node:
                self.send(node, message)

    def send(self, node: str, message: bytes) -> None:
        if self.node not in self._ends:
            return
        # Not at once: over a network too, nobody is called back before the call has returned.
        asyncio.get_running_loop().call_soon(self._deliver, node, message)

    def _deliver(self, node: str, message: bytes) -> None:
        end = self._ends.get(node)
        if end is not None and end._receive is not None:
            end._receive(message)

    async def others(self) -> Collection[str]:
        return self._ends.keys() - {self.node}

    async def close(self) -> None:
        self._ends.pop(self.node, None)
