"""Waiting for conditions. A bound in seconds is for what hangs: a machine that is busy does not reach it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

PATIENCE_S: Final = 60.0


async def until(condition: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """Wait until it is so, in the loop; gives what the condition gave, which may be a coroutine function."""
    async with asyncio.timeout(within_s):
        while True:
            answer = condition()
            if hasattr(answer, "__await__"):
                answer = await answer
            if answer:
                return answer
            await asyncio.sleep(0.002)


def eventually(condition: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """The same where no loop runs."""
    deadline = time.monotonic() + patience_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.02)
    return answer
