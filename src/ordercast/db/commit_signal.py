"""Waking a background worker after commits."""

from __future__ import annotations

import asyncio

from .types import Store


class CommitSignal:
    """Set by each commit of `store`. One worker waits for it: it clears the signal, looks for work, and waits."""

    def __init__(self, store: Store, pause_s: float) -> None:
        """`pause_s`, in seconds, passes between two looks however many commits there are."""
        self._pause_s = pause_s
        self._committed = asyncio.Event()
        store.watch(self._committed.set)

    def __repr__(self) -> str:
        return f"<CommitSignal {'set' if self.is_set else 'clear'}>"

    @property
    def is_set(self) -> bool:
        return self._committed.is_set()

    def clear(self) -> None:
        """Forget the commits until now; called before the look for what they brought."""
        self._committed.clear()

    async def wait(self, at_most_s: float) -> None:
        """Wait for the pause, and then for a commit, or for `at_most_s` seconds."""
        await asyncio.sleep(self._pause_s)
        try:
            await asyncio.wait_for(self._committed.wait(), at_most_s)
        except TimeoutError:
            return
