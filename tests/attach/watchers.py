"""Stock clients that keep a table right by what they are told: the model that the guide shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
import socketio

from ordercast.api import issue_token
from ordercast.app import Hub, build_hub
from ordercast.config import Settings
from ordercast.db import Store
from ordercast.feed import WatchableTables
from ordercast.hub import DisconnectReason, Socket
from tests.servers import running
from tests.waiting import until

SECRET = "s" * 32
# Sooner than a page would: for a test to wait is no use.
AGAIN_S = 0.05
EVENTS = ("row_entered", "row_changed", "row_left")


class Watcher:
    """python-socketio's client, which watches one thing and keeps its rows."""

    def __init__(self, url: str, role: str, sub: str = "usr_1") -> None:
        self.url = url
        self.role = role
        self.token = issue_token(SECRET, role, sub, 3600)
        self.rows: dict[str, Any] = {}
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.watching: dict[str, Any] = {}
        self.asked: dict[str, Any] | None = None
        # Its own would be left open where the client is ended while it connects again.
        self.http = aiohttp.ClientSession()
        self.client = socketio.AsyncClient(reconnection_delay=0.01, reconnection_delay_max=0.05, http_session=self.http)
        self.client.on("connect", self._again)
        self.client.on("*", self._hear)

    async def connect(self) -> Self:
        await self.client.connect(self.url, auth={"token": self.token}, transports=["websocket"], wait_timeout=60)
        return self

    async def ask(self, command: str, argument: Any) -> Any:
        return await self.client.call(command, argument, timeout=60)

    async def watch(self, **wanted: Any) -> Self:
        """Begin, and wait for the rows."""
        self.asked = wanted
        await self._again()
        await until(lambda: self.watching)
        assert "error" not in self.watching, self.watching
        return self

    async def _again(self) -> None:
        if self.asked is not None and "/" in self.client.namespaces:  # else it asks when it is there again
            await self.client.emit("watch", self.asked, callback=self._take)

    def _take(self, answer: dict[str, Any]) -> None:
        if answer["error"] is not None and "retryAfter" in answer["error"]:
            asyncio.get_running_loop().call_later(AGAIN_S, lambda: asyncio.ensure_future(self._again()))
            return
        if answer["error"] is not None:
            self.watching = {"error": answer["error"]}
            return
        self.watching = answer["data"]
        self.rows = {row["rowId"]: row["row"] for row in self.watching["rows"]}

    async def _hear(self, event: str, *args: Any) -> None:
        self.heard.append((event, args[0]))
        if event == "resync":
            await self._again()
        elif event in EVENTS and args[0]["watch"] == self.watching.get("watch"):
            if event == "row_left":
                self.rows.pop(args[0]["rowId"], None)
            else:
                self.rows[args[0]["rowId"]] = args[0]["row"]

    def names(self) -> list[str]:
        return [event for event, _ in self.heard if event in EVENTS]

    async def waits_for(self, *names: str) -> list[dict[str, Any]]:
        """What it was told of rows until just these events were."""
        await until(lambda: len(self.names()) >= len(names))
        assert tuple(self.names()) == names
        return [payload for event, payload in self.heard if event in EVENTS]

    async def has(self, rows: dict[str, Any]) -> None:
        """Wait until it keeps just these."""
        await until(lambda: self.rows == rows)

    async def has_of(self, rows: dict[str, Any], *columns: str) -> None:
        """The same of some columns."""
        await until(lambda: {id_: tuple(row[name] for name in columns) for id_, row in self.rows.items()} == rows)

    async def is_up_to_date(self) -> None:
        """What was committed before this is told, and heard."""
        await self.ask("echo", 1)

    async def close(self) -> None:
        self.asked = None
        await until(lambda: "/" in self.client.namespaces)  # it is ended whole, and not while it connects again
        await self.client.disconnect()
        await self.http.close()


class LiveShop:
    """A node in this loop, and those who listen to it."""

    def __init__(self, url: str, hub: Hub) -> None:
        self.url = url
        self.hub = hub
        self.watchers: list[Watcher] = []

    async def connect(self, role: str = "store", sub: str = "usr_1") -> Watcher:
        self.watchers.append(Watcher(self.url, role, sub))
        return await self.watchers[-1].connect()

    def socket_of(self, watcher: Watcher) -> Socket:
        return self.hub.server.main.sockets[watcher.client.get_sid()]

    def cut(self, watcher: Watcher) -> None:
        """Lose its connection, if it has one; it comes back by itself."""
        socket = self.hub.server.main.sockets.get(watcher.client.get_sid() or "")
        if socket is not None:
            socket.conn.close(DisconnectReason.TRANSPORT_ERROR)


@asynccontextmanager
async def live(store: Store, tables: WatchableTables) -> AsyncIterator[LiveShop]:
    settings = Settings(secret=SECRET, built_in=False, budgets="off")
    hub = build_hub(settings, store, tables=tables)
    hub.relay.start()
    async with running(hub.server) as at:
        shop = LiveShop(at.url, hub)
        yield shop
        await asyncio.gather(*(watcher.close() for watcher in shop.watchers))
    hub.relay.stop()
    await hub.server.close()
