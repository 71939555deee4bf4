"""Emits today's figures to staff soon after each change."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from ordercast.commerce.stats import Stats
from ordercast.db import Store, StoreError, Transaction

from .ephemeral import EphemeralEvents

log = logging.getLogger("ordercast.feed")

# Share of the time spent on counting, at most, however many orders a day has.
SHARE_MAX: Final = 0.05


class LiveStats:
    """Counts at most every `every_s` after commits, and only while staff are connected."""

    def __init__(
        self,
        store: Store,
        ephemeral: EphemeralEvents,
        today: Callable[[], Callable[[Transaction], Stats]],
        every_s: float,
    ) -> None:
        """`today` is called on the loop and returns the query for the current day."""
        self._store = store
        self._ephemeral = ephemeral
        self._today = today
        self._every_s = every_s
        self._due = asyncio.Event()

    def __repr__(self) -> str:
        return f"<LiveStats {'due' if self._due.is_set() else 'emitted'}>"

    async def run(self) -> None:
        """Run forever; a failed count is repeated after the next commit."""
        self._store.watch(self._due.set)
        while True:
            await self._due.wait()
            self._due.clear()
            took_s = 0.0
            if self._ephemeral.has_store_listeners():
                took_s = await self._emit()
            await asyncio.sleep(max(self._every_s, took_s / SHARE_MAX))

    async def _emit(self) -> float:
        began_s = time.monotonic()
        try:
            self._ephemeral.emit_stats(await self._store.read(self._today()))
        except StoreError as error:
            log.warning("today's figures could not be counted; trying again: %s", error)
        except Exception:
            log.exception("could not count today's figures; retrying after the next commit")
        return time.monotonic() - began_s
