"""The hub as an ASGI application in other people's servers: uvicorn and hypercorn in the loop of the test."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

import hypercorn.asyncio
import hypercorn.config
import uvicorn

from ordercast.asgi import HubApp
from ordercast.hub import Application
from ordercast.wire import Engine
from tests.peers import PATIENCE_S
from tests.servers import Running, listen_on, register
from tests.waiting import until

# Where uvicorn takes our own protocols, where something stands before us, and where there is ASGI alone.
UVICORN, WRAPPED, HYPERCORN = "uvicorn", "uvicorn by asgi", "hypercorn"

Run = Callable[..., Coroutine[Any, Any, None]]


@dataclass
class AsgiServer:
    """What these tests ask of the server behind a port."""

    engine: Engine


def wrapped(application: Any) -> Any:
    """A middleware, as frameworks have them: uvicorn's outermost application is not ours then."""

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        await application(scope, receive, send)

    return middleware


@contextlib.asynccontextmanager
async def running_asgi(hub: Application, by: str, other_app: Any = None, **options: Any) -> AsyncIterator[Running]:
    """Serve `hub` by a server of that name until the block ends."""
    app = HubApp(hub, other_app)
    served = wrapped(app) if by == WRAPPED else app
    run = _hypercorn if by == HYPERCORN else _uvicorn
    async with serving(served, run, **options) as port:
        at = Running(port, cast(Any, AsgiServer(app._engine)))
        with register(at):
            yield at


@contextlib.asynccontextmanager
async def serving(
    app: Any, run: Callable[..., Coroutine[Any, Any, None]] | None = None, **options: Any
) -> AsyncIterator[int]:
    """Serve any ASGI application; give its port."""
    listening = listen_on(0)
    started, stop = asyncio.Event(), asyncio.Event()
    serve = asyncio.create_task((run or _uvicorn)(app, listening, started, stop, **options))
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait({serve, asyncio.ensure_future(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
        yield listening.getsockname()[1]
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await serve
        listening.close()


async def _uvicorn(app: Any, listening: Any, started: asyncio.Event, stop: asyncio.Event, **options: Any) -> None:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, **options))
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    serve = asyncio.create_task(server.serve(sockets=[listening]))
    await until(lambda: server.started or serve.done())
    started.set()
    await stop.wait()
    server.should_exit = True
    await serve


async def _hypercorn(app: Any, listening: Any, started: asyncio.Event, stop: asyncio.Event, **options: Any) -> None:
    config = hypercorn.config.Config.from_mapping(
        bind=[f"fd://{os.dup(listening.fileno())}"], errorlog=None, accesslog=None, graceful_timeout=0.1, **options
    )
    began = asyncio.Event()

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return

        async def send_and_note(message: Any) -> None:
            await send(message)
            began.set()

        await app(scope, receive, send_and_note)

    serve = asyncio.create_task(hypercorn.asyncio.serve(noting, config, shutdown_trigger=stop.wait))
    await began.wait()
    started.set()
    await serve
