"""An Engine.IO session by long polling, whose every request is a connection of its own: a balancer chooses anew."""

from __future__ import annotations

import re
import ssl
import time
from functools import cache
from typing import Any, Final, NamedTuple

import httpx
import msgspec

from ordercast.protocol.engineio import RECORD_SEPARATOR, OpenPacket

from .target import Target

_OPEN: Final = re.compile(rb"0(\{.*?\})(?:\x1e|$)", re.DOTALL)


class TimedResponse(NamedTuple):
    """An HTTP answer, and how long it took."""

    status: int
    headers: httpx.Headers
    body: bytes
    took_s: float

    @property
    def engine_error(self) -> int | None:
        """The code of an Engine.IO refusal: 1 unknown session, 3 bad request, 4 forbidden, 5 protocol version."""
        try:
            code = msgspec.json.decode(self.body, type=_EngineError).code
        except (msgspec.DecodeError, msgspec.ValidationError):
            return None
        return code

    @property
    def open_packet(self) -> OpenPacket | None:
        """The handshake, if that is what it is."""
        match = _OPEN.match(self.body) if self.status == 200 else None
        try:
            return None if match is None else msgspec.json.decode(match[1], type=OpenPacket)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return None


class _EngineError(msgspec.Struct):
    code: int


@cache
def trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


async def ask(target: Target, url: str, *, body: bytes | None = None, **parameters: str) -> TimedResponse:
    """One request on a connection of its own. Raises httpx.HTTPError."""
    began_s = time.monotonic()
    timeout = httpx.Timeout(target.patience_s)
    # Made once: to load all authorities takes a tenth of a second, which would count as the server's.
    verify = trusted() if target.url.startswith("https:") else False
    async with httpx.AsyncClient(timeout=timeout, trust_env=False, headers=target.headers, verify=verify) as client:
        parts: dict[str, Any] = {"params": parameters} if parameters else {}
        if body is None:
            response = await client.get(url, **parts)
        else:
            headers = {"Content-Type": "text/plain;charset=UTF-8"}
            response = await client.post(url, content=body, headers=headers, **parts)
    return TimedResponse(response.status_code, response.headers, response.content, time.monotonic() - began_s)


class PollingSession:
    """A session that is open on the server."""

    def __init__(self, target: Target, sid: str) -> None:
        self._target = target
        self._sid = sid

    async def get(self) -> TimedResponse:
        return await ask(self._target, self._target.engine_url, EIO="4", transport="polling", sid=self._sid)

    async def post(self, packet: bytes) -> TimedResponse:
        url = self._target.engine_url
        return await ask(self._target, url, body=packet, EIO="4", transport="polling", sid=self._sid)

    async def close(self) -> None:
        await self.post(b"1")


def packets_of(body: bytes) -> list[bytes]:
    return body.split(RECORD_SEPARATOR)


async def open_session(target: Target) -> TimedResponse:
    """The handshake's answer, whatever it is."""
    return await ask(target, target.engine_url, EIO="4", transport="polling")
