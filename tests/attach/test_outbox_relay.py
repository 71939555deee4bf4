"""An outbox is called by one thread at a time, whatever ends meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path

import pytest

from ordercast.attach.mapping import Mapping
from ordercast.attach.outbox_relay import OutboxRelay, OutboxRow
from ordercast.commerce.timestamps import timestamp
from ordercast.db import SqliteStore
from tests.quick import migrated
from tests.waiting import until


class Waiting:
    """An `Outbox` that is being waited for until it is told to return."""

    name = "waiting"
    errors: tuple[type[Exception], ...] = ()

    def __init__(self) -> None:
        self.may_return = threading.Event()
        self.calls: list[str] = []

    def read(self, limit: int) -> list[OutboxRow]:
        del limit
        return []

    def delete(self, ids: Sequence[int]) -> None:
        raise NotImplementedError(ids)

    def delete_known(self, tokens: Collection[str]) -> None:
        raise NotImplementedError(tokens)

    def faults(self) -> list[str]:
        return []

    def wait(self, seconds: float) -> None:
        del seconds
        self.calls.append("waits")
        self.may_return.wait()
        self.calls.append("has waited")

    def close(self) -> None:
        self.calls.append("closed")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(migrated(tmp_path / "ours.db"))
    await store.start()
    yield store
    await store.close()


async def test_a_connection_is_closed_behind_the_call_that_is_under_way(store: SqliteStore) -> None:
    outbox = Waiting()
    running = asyncio.create_task(OutboxRelay(store, outbox, Mapping(Path("none")), lambda: timestamp(1)).run())
    await until(lambda: outbox.calls)
    running.cancel()
    await asyncio.wait([running], timeout=0.05)  # it may have closed by then, were nothing in its way
    outbox.may_return.set()
    await asyncio.wait([running])
    assert outbox.calls == ["waits", "has waited", "closed"]
