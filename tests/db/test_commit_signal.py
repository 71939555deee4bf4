"""A worker that waits for commits ends when it is told to, whatever is committed at that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from ordercast.db.commit_signal import CommitSignal


class Commits:
    def watch(self, wake: Callable[[], None]) -> None:
        self.wake = wake


async def test_a_cancellation_that_comes_with_a_commit_is_not_forgotten() -> None:
    commits = Commits()
    signal = CommitSignal(cast("Any", commits), 0)
    waiting = asyncio.create_task(signal.wait(60))
    for _ in range(5):
        await asyncio.sleep(0)
    commits.wake()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_commit_ends_the_wait() -> None:
    commits = Commits()
    waiting = asyncio.create_task(CommitSignal(cast("Any", commits), 0).wait(60))
    await asyncio.sleep(0)
    commits.wake()
    await waiting


async def test_the_wait_ends_without_a_commit() -> None:
    await CommitSignal(cast("Any", Commits()), 0).wait(0.001)
