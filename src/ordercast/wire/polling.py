"""HTTP long polling: a GET is held until there is something to say, a POST brings what the client says.

Source: the Engine.IO protocol, revision 4, section "HTTP long-polling". An ASGI application.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from ordercast.hub import DisconnectReason, Handshake
from ordercast.protocol.engineio import parse_payload, serialize_payload
from ordercast.protocol.errors import MalformedPacket
from ordercast.protocol.message import CLOSE, NOOP, Message

from .engine import Engine, parse_query
from .origins import cors_headers, preflight_headers
from .session import Session
from .transport import Refusal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = dict[bytes, bytes]

TEXT = b"text/plain; charset=UTF-8"
JSON = b"application/json"


class PollingTransport:
    """Carries a session from poll to poll; between two of them the session is blocked."""

    __slots__ = ("held", "name", "posting", "session")

    def __init__(self) -> None:
        self.name = "polling"
        self.session: Session | None = None
        self.held: asyncio.Future[bytes] | None = None
        """The poll that waits for an answer."""
        self.posting = False

    def write(self, messages: Sequence[Message]) -> None:
        held, self.held = self.held, None
        if self.session is not None:
            self.session.blocked = True
        if held is not None and not held.done():
            held.set_result(serialize_payload(message.payload for message in messages))

    def release(self) -> None:
        if self.held is not None:
            self.write([NOOP])

    def close(self, messages: Sequence[Message]) -> bool:
        if self.held is None:
            return False
        self.write([*messages, CLOSE])
        return True


class Polling:
    """The ASGI application for Engine.IO's path."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Headers = dict(scope["headers"])
        reply = _Reply(send, headers, self._engine)
        if scope["method"] == "OPTIONS":
            await reply.preflight()
            return
        query = parse_query(scope["query_string"])
        refusal = self._engine.check(scope["method"].encode(), query, headers, "polling")
        if refusal is not None:
            await reply.refuse(refusal)
            return
        await self._serve(scope, receive, reply, query.get("sid", [""])[-1])

    async def _serve(self, scope: Scope, receive: Receive, reply: _Reply, sid: str) -> None:
        session = self._engine.find(sid) if sid else self._open(scope)
        if session is None:
            messages = self._engine.take_last_words(sid)
            await reply.text(serialize_payload(message.payload for message in messages or (CLOSE,)))
        elif scope["method"] == "GET":
            await self._poll(session, receive, reply)
        elif scope["method"] == "POST":
            await self._post(session, receive, reply)
        else:
            await reply.refuse(Refusal.BAD_REQUEST)

    def _open(self, scope: Scope) -> Session:
        transport = PollingTransport()
        handshake = Handshake(
            raw_headers=tuple(scope["headers"]),
            raw_query=scope["query_string"],
            address=scope["client"][0] if scope["client"] else "",
            secure=scope["scheme"] == "https",
            time=time.time(),
        )
        transport.session = self._engine.open(handshake, transport, blocked=True)
        return transport.session

    # GET

    async def _poll(self, session: Session, receive: Receive, reply: _Reply) -> None:
        transport = session.transport
        if not isinstance(transport, PollingTransport):
            await reply.refuse(Refusal.BAD_REQUEST)
            return
        if transport.held is not None:
            # Section "HTTP long-polling": two GETs at once are a client out of step; the session ends.
            session.close(DisconnectReason.TRANSPORT_ERROR)
            await reply.refuse(Refusal.BAD_REQUEST)
            return
        held = transport.held = asyncio.get_running_loop().create_future()
        session.unblock()
        if not held.done():
            await self._hold(session, transport, held, receive)
        if held.done() and not held.cancelled():
            await reply.text(held.result())

    async def _hold(
        self, session: Session, transport: PollingTransport, held: asyncio.Future[bytes], receive: Receive
    ) -> None:
        """Wait for an answer, or for the client to hang up, which ends the session."""
        watcher = asyncio.ensure_future(_hung_up(receive))
        watcher.add_done_callback(lambda _: held.cancel())
        try:
            await held
        except asyncio.CancelledError:
            if not watcher.done():
                raise
            transport.held = None
            session.transport_lost(transport, DisconnectReason.TRANSPORT_CLOSE)
        finally:
            watcher.cancel()

    # POST

    async def _post(self, session: Session, receive: Receive, reply: _Reply) -> None:
        transport = session.transport
        if not isinstance(transport, PollingTransport) or reply.request_headers.get(b"content-type", b"").startswith(
            b"application/octet-stream"
        ):
            await reply.refuse(Refusal.BAD_REQUEST)
            return
        if transport.posting:
            # Two POSTs at once have no order, and order is what is promised.
            session.close(DisconnectReason.TRANSPORT_ERROR)
            await reply.refuse(Refusal.BAD_REQUEST)
            return
        transport.posting = True
        try:
            body = await self._read_body(receive, reply.request_headers)
        finally:
            transport.posting = False
        if body is None:
            await reply.refuse(Refusal.TOO_LARGE)
        elif self._receive(session, body):
            await reply.text(b"ok")
        else:
            await reply.refuse(Refusal.BAD_REQUEST)

    async def _read_body(self, receive: Receive, headers: Headers) -> bytes | None:
        """The whole body; None when it is, or says it will be, over the bound."""
        bytes_max = self._engine.options.message_bytes_max
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > bytes_max:
            return None
        chunks, length = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return b""  # hung up half-way: nothing that could be parsed came
            chunks.append(message.get("body", b""))
            length += len(chunks[-1])
            if length > bytes_max:
                return None
            if not message.get("more_body", False):
                return b"".join(chunks)

    def _receive(self, session: Session, body: bytes) -> bool:
        try:
            for packet in parse_payload(body):
                session.receive(packet)
        except MalformedPacket as error:
            session.malformed(error)
            return False
        return True


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Reply:
    """Answers one request, with the headers that its origin needs."""

    def __init__(self, send: Send, request_headers: Headers, engine: Engine) -> None:
        self._send = send
        self.request_headers = request_headers
        self._origin = request_headers.get(b"origin", b"")
        self._host = request_headers.get(b"host", b"")
        self._origins = engine.options.origins

    async def text(self, body: bytes) -> None:
        await self._respond(200, TEXT, body)

    async def refuse(self, refusal: Refusal) -> None:
        await self._respond(refusal.status, JSON, refusal.body)

    async def preflight(self) -> None:
        requested = self.request_headers.get(b"access-control-request-headers", b"")
        headers = preflight_headers(self._origin, self._host, requested, self._origins)
        await self._start(204, headers)
        await self._send({"type": "http.response.body", "body": b""})

    async def _respond(self, status: int, content_type: bytes, body: bytes) -> None:
        headers = [
            (b"content-type", content_type),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            *cors_headers(self._origin, self._host, self._origins),
        ]
        await self._start(status, headers)
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
