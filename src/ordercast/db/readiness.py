"""Readiness: whether changes can be committed and published now, by the database's state and a small write.

May be called by strangers: the database is queried at most once in `FOUND_S_MAX`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from . import meta
from .errors import StoreError
from .transaction import Transaction

# The maximum age of a result; load balancers poll about as often.
FOUND_S_MAX: Final = 1.0
# Wait for the write; if it takes longer it is repeated by the next call.
WRITE_S_MAX: Final = 1.0
# Longer than any group of changes, or the wait for a locked database.
STUCK_S: Final = 6.0
# After a refused change, write as much as an order needs, 64 kB: a disk with a few bytes left is full. A value of
# `meta` has 8 KiB at most.
DOUBTED_ROWS: Final = 8
ROW_BYTES: Final = 8_000


class Readiness:
    """`look` returns faults, one sentence each, checking more after a refusal; `write` runs a unit of work. Both may
    raise StoreError.
    """

    def __init__(
        self,
        look: Callable[[bool], Awaitable[list[str]]],
        write: Callable[[Callable[[Transaction], None]], Coroutine[Any, Any, None]],
    ) -> None:
        self._look = look
        self._write = write
        self._found: list[str] | None = None
        self._found_at = 0.0
        self._is_in_doubt = False
        self._looking: asyncio.Task[list[str]] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._writing_since = 0.0

    def __repr__(self) -> str:
        return f"<Readiness {self._found}>"

    def doubt(self) -> None:
        """Invalidate the last result: a change was refused."""
        self._found = None
        self._is_in_doubt = True

    async def faults(self) -> list[str]:
        """The faults now, or a moment ago. Raises StoreError if they cannot be determined."""
        if self._found is not None and time.monotonic() - self._found_at < FOUND_S_MAX:
            return self._found
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_now())
            self._looking.add_done_callback(self._on_looked)
        return await asyncio.shield(self._looking)

    def _on_looked(self, looking: asyncio.Task[list[str]]) -> None:
        self._looking = None
        if not looking.cancelled() and looking.exception() is None:
            self._found, self._found_at = looking.result(), time.monotonic()

    async def _look_now(self) -> list[str]:
        was_in_doubt = self._is_in_doubt
        faults = await self._look(was_in_doubt)
        fault = await self._written()
        if fault is not None and not faults:
            faults = [fault]
        if was_in_doubt and not faults:
            self._is_in_doubt = False
        return faults

    async def _written(self) -> str | None:
        """Why the write failed; None if it succeeded."""
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(self._touch))
            self._writing_since = time.monotonic()
        await asyncio.wait([self._writing], timeout=WRITE_S_MAX)
        if not self._writing.done():
            waited_s = time.monotonic() - self._writing_since
            return f"No change was made for {waited_s:.0f} s: the writer waits." if waited_s > STUCK_S else None
        written, self._writing = self._writing, None
        try:
            written.result()
        except StoreError as error:
            return str(error)
        return None

    def _touch(self, transaction: Transaction) -> None:
        """Write a private row and roll it back: pages are written to disk all the same."""
        name = f"probe:{secrets.token_hex(8)}:"
        value = secrets.token_hex(ROW_BYTES // 2) if self._is_in_doubt else ""
        names = [f"{name}{number}" for number in range(DOUBTED_ROWS if self._is_in_doubt else 1)]
        for each in names:
            transaction.run(meta.KEEP, name=each, value=value)
        for each in names:
            transaction.run(meta.FORGET, name=each)

    async def stop(self) -> None:
        self._found = None
        for task in (self._looking, self._writing):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
