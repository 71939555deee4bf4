"""Wakes a background worker after commits."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from .types import Store


class CommitSignal:
    """Set by each commit of `store`. One worker clears it, looks for work, and waits for it."""

    def __init__(self, store: Store, pause_s: float) -> None:
        """`pause_s` is the minimum time between two looks, in seconds."""
        self._pause_s = pause_s
        self._committed = asyncio.Event()
        store.watch(self._committed.set)

    def __repr__(self) -> str:
        return f"<CommitSignal {'set' if self.is_set else 'clear'}>"

    @property
    def is_set(self) -> bool:
        return self._committed.is_set()

    def clear(self) -> None:
        """Clear the signal; called before the look for work."""
        self._committed.clear()

    async def wait(self, at_most_s: float) -> None:
        """Wait for the pause, then for a commit or `at_most_s` seconds."""
        await asyncio.sleep(self._pause_s)
        # Not `wait_for`: before Python 3.12 it forgets a cancellation that comes with the commit.
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._committed.wait()
