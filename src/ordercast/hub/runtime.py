"""Shared by everything of a server: options, parser, event loop and background tasks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

from .options import Options
from .parsers import PARSERS
from .recovery.replay_budget import ReplayBudget

log = logging.getLogger("ordercast.hub")

# How long a closing server waits for tasks that its end has begun, such as handlers of ``disconnect``.
CLOSE_S_MAX: Final = 1.0


class Runtime:
    """Made by the server for its namespaces and clients, which thus need not know the server."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.parser = PARSERS[options.parser]
        burst = options.replay_burst
        self.replay_budget = None if burst is None else ReplayBudget(burst, options.replay_per_second)
        """What each identity may have replayed; None where there is no bound."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"<Runtime tasks={len(self._tasks)}>"

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop: the one that was running when it was first needed, and another once that is closed."""
        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.get_running_loop()
        return self._loop

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` as a task in the background; its failure is logged."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task failed", exc_info=error)

    async def wait_for_tasks(self) -> None:
        """Wait until the tasks in the background are done, for `CLOSE_S_MAX` at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_S_MAX)
