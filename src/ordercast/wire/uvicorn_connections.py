"""uvicorn's connections, for an ASGI application that is its outermost one: HTTP and WebSockets as `make_server` has
them, without a task and two awaits for each message.

uvicorn makes its protocol for each connection when that comes, from a class in its configuration; an application hears
of the lifespan before the port opens. So it can put ours there. This leans on names of uvicorn's that it does not
promise: where one is missing, or something else was chosen (``--http h11``), everything goes by ASGI.
"""

from __future__ import annotations

import functools
import signal
from typing import Any, Final

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ordercast.hub.callers import Forwarding

from .engine import Engine
from .http import Http, path_and_query
from .http_polling_request import HttpPollingRequest
from .polling import Polling

_EVERYBODY: Final = ("0.0.0.0/0", "::/0")


class HubConnection(Http):
    """One connection of somebody else's uvicorn: what is not Engine.IO's is left to uvicorn."""

    def shutdown(self) -> None:
        self._engine.stop()  # held polls are answered, or uvicorn would wait for them
        super().shutdown()

    def _is_engine(self) -> bool:
        return path_and_query(self.url)[0].rstrip(b"/") == self._path

    def _should_upgrade(self) -> bool:
        return super()._should_upgrade() and (self.ws_protocol_class is not None or self._is_engine())

    def _upgrade(self, rest: bytes) -> None:
        if self._is_engine():
            super()._upgrade(rest)
            return
        self._reading = False
        self._set_request_deadline()
        self._release()
        self.handle_websocket_upgrade()

    def _request_due(self) -> None:
        """The other application's bodies may take what it allows: uploads are its own affair."""
        cycle: Any = self.cycle
        if self._in_body() and not isinstance(cycle, HttpPollingRequest):
            self._deadline = None
        else:
            super()._request_due()


def take_connections(application: object, receive: Any, engine: Engine, polling: Polling) -> bool:
    """Have uvicorn make our protocol for its connections; `receive` is the lifespan's. False where it cannot be."""
    config = getattr(getattr(receive, "__self__", None), "config", None)
    if not isinstance(config, uvicorn.Config) or config.http_protocol_class is not HttpToolsProtocol:
        return False
    outermost: Any = config.loaded_app
    if isinstance(outermost, ProxyHeadersMiddleware):
        outermost = outermost.app
        engine.forwarding = Forwarding((*engine.options.trusted_proxies, *_proxies(config.forwarded_allow_ips)))
    if outermost is not application:
        return False  # something stands before us, which is to see every request
    config.http_protocol_class = functools.partial(HubConnection, polling, engine)  # type: ignore[assignment]
    return True


def _proxies(allowed: str | list[str]) -> list[str]:
    """uvicorn's ``--forwarded-allow-ips`` as `Options.trusted_proxies`; what is no address there is one of a socket."""
    names = [name.strip() for name in allowed.split(",")] if isinstance(allowed, str) else allowed
    if "*" in names:
        return list(_EVERYBODY)
    return [name for name in names if _is_network(name)]


def _is_network(name: str) -> bool:
    try:
        Forwarding((name,))
    except ValueError:
        return False
    return True


def serving_uvicorn() -> uvicorn.Server | None:
    """The uvicorn that has this process, by the handler of its signal; it tells applications of a stop last of all."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return server if isinstance(server, uvicorn.Server) else None
