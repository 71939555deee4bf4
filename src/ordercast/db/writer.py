"""The one writer: a thread that runs as many units of work as are waiting in one transaction, and commits once.

A commit is one wait for the disk whoever shares it; that is why a durable order costs microseconds. Units that can be
done at once (``types.Batchable``) share their statements too; those that need what another program holds wait elsewhere
(``held``).
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
from .groups import SHORT_WAIT_MS, GroupOutcome, Groups, QueuedUnit, Unit, UnitOutcome
from .held import HeldUnits
from .transaction import Transaction

__all__ = ["Unit", "Writer"]

T = TypeVar("T")

# Past this, one slow group delays its first member by more than a second commit would.
GROUP_UNITS_MAX: Final = 256
# At 5,000 orders/s this is under a second of waiting; whoever comes later is better told so at once.
UNITS_WAITING_MAX: Final = 4_096

log = logging.getLogger("ordercast.db")


class Writer:
    """Owns its connection from `start` on. `committed` is called on the loop after each commit."""

    def __init__(self, connector: Connector, committed: Callable[[], None]) -> None:
        self._committed = committed
        self._queue: SimpleQueue[QueuedUnit | None] = SimpleQueue()
        self._waiting = 0  # touched on the loop's thread only
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
        """Finish what is waiting, then end the thread and close the connection."""
        if self._loop is None:
            self._groups.close()
            return
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._held.stop)
        await asyncio.sleep(0)  # for those who were told last
        self._loop = None

    def cancel_if_stuck(self, seconds_max: float) -> None:
        """Have a group fail that has taken longer: the database does not answer, and callers would wait for ever."""
        self._groups.give_up(seconds_max)
        self._held.give_up(seconds_max)

    async def submit(self, unit: Callable[[Transaction], T]) -> T:
        """Run `unit` in the next group; returns when its commit is durable, raises what it raised.

        A unit must not wait for anything outside the database, and may be run more than once: only its last run
        counts. If the caller is cancelled meanwhile, the unit still runs. Raises Overloaded, or StoreClosed.
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
            if future.done():  # its caller has gone
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
                # While rows are held, others are not waited for either: who needs one may be any of them.
                outcomes = self._groups.run(group, wait_ms=SHORT_WAIT_MS if self._held else None)
                self._deliver_outcomes(outcomes)
                if outcomes.held:
                    self._held.take(outcomes.held)
        self._groups.close()

    def _next_group(self, *, wait: bool = True) -> tuple[list[QueuedUnit], bool]:
        """Those that are waiting, up to GROUP_UNITS_MAX, and whether more may come."""
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
        """Have the callers told, on the loop; may be called from any thread."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._resolve, outcomes.done, outcomes.committed)
        except RuntimeError:  # the loop was closed first; what was committed stays
            log.warning("%d changes were finished after the loop had closed", len(outcomes.done))
