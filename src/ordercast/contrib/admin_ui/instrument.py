"""Turning it on."""

from __future__ import annotations

import logging
import platform
from typing import Literal

from ordercast.hub.namespace import Namespace
from ordercast.hub.server import Server
from ordercast.hub.socket import Socket

from .auth import BasicAuth, Gate
from .commands import Commands
from .dashboard import Dashboard
from .mode import Mode

log = logging.getLogger("ordercast.hub")


def instrument(
    server: Server,
    *,
    auth: BasicAuth | None,
    mode: Mode | Literal["development", "production"] = Mode.DEVELOPMENT,
    namespace: str = "/admin",
    read_only: bool = False,
    server_id: str = "",
) -> Namespace:
    """Let the Socket.IO Admin UI connect to `server`; call it once, before serving. Gives the admin namespace.

    `auth` is None only where everybody who can reach the port may see and do everything. With `read_only` the
    dashboard looks and does nothing. `server_id` tells nodes apart; by default it is the node's name or the machine's.
    Raises ValueError for a server that is watched already.
    """
    if server.observer is not None:
        raise ValueError("this server is watched already")
    admin = server.of(namespace)
    server_id = server_id or server.options.sid_prefix or platform.node()
    dashboard = Dashboard(server, admin, Mode(mode), server_id, read_only=read_only)
    if auth is None:
        log.warning("the admin namespace %s asks for no password", admin.name)
    else:
        admin.use(Gate(auth))
    if not read_only:
        Commands(server).register(admin)

    def opened(viewer: Socket) -> None:
        log.info("admin connected: %s address=%s", viewer.id, viewer.handshake.address)
        if auth is not None:
            viewer.emit("session", auth.new_session())
        dashboard.opened(viewer)

    admin.on("connection", opened)
    server.observer = dashboard
    for existing in server.namespaces():
        dashboard.namespace_made(existing)
    return admin
