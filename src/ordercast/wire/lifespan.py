"""ASGI's lifespan of an application within another one's: it begins last and ends first."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .asgi import AsgiApplication, Receive, Scope, Send

log = logging.getLogger("ordercast.wire")


class Lifespan:
    """One life: `begin` is called before the server hears that all is ready, `end` as soon as it asks for the stop."""

    def __init__(
        self, receive: Receive, send: Send, begin: Callable[[], None], end: Callable[[], Awaitable[None]]
    ) -> None:
        self._receive_message = receive
        self._send_message = send
        self._begin = begin
        self._end = end
        self._answered: set[str] = set()
        self._is_ending = False

    async def run(self, scope: Scope, other_app: AsgiApplication | None) -> None:
        """Live with `other_app`; or alone where there is none, or it knows no lifespan, as Django's does not."""
        if other_app is not None:
            try:
                await other_app(scope, self._receive, self._send)
            except Exception:
                if "lifespan.startup" in self._answered:
                    raise
                log.debug("the other application has no lifespan", exc_info=True)
        if "lifespan.startup" not in self._answered:
            await self._send({"type": "lifespan.startup.complete"})
        while not self._is_ending:
            await self._receive()
        if "lifespan.shutdown" not in self._answered:
            await self._send({"type": "lifespan.shutdown.complete"})

    async def _receive(self) -> MutableMapping[str, Any]:
        message = await self._receive_message()
        if message["type"] == "lifespan.shutdown":
            self._is_ending = True
            await self._end()
        return message

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        step, _, outcome = message["type"].rpartition(".")
        self._answered.add(step)
        if (step, outcome) == ("lifespan.startup", "complete"):
            self._begin()
        elif outcome == "failed":
            self._is_ending = True
            self._answered.add("lifespan.shutdown")
        await self._send_message(message)
