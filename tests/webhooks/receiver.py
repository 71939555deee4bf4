"""A real HTTP server in the loop of the test, as one of the shop's own systems is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def verify(self, secret: str) -> None:
        """Raises WebhookVerificationError."""
        Webhook(secret).verify(self.body, dict(self.headers))


@dataclass
class Receiver:
    """Where it is, and what it was sent."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)
    """What is answered next; once nothing is left, 204."""
    decide: Callable[[Request], web.Response | None] = lambda _: None
    """An answer to a certain request."""
    held: asyncio.Event | None = None
    """While it is there and not set, nothing is answered."""

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        found = Request(request.path, headers, await request.read())
        self.requests.append(found)
        if self.held is not None:
            await self.held.wait()
        if (answer := self.decide(found)) is not None:
            return answer
        return self.answers.pop(0) if self.answers else web.Response(status=204)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        if receiver.held is not None:
            receiver.held.set()
        await runner.cleanup()
