"""A client of a whole node, wired in memory: it sends commands, and keeps what it is told in order."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

from ordercast.hub import Server
from tests.hub.links import Link

PATIENCE_S = 60.0


class Phone:
    def __init__(self, server: Server) -> None:
        self._link = Link(server)
        self._ids = itertools.count()

    @classmethod
    async def connected(cls, server: Server, token: str | None = None, **auth: Any) -> Phone:
        phone = cls(server)
        phone.enter(token, **auth)
        if token:
            await phone.heard("ready")
        async with asyncio.timeout(PATIENCE_S):
            while not phone.said:  # noqa: ASYNC110 - as in `heard`
                await asyncio.sleep(0)
        return phone

    def enter(self, token: str | None = None, **auth: Any) -> None:
        """Send CONNECT."""
        self._link.receive("0" + json.dumps({"token": token, **auth} if token else auth))

    @property
    def said(self) -> list[str]:
        """Every packet that it was sent, as text without the Engine.IO type."""
        return [str(text)[1:] for text in self._link.sent]

    @property
    def answer(self) -> dict[str, Any]:
        """The CONNECT answer."""
        found: dict[str, Any] = next(json.loads(text[1:]) for text in self.said if text.startswith("0"))
        return found

    def events(self, *names: str) -> list[list[Any]]:
        """Those so called (every one if none is named), as event and arguments."""
        events = [json.loads(text[1:]) for text in self.said if text.startswith("2")]
        return [event for event in events if not names or event[0] in names]

    async def heard(self, name: str, count: int = 1) -> list[list[Any]]:
        """Wait until it has heard so many of them; gives the arguments of each."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.events(name)) < count:  # noqa: ASYNC110 - what is waited for has no event of its own
                await asyncio.sleep(0.002)
        return [event[1:] for event in self.events(name)]

    def send(self, name: str, *args: Any) -> int:
        """Send a command; gives the id of its acknowledgement."""
        ack_id = next(self._ids)
        self._link.receive(f"2{ack_id}{json.dumps([name, *args])}")
        return ack_id

    async def answered(self, ack_id: int) -> list[Any]:
        prefix = f"3{ack_id}["
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for text in self.said:
                    if text.startswith(prefix):
                        arguments: list[Any] = json.loads(text[len(prefix) - 1 :])
                        return arguments
                await asyncio.sleep(0.002)

    async def ask(self, name: str, *args: Any) -> Any:
        """Send a command that is taken; gives its result."""
        (ack,) = await self.answered(self.send(name, *args))
        assert ack == {"data": ack["data"], "error": None}
        return ack["data"]

    async def refused(self, name: str, *args: Any) -> dict[str, Any]:
        """Send a command that is refused; gives the error."""
        (ack,) = await self.answered(self.send(name, *args))
        error = ack["error"]
        assert ack == {"data": None, "error": error}
        assert set(error) >= {"code", "message"}, error
        assert error["message"].endswith("."), error
        assert self._link.closed_for is None
        found: dict[str, Any] = error
        return found

    def lose(self) -> None:
        """The connection is cut."""
        self._link.lose()
