"""A request for Engine.IO's path as ASGI brings it: one coroutine that reads, waits, and answers."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from ordercast.hub import Handshake

from .asgi import Receive, Send
from .origins import Headers
from .polling import Polling
from .polling_request import PollingRequest
from .request_log import RequestNote

_TIMED_OUT: Final = (408, [(b"content-length", b"0"), (b"connection", b"close")], b"")


class AsgiPollingRequest(PollingRequest):
    """The request and, once it is made, its answer."""

    __slots__ = ("_answer", "_handshake")

    def __init__(self, method: bytes, handshake: Handshake, note: RequestNote | None) -> None:
        super().__init__(method, handshake.raw_query, list(handshake.raw_headers), note)
        self._handshake = handshake
        self._answer: asyncio.Future[tuple[int, Headers, bytes]] = asyncio.get_running_loop().create_future()

    def handshake(self) -> Handshake:
        return self._handshake

    async def serve(self, polling: Polling, receive: Receive, send: Send, timeout_s: float) -> None:
        """Serve it to its end; a body that takes longer than `timeout_s` to come is not waited for."""
        try:
            await self._serve(polling, receive, timeout_s)
        finally:  # also where the server gives it up: nobody will take the answer
            if not self._answer.done():
                self._hang_up()
        status, headers, body = self._answer.result() if self._answer.done() else _TIMED_OUT
        note = self.note
        if note is not None:
            note.write(status)
            headers = [*headers, note.header]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _serve(self, polling: Polling, receive: Receive, timeout_s: float) -> None:
        try:
            polling.serve(self)
        except Exception:  # noqa: BLE001 - answered and logged there
            self.fail()
        if self._answer.done():
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._read(receive)
        except TimeoutError:
            return
        if not self._answer.done() and not self.disconnected:
            await self._wait(receive)

    async def _read(self, receive: Receive) -> None:
        """Read the body to its end, or until the answer is known, which a body that is too large does not wait for."""
        while self.more_body and not self._answer.done():
            message = await receive()
            if message["type"] == "http.disconnect":
                self._hang_up()
                return
            if self.method == b"POST":
                self.body += message.get("body", b"")
            self.more_body = message.get("more_body", False)
            self.set()

    async def _wait(self, receive: Receive) -> None:
        """Wait for the answer of a held poll, or until its client hangs up."""
        hang_up = asyncio.ensure_future(receive())
        either: set[asyncio.Future[Any]] = {hang_up, self._answer}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not self._answer.done():
                self._hang_up()
        finally:
            hang_up.cancel()

    def _hang_up(self) -> None:
        self.disconnected = True
        self.set()

    def _write(self, status: int, headers: Headers, body: bytes) -> None:
        self.response_complete = True
        self.listener = None
        if not self._answer.done():
            self._answer.set_result((status, headers, body))
