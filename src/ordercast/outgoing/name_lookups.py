"""Resolves names on a thread pool of its own: a name server that hangs must not occupy the event loop's threads."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a name, for a port. Raises OSError."""

# Concurrent lookups. Each name is looked up once at a time, so one owner's names hold one thread.
LOOKUPS_MAX: Final = 8


class NameLookups:
    """Resolves names by the system's resolver."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._lookups: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    def __repr__(self) -> str:
        return f"<NameLookups {len(self._lookups)} under way>"

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of a name. Raises OSError."""
        key = host, port
        lookup = self._lookups.get(key)
        if lookup is None:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(LOOKUPS_MAX, "names")
            lookup = asyncio.get_running_loop().run_in_executor(self._threads, addresses_of, host, port)
            self._lookups[key] = lookup
            lookup.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(lookup)

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def _forget(self, key: tuple[str, int], done: asyncio.Future[list[str]]) -> None:
        del self._lookups[key]
        if not done.cancelled():
            done.exception()  # retrieved, as the caller may be gone


def addresses_of(host: str, port: int) -> list[str]:
    """Return the addresses of a name. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))
