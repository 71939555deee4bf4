"""Every event and command of the AsyncAPI document, on a real socket with a stock client.

What the document has and the tables have not fails: add how to make it happen to ``happenings``, how to ask it to
``askings``. Whatever is heard besides is held against the document too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.hub import Server
from tests.api.client import Client, token
from tests.api.drivers_at_work import hire
from tests.servers import running

from .askings import ASKED
from .described import commands, events
from .happenings import HAPPENS, MORE
from .stage import SHOP_ROOMS, Stage

WRONG: dict[str, Any] = {"nothing": "of the kind"}


@pytest.fixture
async def stage(client: Client, store: SqliteStore, server: Server, settings: Settings) -> AsyncIterator[Stage]:
    await hire(store, "drv_1")
    async with running(server) as at:
        stage = Stage(at.url, client, store, server, settings)
        stage.clerk = await stage.connect(token("store"), *SHOP_ROOMS)
        stage.buyer = await stage.connect(token("customer", "cus_1"), "customer_{id}", "user_{id}")
        stage.rider = await stage.connect(token("driver", "drv_1"), "driver_{id}", "user_{id}")
        yield stage
        for listener in stage.listeners:
            await listener.leave()
    assert [problem for listener in stage.listeners for problem in listener.problems] == []


def test_the_table_has_every_event_of_the_document_and_no_other() -> None:
    assert HAPPENS.keys() == events().keys(), "a line of HAPPENS: how to make the event happen"


async def test_every_event_is_heard_on_a_real_socket_as_the_document_has_it(stage: Stage) -> None:
    for happens in (*dict.fromkeys(HAPPENS.values()), *MORE):
        await happens(stage)
    heard = {name for listener in stage.listeners for name, _ in listener.heard}
    assert heard == HAPPENS.keys()


def test_the_table_has_every_command_of_the_document_and_no_other() -> None:
    assert ASKED.keys() == commands().keys(), "a line of ASKED: how to ask the command"


async def test_every_command_is_acknowledged_on_a_real_socket_as_the_document_has_it(stage: Stage) -> None:
    for asked in dict.fromkeys(ASKED.values()):
        await asked(stage)
    nobody = await stage.connect()
    for name in ASKED.keys() - {"echo"}:
        refused = await stage.clerk.ask(name, WRONG)
        assert refused["data"] is None, name
        assert refused["error"]["code"] in {"invalid_field", "token_malformed"}, name
        assert (await nobody.ask(name, WRONG))["error"]["code"] in {"sign_in_required", "token_malformed"}, name
