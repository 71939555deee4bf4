"""Looks names up, on threads of its own: a name server that does not answer holds one for some seconds, and those of
the loop are others' too.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a name, for a port. Raises OSError."""

# Names that may be looked up at a time. Each is asked for once at a time, so whoever owns one holds one thread.
LOOKUPS_MAX: Final = 8


class NameLookups:
    """Asks the machine's own resolver."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    def __repr__(self) -> str:
        return f"<NameLookups {len(self._asked)} under way>"

    async def resolve(self, host: str, port: int) -> list[str]:
        """Raises OSError."""
        key = host, port
        asked = self._asked.get(key)
        if asked is None:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(LOOKUPS_MAX, "names")
            asked = asyncio.get_running_loop().run_in_executor(self._threads, addresses_of, host, port)
            self._asked[key] = asked
            asked.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(asked)

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def _answered(self, key: tuple[str, int], done: asyncio.Future[list[str]]) -> None:
        del self._asked[key]
        if not done.cancelled():
            done.exception()  # whoever asked may have gone


def addresses_of(host: str, port: int) -> list[str]:
    """Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))
