from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
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

from .described import problems_of_event
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
