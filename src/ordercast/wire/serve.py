"""Running it: Socket.IO and an HTTP application on one port, by uvicorn."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, MutableMapping
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
    """uvicorn's server, which ends held polls before it waits for requests to finish, and says when it has started."""

    def __init__(self, config: uvicorn.Config, engine: Engine) -> None:
        super().__init__(config)
        self.engine = engine
        self.on_started: Callable[[], None] = lambda: None

    async def startup(self, sockets: Any = None) -> None:
        self.engine.application.start()
        await super().startup(sockets)
        if self.started:
            self.on_started()

    async def shutdown(self, sockets: Any = None) -> None:
        self.engine.close()
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
