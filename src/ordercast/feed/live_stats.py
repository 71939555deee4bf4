"""Today's figures, told to the shop soon after each change of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from ordercast.commerce.stats import Stats
from ordercast.db import Store, Transaction

from .fleeting import Fleeting

log = logging.getLogger("ordercast.feed")

# At most so much of the time is spent on counting, however many orders a day has.
SHARE_MAX: Final = 0.05


class LiveStats:
    """Counts anew `every_s` after a commit at the earliest, and only while somebody would hear it."""

    def __init__(
        self,
        store: Store,
        fleeting: Fleeting,
        today: Callable[[], Callable[[Transaction], Stats]],
        every_s: float,
    ) -> None:
        """`today` is called on the loop, and gives the query of that moment."""
        self._store = store
        self._fleeting = fleeting
        self._today = today
        self._every_s = every_s
        self._wanted = asyncio.Event()

    def __repr__(self) -> str:
        return f"<LiveStats {'wanted' if self._wanted.is_set() else 'told'}>"

    async def run(self) -> None:
        """Tell for ever; what cannot be counted now is counted after the next commit."""
        self._store.watch(self._wanted.set)
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            took_s = 0.0
            if self._fleeting.has_shop():
                took_s = await self._tell()
            await asyncio.sleep(max(self._every_s, took_s / SHARE_MAX))

    async def _tell(self) -> float:
        began_s = time.monotonic()
        try:
            self._fleeting.stats(await self._store.read(self._today()))
        except Exception:
            log.exception("today's figures could not be counted")
        return time.monotonic() - began_s
