"""Loads sessions in batches: many clients that return at once share a few queries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Final, TypeAlias

from . import sessions
from .transaction import Transaction
from .types import SessionRow

Query: TypeAlias = Callable[[Transaction], dict[str, SessionRow]]

# Sessions per query; 200 bytes each, some milliseconds.
AT_ONCE_MAX: Final = 256


class SessionLoader:
    """Runs one query at a time; further loads join the next."""

    def __init__(self, read: Callable[[Query], Awaitable[dict[str, SessionRow]]]) -> None:
        self._read = read
        self._waiting: dict[str, asyncio.Future[SessionRow | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<SessionLoader {len(self._waiting)} waiting>"

    async def load(self, pid: str) -> SessionRow | None:
        """Load a session; None if unknown. Raises the errors of `read`."""
        loaded = self._waiting.get(pid)
        if loaded is None:
            loaded = self._waiting[pid] = asyncio.get_running_loop().create_future()
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(loaded)

    async def _ask(self) -> None:
        try:
            while self._waiting:
                pids = list(islice(self._waiting, AT_ONCE_MAX))
                pending = {pid: self._waiting.pop(pid) for pid in pids}
                await self._load_batch(pending)
        finally:
            self._asking = None

    async def _load_batch(self, pending: dict[str, asyncio.Future[SessionRow | None]]) -> None:
        pids = list(pending)
        try:
            found = await self._read(lambda transaction: sessions.load(transaction, pids))
        except Exception as error:  # noqa: BLE001 - raised to the callers
            for loaded in pending.values():
                loaded.set_exception(error)
                loaded.exception()  # retrieved, as the caller may be gone
            return
        for pid, loaded in pending.items():
            loaded.set_result(found.get(pid))
