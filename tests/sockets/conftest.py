from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ordercast.hub import Server
from tests.api.client import token
from tests.api.conftest import (
    client,
    postgresql_store,
    providers,
    seeded,
    seeded_postgres,
    server,
    settings,
    sqlite_store,
    store,
)

from .phone import Phone

__all__ = [
    "Connect",
    "client",
    "connect",
    "postgresql_store",
    "providers",
    "seeded",
    "seeded_postgres",
    "server",
    "settings",
    "sqlite_store",
    "store",
]

Connect = Callable[..., Awaitable[Phone]]


@pytest.fixture
def connect(server: Server) -> Connect:
    async def connect(
        role: str | None = None, sub: str = "usr_1", *, tracking: str | None = None, **auth: Any
    ) -> Phone:
        return await Phone.connected(server, token(role, sub) if role else tracking, **auth)

    return connect
