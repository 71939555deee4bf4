"""Who may open a session: bounds on their number, and the program's own word."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from inspect import isawaitable

from ordercast.hub import ConnectRefused, Handshake, Options

from .transport import Refusal

log = logging.getLogger("ordercast.wire")

Refused = tuple[Refusal, str | None]
"""Why, and the program's sentence where it gave one."""
Answer = Callable[[Refused | None], None]


class Admission:
    """Counts the sessions of an engine, and asks `allow_request`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._sessions = 0
        self._of_address: dict[str, int] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._closed = False

    def __repr__(self) -> str:
        return f"<Admission sessions={self._sessions} addresses={len(self._of_address)} asking={len(self._asking)}>"

    def ask(self, handshake: Handshake, answer: Answer) -> None:
        """Tell `answer` whether a session may be opened: at once, unless the program takes its time."""
        refusal = self._full(handshake.address)
        if refusal is not None:
            answer((refusal, None))
            return
        allow_request = self._options.allow_request
        try:
            asked = allow_request(handshake) if allow_request is not None else None
        except Exception as error:  # noqa: BLE001 - whatever it is, it refuses
            answer(_refused(error))
            return
        if isawaitable(asked):
            task = asyncio.ensure_future(self._wait(asked, handshake, answer))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        else:
            answer(None)

    async def _wait(self, asked: Awaitable[None], handshake: Handshake, answer: Answer) -> None:
        try:
            await asked
        except asyncio.CancelledError:
            answer((Refusal.SHUTTING_DOWN, None))
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it refuses
            answer(_refused(error))
            return
        # Others have opened theirs meanwhile.
        refusal = self._full(handshake.address)
        answer((refusal, None) if refusal is not None else None)

    def _full(self, address: str) -> Refusal | None:
        if self._closed:
            return Refusal.SHUTTING_DOWN
        # Those that the program is being asked about hold as much as sessions do.
        if self._sessions + len(self._asking) >= self._options.sessions_max:
            return Refusal.TOO_MANY_SESSIONS
        bound = self._options.sessions_per_address_max
        if bound is not None and self._of_address.get(address, 0) >= bound:
            return Refusal.TOO_MANY_OF_ADDRESS
        return None

    # Told by the engine

    def opened(self, address: str) -> None:
        self._sessions += 1
        if self._options.sessions_per_address_max is not None:
            self._of_address[address] = self._of_address.get(address, 0) + 1

    def ended(self, address: str) -> None:
        self._sessions -= 1
        left = self._of_address.pop(address, 1) - 1
        if left:
            self._of_address[address] = left

    def close(self) -> None:
        """Nobody is let in any more: a proxy takes the 503 to another node, a client comes back later."""
        self._closed = True
        self.refuse_asking()

    def refuse_asking(self) -> None:
        """Those that the program is being asked about are not let in."""
        for task in tuple(self._asking):
            task.cancel()


def _refused(error: Exception) -> Refused:
    if isinstance(error, ConnectRefused):
        return Refusal.FORBIDDEN, error.message
    log.error("allow_request failed", exc_info=error)
    return Refusal.FORBIDDEN, None
