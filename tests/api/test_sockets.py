from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ordercast.api import auth, sockets
from ordercast.api.auth import Identity
from ordercast.api.sockets import open_socket_door
from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.feed import Pump, Watching
from ordercast.hub import Server
from tests.hub.links import Link, settle

from .client import token


async def test_a_token_that_is_renewed_by_one_who_left_meanwhile_starts_no_timer(
    store: SqliteStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server()
    open_socket_door(server, settings, store, Watching(Pump(store, server.main), server.main))
    link = Link(server)
    mine = token("store")
    link.hear(f'0{{"token":"{mine}"}}')
    await settle()
    (socket,) = server.main.sockets.values()
    looked_up, asked = asyncio.Event(), asyncio.Event()
    identify = auth.identify

    async def slowly(*args: Any) -> Identity:
        asked.set()
        await looked_up.wait()
        return await identify(*args)

    monkeypatch.setattr(sockets, "identify", slowly)
    link.hear(f'2["auth_refresh","{mine}"]')
    await asked.wait()
    link.lose()
    looked_up.set()
    await settle()

    assert not socket.connected
    assert socket.data._timer is None
