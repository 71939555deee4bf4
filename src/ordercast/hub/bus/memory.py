"""A bus between servers of one process: for tests, and for a program that runs several servers in one loop."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Iterator

from . import Receive


class MemoryBus:
    """One node's end. The first founds the site, the others join it: ``MemoryBus(first)``."""

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
        """It was heard from the beginning."""

    def publish(self, notice: bytes) -> None:
        for node in tuple(self._ends):
            if node != self.node:
                self.send(node, notice)

    def send(self, node: str, notice: bytes) -> None:
        if self.node not in self._ends:
            return
        # Not at once: over a network too, nobody is called back before the call has returned.
        asyncio.get_running_loop().call_soon(self._hand_over, node, notice)

    def _hand_over(self, node: str, notice: bytes) -> None:
        end = self._ends.get(node)
        if end is not None and end._receive is not None:
            end._receive(notice)

    async def others(self) -> Collection[str]:
        return self._ends.keys() - {self.node}

    async def close(self) -> None:
        self._ends.pop(self.node, None)
