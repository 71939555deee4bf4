from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ordercast.hub import Server
from tests.api.client import token

from .phone import Phone

Connect = Callable[..., Awaitable[Phone]]


@pytest.fixture
def connect(server: Server) -> Connect:
    async def connect(
        role: str | None = None, sub: str = "usr_1", *, tracking: str | None = None, **auth: Any
    ) -> Phone:
        return await Phone.connected(server, token(role, sub) if role else tracking, **auth)

    return connect
