"""Running it: Socket.IO and an HTTP application on one port, by uvicorn."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, MutableMapping
from types import FrameType
from typing import Any, cast

import uvicorn

from ordercast.hub import Application

from .engine import Engine
from .http import Http
from .polling import Polling

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

# How long a stop waits for requests that have come, once all clients are sent away.
GRACEFUL_STOP_S = 10


def make_server(
    application: Application,
    *,
    host: str = "127.0.0.1",
    port: int = 3000,
    http: AsgiApplication | None = None,
    **uvicorn_options: Any,
) -> PortServer:
    """Give a uvicorn server, not yet started, for `application` (a `hub.Server`) and `http` beside it."""
    engine = Engine(application)
    options: dict[str, Any] = {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "lifespan": "on" if http is not None else "off",
        "timeout_graceful_shutdown": GRACEFUL_STOP_S,
        # Forwarded addresses are believed only from a proxy that the operator names.
        "proxy_headers": False,
    }
    config = uvicorn.Config(
        cast(Any, http or _not_found),
        host=host,
        port=port,
        http=cast(Any, functools.partial(Http, Polling(engine), engine)),
        ws="none",  # uvicorn's own; `Http` hands WebSockets over to ours
        **{**options, **uvicorn_options},
    )
    return PortServer(config, engine)


class PortServer(uvicorn.Server):
    """uvicorn's server, which sends clients away before it waits for requests to finish, and says when it has started.

    A signal begins the stop: the port is closed, so that a proxy and returning clients turn to another node at once;
    clients are sent away over a while; requests that have come are answered; `serve` returns. A second signal ends the
    waiting.
    """

    def __init__(self, config: uvicorn.Config, engine: Engine) -> None:
        super().__init__(config)
        self.engine = engine
        self.on_started: Callable[[], None] = lambda: None
        self.on_signal: Callable[[], None] = lambda: None
        """Called once, within the signal's handler, when the stop is asked for."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """uvicorn would raise the signal again after the stop, and nothing that comes after `serve` would run."""
        del sig, frame
        if self.should_exit:
            self.force_exit = True
            return
        self.should_exit = True
        self.on_signal()

    async def startup(self, sockets: Any = None) -> None:
        self.engine.application.start()
        await super().startup(sockets)
        if self.started:
            self.on_started()

    async def shutdown(self, sockets: Any = None) -> None:
        for server in self.servers:
            server.close()
        for listening in sockets or ():
            listening.close()
        await self.engine.drain(lambda: self.force_exit)
        await super().shutdown(sockets)


async def serve(
    application: Application,
    *,
    host: str = "127.0.0.1",
    port: int = 3000,
    http: AsgiApplication | None = None,
    **uvicorn_options: Any,
) -> None:
    """Serve until a signal says to stop; connections are then told, and come back to the next one."""
    await make_server(application, host=host, port=port, http=http, **uvicorn_options).serve()


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
