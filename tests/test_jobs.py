from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ordercast import jobs
from ordercast.jobs import Jobs, run_every
from tests.waiting import until


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LEADING_POLL_S", 0.005)


def job(log: list[str], name: str) -> Callable[[], Any]:
    async def run() -> None:
        log.append(f"{name} begins")
        try:
            await asyncio.Event().wait()
        finally:
            log.append(f"{name} ends")

    return run


async def test_what_one_node_does_for_all_begins_and_ends_with_its_leading() -> None:
    log: list[str] = []

    async def logged(count: int) -> None:
        await until(lambda: len(log) >= count)

    store = SimpleNamespace(leads=False)
    node = Jobs(cast(Any, store), leading=[job(log, "pruning")], always=[job(log, "counting")])
    node.start()
    await logged(1)
    await asyncio.sleep(0.03)
    assert log == ["counting begins"]
    for leads, count in ((True, 2), (False, 3), (True, 4)):
        store.leads = leads
        await logged(count)
    await node.stop()
    assert log[:4] == ["counting begins", "pruning begins", "pruning ends", "pruning begins"]
    assert sorted(log[4:]) == ["counting ends", "pruning ends"]


async def test_a_job_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    tried: list[int] = []

    async def work() -> None:
        tried.append(len(tried))
        if len(tried) == 1:
            raise RuntimeError("the database is away")

    task = asyncio.create_task(run_every(0.001, work, "what is old could not be forgotten"))
    async with asyncio.timeout(60):
        while len(tried) < 3:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.002)
    task.cancel()
    assert [record.getMessage() for record in caplog.records] == ["what is old could not be forgotten; retrying later"]
