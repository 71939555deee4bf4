"""The hub as an ASGI application: for any server, and inside of any framework that mounts one.

Under uvicorn, where it is the outermost application, it serves its connections as `ordercast.wire.serve` does
(``uvicorn_connections``); everywhere else through ASGI's own words.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from ordercast.hub import Application, Handshake, Server

from .asgi import AsgiApplication, Receive, Scope, Send
from .asgi_polling import AsgiPollingRequest
from .asgi_websocket import AsgiWebSocketTransport
from .client_files import ClientFiles
from .engine import Engine, parse_query
from .hooks import added_headers
from .lifespan import Lifespan
from .polling import Polling
from .request_log import note_request
from .session_limits import Rejection
from .transport import EngineError
from .uvicorn_connections import serving_uvicorn, take_connections

log = logging.getLogger("ordercast.wire")

# How often a server that says nothing of its stop is asked, while polls may be held; see `serving_uvicorn`.
STOP_POLL_S: Final = 0.25
_CLOSE_BEFORE_ACCEPT: Final = {"type": "websocket.close", "code": 1000}


class HubApp:
    """An ASGI application that serves `hub` at its `Options.path`, and `other_app` everywhere else.

    ::

        app = HubApp(hub, fastapi_app)      # uvicorn main:app
        fastapi_app.mount("/", HubApp(hub))  # or inside: the path stays the hub's
    """

    def __init__(self, hub: Application, other_app: AsgiApplication | None = None) -> None:
        """Without `other_app` other paths answer 404. Raises ValueError where an option of `hub` cannot be meant."""
        self.hub = hub
        self._other_app = other_app
        self._elsewhere: AsgiApplication = other_app or _not_found
        self._path = hub.options.path.rstrip("/")
        if hub.options.serve_client:
            self._elsewhere = ClientFiles(self._elsewhere, hub.options.path, hub.options.origins)
        self._engine = Engine(hub)
        self._polling = Polling(self._engine)
        self._loop: asyncio.AbstractEventLoop | None = None
        """The loop that it has started on."""

    def __repr__(self) -> str:
        return f"<HubApp {self._path}/ {self._engine}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            if take_connections(self, receive, self._engine, self._polling):
                log.info("uvicorn hands its connections to protocols of ours")
            await Lifespan(receive, send, self._start, self._stop).run(scope, self._other_app)
            return
        path = self._own_path(scope)
        if path is None:
            await self._elsewhere(scope, receive, send)
        elif path.rstrip("/") != self._path:
            await self._elsewhere({**scope, "path": path, "root_path": ""}, receive, send)
        elif scope["type"] == "http":
            await self._serve_request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)

    def _own_path(self, scope: Scope) -> str | None:
        """The request's path as the hub knows it; None where it is none of the hub's.

        A framework that mounts us says by `root_path` where, and leaves that in `path` or takes it away.
        """
        path, root = scope["path"], scope.get("root_path", "")
        inside = path.removeprefix(root) if root else path
        for each in (path, inside):
            if each.rstrip("/") == self._path or (each.startswith(self._path + "/") and self._is_file(each)):
                return str(each)
        if self._other_app is None and self._is_mounted_here(scope, inside):
            return self._path + str(inside)
        return None

    def _is_mounted_here(self, scope: Scope, inside: str) -> bool:
        """Whether a framework has mounted us at the very path: some say so, and Litestar only takes its own away."""
        if inside in {"", "/"}:
            return bool(scope.get("root_path")) or b"transport=" in scope.get("query_string", b"")
        return self._is_file(self._path + inside)

    def _is_file(self, path: str) -> bool:
        return isinstance(self._elsewhere, ClientFiles) and self._elsewhere.has(path)

    # Its life

    @contextlib.asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:
        """Run the hub while the block runs: for a framework that mounts it, and tells mounted applications nothing.

        ::

            FastAPI(lifespan=hub_app.lifespan)
        """
        del app
        self._start()
        try:
            yield
        finally:
            await self._stop()

    def _start(self) -> None:
        """Start on the running loop, once; a test's client has another loop each time."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self._loop = loop
        self._engine.restart()
        self.hub.start()
        server = serving_uvicorn()
        if server is not None:
            loop.call_later(STOP_POLL_S, self._watch, server)

    def _watch(self, server: Any) -> None:
        """End the polls when uvicorn stops: it waits for them first, and tells applications afterwards."""
        if server.should_exit:
            self._engine.stop()
        elif self._loop is not None:
            self._loop.call_later(STOP_POLL_S, self._watch, server)

    async def _stop(self) -> None:
        if self._loop is None:
            return
        self._loop = None
        self._engine.stop()
        if isinstance(self.hub, Server):
            await self.hub.close()

    # Engine.IO's requests

    async def _serve_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._start()
        method = scope["method"].encode()
        refused = self._engine.hosts.refused(scope["headers"])
        if refused is not None:
            await _respond(send, 421, EngineError.FORBIDDEN.body(refused))
            return
        note = note_request(scope, method, self._engine.options.path)
        request = AsgiPollingRequest(method, self._handshake(scope), note)
        await request.serve(self._polling, receive, send, self._engine.options.request_timeout_s)

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._start()
        await receive()  # websocket.connect
        engine, handshake = self._engine, self._handshake(scope)
        note = note_request(scope, b"GET", engine.options.path)
        query = parse_query(handshake.raw_query)
        rejection = await self._check(handshake, query)
        if rejection is not None:
            engine.emit_connection_error(handshake, *rejection)
            if note is not None:
                note.write(rejection.error.status)
            await _refuse(scope, send, *rejection)
            return
        session = engine.find(query.get("sid", ""))
        headers = added_headers(engine.options, handshake, initial=session is None)
        if note is not None:
            note.write(101)
            headers.append(note.header)
        accept: dict[str, Any] = {"type": "websocket.accept", "headers": headers}
        if scope.get("subprotocols"):
            accept["subprotocol"] = scope["subprotocols"][0]  # as the reference: clients hang up if not
        await send(accept)
        await AsgiWebSocketTransport(engine, handshake, session, send, text_only="b64" in query).serve(receive)

    async def _check(self, handshake: Handshake, query: dict[str, str]) -> Rejection | None:
        refused = self._engine.hosts.refused(handshake.raw_headers)
        if refused is not None:
            return Rejection(EngineError.FORBIDDEN, refused)
        rejection = self._engine.check(b"GET", query, dict(handshake.raw_headers), "websocket")
        if rejection is not None or query.get("sid"):
            return rejection
        decision: asyncio.Future[Rejection | None] = asyncio.get_running_loop().create_future()

        def decided(rejection: Rejection | None) -> None:
            if not decision.done():  # a server may give up on whoever waits
                decision.set_result(rejection)

        self._engine.session_limits.check(handshake, decided)
        return await decision

    def _handshake(self, scope: Scope) -> Handshake:
        headers = tuple((bytes(name), bytes(value)) for name, value in scope["headers"])
        client = scope.get("client")
        address, scheme = self._engine.forwarding.client(client[0] if client else "", headers)
        secure = (scheme or scope.get("scheme", "http")) in {"https", "wss"}
        return Handshake(headers, scope.get("query_string", b""), address, secure=secure, time=time.time())


async def _refuse(scope: Scope, send: Send, error: EngineError, message: str | None) -> None:
    """Refuse a WebSocket: with the reason, where the server can say one before it accepts."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send(dict(_CLOSE_BEFORE_ACCEPT))
        return
    await _respond(send, error.status, error.body(message), "websocket.http.response", error.retry_after_s)


async def _respond(
    send: Send, status: int, body: bytes, kind: str = "http.response", retry_after_s: int | None = None
) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % retry_after_s))
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
    elif scope["type"] == "websocket":
        await receive()
        await send(dict(_CLOSE_BEFORE_ACCEPT))
