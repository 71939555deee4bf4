"""The writer: a thread that runs all waiting units of work in one transaction, with one commit.

A commit is one disk sync, however many share it; so a durable order costs microseconds. Batchable units
(``types.Batchable``) share statements too; units that need locked rows wait elsewhere (``held``).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final, TypeVar

from ordercast.db.connector import Connector

from .errors import NotCommitted, Overloaded, StoreClosed
from .groups import SHORT_WAIT_MS, Groups
from .held import HeldUnits
from .queued_units import GroupOutcome, QueuedUnit, Unit, UnitOutcome
from .transaction import Transaction

__all__ = ["Unit", "Writer"]

T = TypeVar("T")

# Beyond this a group delays its first member by more than a second commit.
GROUP_UNITS_MAX: Final = 256
# Under a second of waiting at 5,000 orders/s; more is refused.
UNITS_WAITING_MAX: Final = 4_096

log = logging.getLogger("ordercast.db")


class Writer:
    """Owns its connection from `start` on. `committed` is called on the loop after each commit."""

    def __init__(self, connector: Connector, committed: Callable[[], None]) -> None:
        self._committed = committed
        self._queue: SimpleQueue[QueuedUnit | None] = SimpleQueue()
        self._waiting = 0  # used on the loop's thread only
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="ordercast-writer", daemon=True)
        self._groups = Groups(connector, self._refuse_waiting)
        self._held = HeldUnits(connector, self._deliver_outcomes)

    def __repr__(self) -> str:
        state = "running" if self.is_running else "stopped"
        return f"<Writer {state}, {self._waiting} waiting>"

    @property
    def is_running(self) -> bool:
        return self._loop is not None and self._thread.is_alive()

    # --- On the loop ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Finish waiting units, end the thread, close the connection."""
        if self._loop is None:
            self._groups.close()
            return
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._held.stop)
        await asyncio.sleep(0)  # for the last callers
        self._loop = None

    def cancel_if_stuck(self, seconds_max: float) -> None:
        """Cancel a group that takes longer than this: the database does not respond."""
        self._groups.give_up(seconds_max)
        self._held.give_up(seconds_max)

    async def submit(self, unit: Callable[[Transaction], T]) -> T:
        """Run `unit` in the next group; return its result after the durable commit, or raise its error.

        A unit must not wait for anything outside the database, and may run several times: the last run counts. If the
        caller is cancelled, the unit still runs. Raises Overloaded or StoreClosed.
        """
        if self._loop is None or not self._thread.is_alive():
            raise StoreClosed
        if self._waiting >= UNITS_WAITING_MAX:
            raise Overloaded("changes", self._waiting)
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting += 1
        self._queue.put(QueuedUnit(unit, future, time.monotonic()))
        return await future

    def _resolve(self, group: list[UnitOutcome], committed: bool) -> None:
        self._waiting -= len(group)
        for future, result, error in group:
            if future.done():  # its caller is gone
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        if committed:
            self._committed()

    # --- On the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        running = True
        while running:
            group, running = self._next_group()
            if self._held:
                group = self._held.divert(group)
            if group:
                # While rows are locked, wait shortly: any unit may need them.
                outcomes = self._groups.run(group, wait_ms=SHORT_WAIT_MS if self._held else None)
                self._deliver_outcomes(outcomes)
                if outcomes.held:
                    self._held.take(outcomes.held)
        self._groups.close()

    def _next_group(self, *, wait: bool = True) -> tuple[list[QueuedUnit], bool]:
        """The waiting units, up to GROUP_UNITS_MAX, and whether more may come."""
        group: list[QueuedUnit] = []
        while len(group) < GROUP_UNITS_MAX:
            try:
                waiting = self._queue.get(block=wait and not group)
            except Empty:
                break
            if waiting is None:
                return group, False
            group.append(waiting)
        return group, True

    def _refuse_waiting(self, error: Exception) -> None:
        waiting, running = self._next_group(wait=False)
        while waiting:
            self._deliver_outcomes(
                GroupOutcome([UnitOutcome(each.future, None, NotCommitted(error)) for each in waiting])
            )
            if not running:
                break
            waiting, running = self._next_group(wait=False)
        if not running:
            self._queue.put(None)

    def _deliver_outcomes(self, outcomes: GroupOutcome) -> None:
        """Deliver outcomes to callers on the loop; thread-safe."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._resolve, outcomes.done, outcomes.committed)
        except RuntimeError:  # the loop is closed; commits stay
            log.warning("%d changes were finished after the loop had closed", len(outcomes.done))
