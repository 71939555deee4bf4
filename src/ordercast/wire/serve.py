"""Serving Socket.IO and an ASGI application on one port, by uvicorn."""

from __future__ import annotations

import asyncio
import functools
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, cast

import uvicorn

from ordercast.hub import Application

from .asgi import AsgiApplication, Receive, Scope, Send
from .client_files import ClientFiles
from .engine import Engine
from .file_descriptors import FileDescriptorMonitor
from .http import Http
from .log_rate_limit import limit_log_rate, unlimit_log_rate
from .polling import Polling

log = logging.getLogger("ordercast.wire.serve")

# Seconds that a stop waits for requests in progress, once all clients are disconnected; and after a second signal,
# enough for what the database still answers.
GRACEFUL_STOP_S = 10
FAST_STOP_S = 1.0
_FAST_STOP_POLL_S = 0.05
# What ends `serve`, of what the system has.
STOP_SIGNALS: Final = tuple(each for each in signal.Signals if each.name in {"SIGINT", "SIGTERM", "SIGQUIT"})


def make_server(
    application: Application,
    *,
    host: str = "127.0.0.1",
    port: int = 3000,
    http: AsgiApplication | None = None,
    **uvicorn_options: Any,
) -> PortServer:
    """Make a uvicorn server, not yet started.

    :param application: a `hub.Server`, or another `Application` over Engine.IO; its `options` are ours too.
    :param host: the address to listen on.
    :param port: the port to listen on; 0 for any.
    :param http: an ASGI application for all other paths, with its lifespan; without one they answer 404.
    :param uvicorn_options: arguments of `uvicorn.Config`, such as `ssl_certfile` or `fd`.
    :raises ValueError: an option of `application` cannot be meant.
    """
    engine = Engine(application)
    asgi = http or _not_found
    if application.options.serve_client:
        asgi = ClientFiles(asgi, application.options.path, application.options.origins)
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
        cast(Any, asgi),
        host=host,
        port=port,
        http=cast(Any, functools.partial(Http, Polling(engine), engine)),
        ws="none",  # uvicorn's own; `Http` hands WebSockets over to ours
        **{**options, **uvicorn_options},
    )
    return PortServer(config, engine)


# uvicorn's ticks.
_TICKS_PER_SECOND = 10


class PortServer(uvicorn.Server):
    """uvicorn's server with a graceful stop of Socket.IO's connections.

    A signal begins the stop: the port is closed, so that a proxy and reconnecting clients turn to another node at once;
    sessions are closed over `Options.drain_s`; requests that have come are answered; `serve` returns. A second signal
    closes all sessions at once and gives requests `FAST_STOP_S`, a third gives them none.
    """

    def __init__(self, config: uvicorn.Config, engine: Engine) -> None:
        super().__init__(config)
        self.engine = engine
        self.handles_signals = True
        """Whether `serve` handles `STOP_SIGNALS`; otherwise the program calls `stop`."""
        self.is_fast_stop = False
        self._file_descriptors = FileDescriptorMonitor()
        self.on_started: Callable[[], None] = lambda: None
        """Called once the port is open."""
        self.on_signal: Callable[[], None] = lambda: None
        """Called once, when the stop is requested; by a signal, within its handler."""

    def stop(self) -> None:
        """Begin a graceful stop; called again, make it a fast, then an immediate one. Safe in a signal's handler."""
        if not self.should_exit:
            self.should_exit = True
            self.on_signal()
        elif not self.is_fast_stop:
            self.is_fast_stop = True
        else:
            self.force_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """uvicorn would raise the signal again after the stop, and nothing that comes after `serve` would run."""
        del sig, frame
        self.stop()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if not self.handles_signals or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in STOP_SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    async def startup(self, sockets: Any = None) -> None:
        self.engine.application.start()
        limit_log_rate()
        await super().startup(sockets)
        if self.started:
            self.on_started()

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_PER_SECOND == 0:
            self._file_descriptors.check()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: Any = None) -> None:
        for server in self.servers:
            server.close()
        for listening in sockets or ():
            listening.close()
        await self.engine.drain(lambda: self.is_fast_stop)
        logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
        fast_stop = asyncio.create_task(self._end_fast_stop())
        await super().shutdown(sockets)
        fast_stop.cancel()
        if self.force_exit:
            await self._abort()
        unlimit_log_rate()

    async def _end_fast_stop(self) -> None:
        while not self.is_fast_stop:  # noqa: ASYNC110 - set by a signal's handler
            await asyncio.sleep(_FAST_STOP_POLL_S)
        await asyncio.sleep(FAST_STOP_S)
        self.force_exit = True

    async def _abort(self) -> None:
        """Abort what uvicorn leaves behind when it is forced to."""
        requests = {*self.server_state.tasks}
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # first: uvicorn would answer a cancelled request with 500
        for request in requests:
            request.cancel()
        if requests:
            log.warning("stopped in a hurry: %d requests were left unanswered", len(requests))
            await asyncio.wait(requests, timeout=FAST_STOP_S)
        await self.lifespan.shutdown()


async def serve(
    application: Application,
    *,
    host: str = "127.0.0.1",
    port: int = 3000,
    http: AsgiApplication | None = None,
    **uvicorn_options: Any,
) -> None:
    """Serve until SIGINT, SIGTERM or SIGQUIT, then stop as `PortServer` does. The arguments are `make_server`'s."""
    await make_server(application, host=host, port=port, http=http, **uvicorn_options).serve()


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """uvicorn logs a traceback for each request that it, or we, gave up at the end."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
