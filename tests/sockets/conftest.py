from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.hub import Server
from tests.api.client import Client, token
from tests.api.conftest import (
    client,
    postgresql_store,
    providers,
    rules,
    seeded,
    seeded_postgres,
    server,
    settings,
    sqlite_store,
    store,
)
from tests.api.drivers_at_work import hire
from tests.servers import running

from .described import problems_of_event
from .phone import Phone
from .stage import SHOP_ROOMS, Stage
from .toggled_rules import ToggledRules

__all__ = [
    "Connect",
    "client",
    "connect",
    "postgresql_store",
    "providers",
    "rules",
    "seeded",
    "seeded_postgres",
    "server",
    "settings",
    "sqlite_store",
    "store",
]

Connect = Callable[..., Awaitable[Phone]]


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    """What any of them heard is held against the AsyncAPI document in the end."""
    phones: list[Phone] = []

    async def connect(
        role: str | None = None, sub: str = "usr_1", *, tracking: str | None = None, **auth: Any
    ) -> Phone:
        phones.append(await Phone.connected(server, token(role, sub) if role else tracking, **auth))
        return phones[-1]

    yield connect
    heard = [event for phone in phones for event in phone.events()]
    assert [problem for name, *args in heard for problem in problems_of_event(name, args)] == []


@pytest.fixture
async def stage(
    client: Client, store: SqliteStore, server: Server, settings: Settings, rules: ToggledRules
) -> AsyncIterator[Stage]:
    await hire(store, "drv_1")
    async with running(server) as at:
        stage = Stage(at.url, client, store, server, settings, rules)
        stage.clerk = await stage.connect(token("store"), *SHOP_ROOMS)
        stage.buyer = await stage.connect(token("customer", "cus_1"), "customer_{id}", "user_{id}")
        stage.rider = await stage.connect(token("driver", "drv_1"), "driver_{id}", "user_{id}")
        yield stage
        for listener in stage.listeners:
            await listener.leave()
    assert [problem for listener in stage.listeners for problem in listener.problems] == []
