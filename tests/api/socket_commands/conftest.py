from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from ordercast.app import build_hub
from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.hub import Server
from tests.api.client import token

from .phone import Phone

Connect = Callable[..., Awaitable[Phone]]


@pytest.fixture
async def server(settings: Settings, store: SqliteStore) -> AsyncIterator[Server]:
    """The socket half of a node, joined to its shop."""
    server, pump = build_hub(settings, store)
    pump.start()
    yield server
    pump.stop()
    await server.close()


@pytest.fixture
def connect(server: Server) -> Connect:
    async def connect(
        role: str | None = None, sub: str = "usr_1", *, tracking: str | None = None, **auth: Any
    ) -> Phone:
        return await Phone.connected(server, token(role, sub) if role else tracking, **auth)

    return connect
