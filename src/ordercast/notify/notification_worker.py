"""The notification worker: sends what is owed, after the commit, until it was taken or refused for good."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from ordercast.commerce.notification_preferences import TaskState, Way
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.db import Store, StoreError, Transaction, UnitOfWork, contact_points, notification_tasks
from ordercast.db.commit_signal import CommitSignal
from ordercast.db.notification_tasks import TaskOutcome
from ordercast.telemetry import NOTIFICATIONS_SENT

from .outgoing import Delayed, Gone, Refused, SendingWay
from .planning import Deliver, End, Plan, Planner, Wait

log = logging.getLogger("ordercast.notify")

# Waits between attempts: soon after a hiccup, rarely during an outage.
BACKOFF_S: Final = (2, 5, 15, 60, 300, 900)
# A push service that asks for more than this is asked again all the same: what it would be told of then is stale.
RETRY_AFTER_S_MAX: Final = 3_600
# Tasks looked at together, and of these so many are sent side by side: connections, and bodies in memory.
AT_ONCE_MAX: Final = 64
SIDE_BY_SIDE_MAX: Final = 16
LOOK_EVERY_S: Final = 0.5
# Another program's commit, or a task that came due, is found at the latest after so long.
IDLE_S: Final = 5.0
# How long it is kept what became of a task.
KEPT_MS: Final = 7 * 86_400_000
FORGOTTEN_AT_ONCE_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class _Note:
    """What the database is still to be told of."""

    way: Way
    outcome: str
    write: Callable[[Transaction], None]


class NotificationWorker:
    """At work on the node that leads. Two nodes may send the same task while one takes over from the other, and one
    that dies between an answer and the commit sends it again: by its tag, topic or id it takes the first one's place.
    """

    def __init__(
        self,
        store: Store,
        ways: Mapping[Way, SendingWay],
        planner: Planner,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._store = store
        self._ways = ways
        self._planner = planner
        self._now_ms = now_ms
        self._unnoted: list[_Note] = []
        """Until the database has these, nothing else is sent."""
        self._commits = CommitSignal(store, LOOK_EVERY_S)

    def __repr__(self) -> str:
        return f"<NotificationWorker by {', '.join(map(repr, self._ways.values())) or 'no way'}>"

    async def run(self) -> None:
        """Send for ever; woken by each commit, and when a task comes due."""
        try:
            while True:
                self._commits.clear()
                try:
                    seen_to = await self.send_due()
                    wait_s = 0.0 if seen_to == AT_ONCE_MAX else await self._wait_s()
                except StoreError as error:
                    log.warning("notifications could not be looked up; trying again: %s", error)
                    wait_s = IDLE_S
                except Exception:
                    log.exception("notifications could not be sent; trying again")
                    wait_s = IDLE_S
                await self._commits.wait(wait_s)
        finally:
            # What was sent before a stop goes no second time after it.
            with suppress(StoreError):
                await self._note()
            for way in self._ways.values():
                await way.close()

    async def send_due(self) -> int:
        """See to the next tasks that are due; how many were looked at."""
        await self._note()
        now_ms = self._now_ms()
        plans, count = await self._store.read(lambda transaction: self._planned(transaction, now_ms))
        for plan in plans:
            if not isinstance(plan, Deliver):
                self._unnoted.append(self._unsent(plan))
        deliveries = sorted(
            (plan for plan in plans if isinstance(plan, Deliver)),
            key=lambda plan: (plan.task.contact_point_id, plan.task.entry),
        )
        room = asyncio.Semaphore(SIDE_BY_SIDE_MAX)
        # What goes to one device goes in its order.
        each_device = groupby(deliveries, key=lambda plan: plan.task.contact_point_id)
        await asyncio.gather(*(self._send_all(list(plans), room) for _, plans in each_device))
        await self._note()
        return count

    def _planned(self, transaction: Transaction, now_ms: int) -> tuple[list[Plan], int]:
        tasks = notification_tasks.due(transaction, timestamp(now_ms), AT_ONCE_MAX)
        return self._planner.plan_all(transaction, tasks, now_ms), len(tasks)

    # --- Sending ----------------------------------------------------------------------------------------------------

    async def _send_all(self, plans: Sequence[Deliver], room: asyncio.Semaphore) -> None:
        async with room:
            for plan in plans:
                self._unnoted.append(await self._sent(plan))

    async def _sent(self, plan: Deliver) -> _Note:
        """Send one; gives what became of it."""
        task, way = plan.task, plan.task.way
        try:
            await self._ways[way].send(plan.notification)
        except Gone as gone:
            code = gone.code

            def forget(transaction: Transaction) -> None:
                contact_points.remove(transaction, task.contact_point_id)
                _finish(transaction, plan, TaskState.REFUSED, code)

            return _Note(way, "gone", forget)
        except Refused as refusal:
            code = refusal.code
            log.warning("notification %s by %s is given up: it was refused (%s)", task.notification_id, way, code)
            return _Note(way, "refused", lambda transaction: _finish(transaction, plan, TaskState.REFUSED, code))
        except Delayed as delay:
            return self._delayed(plan, delay)
        except Exception:
            log.exception("notification %s by %s could not be sent; trying again", task.notification_id, way)
            return self._delayed(plan, Delayed("failed"))
        return _Note(way, "sent", lambda transaction: _finish(transaction, plan, TaskState.SENT))

    def _delayed(self, plan: Deliver, delay: Delayed) -> _Note:
        task = plan.task
        asked_s = min(delay.after_s or 0, RETRY_AFTER_S_MAX)
        wait_s = max(BACKOFF_S[min(task.attempts, len(BACKOFF_S) - 1)], asked_s)
        until = timestamp(self._now_ms() + wait_s * 1000)
        log.info("notification %s by %s waits for %d s: %s", task.notification_id, task.way, wait_s, delay.code)

        def postpone(transaction: Transaction) -> None:
            for entry in plan.entries:
                notification_tasks.postpone(transaction, entry, until, problem=delay.code, held=task.held)

        return _Note(task.way, "delayed", postpone)

    @staticmethod
    def _unsent(plan: End | Wait) -> _Note:
        task = plan.task
        if isinstance(plan, Wait):
            until = timestamp(plan.until_ms)

            def hold(transaction: Transaction) -> None:
                notification_tasks.postpone(transaction, task.entry, until, problem=None, held=True)

            return _Note(task.way, "held", hold)
        outcome = TaskOutcome(task.entry, plan.state, plan.why)
        return _Note(task.way, plan.state, lambda transaction: notification_tasks.finish(transaction, [outcome]))

    async def _note(self) -> None:
        """Note what became of tasks: one that was sent goes no second time while the database takes nothing."""
        notes = list(self._unnoted)
        if not notes:
            return

        def unit(transaction: Transaction) -> None:
            for note in notes:
                note.write(transaction)

        await self._store.write(UnitOfWork(unit, waits=False))
        del self._unnoted[: len(notes)]
        for note in notes:
            NOTIFICATIONS_SENT.labels(note.way, note.outcome).inc()

    # --- Times ------------------------------------------------------------------------------------------------------

    async def _wait_s(self) -> float:
        due_at = await self._store.read(notification_tasks.next_due)
        if due_at is None or due_at > self._at(IDLE_S):
            return IDLE_S
        return LOOK_EVERY_S

    def _at(self, in_s: float) -> Timestamp:
        return timestamp(self._now_ms() + int(in_s * 1000))


def _finish(transaction: Transaction, plan: Deliver, state: TaskState, problem: str | None = None) -> None:
    notification_tasks.finish(transaction, [TaskOutcome(entry, state, problem) for entry in plan.entries])


async def forget_tasks(store: Store, now_ms: int) -> None:
    """Forget tasks that ended a week ago, in small units between which others run."""
    before = timestamp(now_ms - KEPT_MS)

    def unit(transaction: Transaction) -> int:
        return notification_tasks.forget_ended(transaction, before, FORGOTTEN_AT_ONCE_MAX)

    while await store.write(UnitOfWork(unit, waits=False)) == FORGOTTEN_AT_ONCE_MAX:
        pass
