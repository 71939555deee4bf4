"""What everything on one server shares."""

from __future__ import annotations

import asyncio

import pytest

from ordercast.hub import Options
from ordercast.hub import runtime as module
from ordercast.hub.parsers import PARSERS
from ordercast.hub.runtime import Runtime
from tests.hub.links import settle


async def test_it_has_the_loop_that_was_running_first_and_the_parser_of_the_options() -> None:
    runtime = Runtime(Options(parser="msgpack"))

    assert runtime.loop is asyncio.get_running_loop()
    assert runtime.parser is PARSERS["msgpack"]


@pytest.mark.parametrize("burst", [None, 10])
def test_replays_have_a_budget_where_the_options_have_one(burst: int | None) -> None:
    assert (Runtime(Options(replay_burst=burst)).replay_budget is None) is (burst is None)


async def test_what_a_task_in_the_background_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    runtime = Runtime(Options())

    async def fail() -> None:
        raise RuntimeError("broken")

    runtime.spawn(fail())
    assert repr(runtime) == "<Runtime tasks=1>"
    await runtime.wait_for_tasks()
    await settle()

    assert repr(runtime) == "<Runtime tasks=0>"
    assert "task failed" in caplog.text
    assert "broken" in caplog.text


async def test_its_tasks_are_waited_for_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_S_MAX", 0)
    runtime, gate = Runtime(Options()), asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    runtime.spawn(wait())
    await runtime.wait_for_tasks()
    assert repr(runtime) == "<Runtime tasks=1>"

    gate.set()
    await settle()
    assert repr(runtime) == "<Runtime tasks=0>"
