"""Running it: Socket.IO and an HTTP application on one port, by uvicorn."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, cast

import uvicorn

from ordercast.hub import Application

from .engine import Engine
from .handover import UpgradingHttp, WebSocketHandover
from .polling import Polling, Receive, Scope, Send

AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

GRACEFUL_STOP_S = 10


def mount(engine: Engine, http: AsgiApplication | None = None) -> AsgiApplication:
    """Give an ASGI application that serves Engine.IO's path, and everything else by `http` (without it: 404)."""
    polling = Polling(engine)
    path = engine.options.path.rstrip("/")
    fallback = http or _not_found

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].rstrip("/") == path:
            await polling(scope, receive, send)
        elif scope["type"] != "websocket":
            await fallback(scope, receive, send)

    return application


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
        cast(Any, mount(engine, http)),
        host=host,
        port=port,
        http=UpgradingHttp,
        ws=cast(Any, functools.partial(WebSocketHandover, engine)),
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
