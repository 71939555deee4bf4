"""The notification worker: sends due tasks until they are accepted or refused permanently."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from ordercast.commerce.notification_preferences import Channel, TaskState
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.db import Store, StoreError, Transaction, UnitOfWork, contact_points, notification_tasks
from ordercast.db.commit_signal import CommitSignal
from ordercast.db.notification_tasks import TaskOutcome
from ordercast.telemetry import NOTIFICATIONS_SENT

from .planning import EndTask, HoldTask, Plan, Planner, SendTask
from .sender import Delayed, Gone, NotificationSender, Refused

log = logging.getLogger("ordercast.notify")

# Waits between attempts, in seconds: short after a hiccup, long during an outage.
BACKOFF_S: Final = (2, 5, 15, 60, 300, 900)
# Upper bound of Retry-After: a notification that is much older is stale.
RETRY_AFTER_S_MAX: Final = 3_600
# Tasks read in one batch, and how many of them are sent concurrently: connections, and bodies in memory.
AT_ONCE_MAX: Final = 64
SIDE_BY_SIDE_MAX: Final = 16
LOOK_EVERY_S: Final = 0.5
# At most so long until another program's commit, or a task that came due, is found.
IDLE_S: Final = 5.0
# Ended tasks are kept for so long.
KEPT_MS: Final = 7 * 86_400_000
FORGOTTEN_AT_ONCE_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class _PendingWrite:
    """An outcome that is not yet written to the database."""

    channel: Channel
    outcome: str
    write: Callable[[Transaction], None]


class NotificationWorker:
    """Runs on the leading node. While one node takes over from another, or if it dies between an attempt and the
    commit, a task may be sent twice: its tag, topic or id makes the second replace the first.
    """

    def __init__(
        self,
        store: Store,
        senders: Mapping[Channel, NotificationSender],
        planner: Planner,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._store = store
        self._senders = senders
        self._planner = planner
        self._now_ms = now_ms
        self._pending_writes: list[_PendingWrite] = []
        """While the database does not accept these, nothing more is sent."""
        self._commits = CommitSignal(store, LOOK_EVERY_S)

    def __repr__(self) -> str:
        return f"<NotificationWorker by {', '.join(map(repr, self._senders.values())) or 'no channel'}>"

    async def run(self) -> None:
        """Run forever; woken by each commit, and when a task comes due."""
        try:
            while True:
                self._commits.clear()
                try:
                    seen_to = await self.send_due()
                    wait_s = 0.0 if seen_to == AT_ONCE_MAX else await self._wait_s()
                except StoreError as error:
                    log.warning("could not read due notifications; retrying: %s", error)
                    wait_s = IDLE_S
                except Exception:
                    log.exception("could not send notifications; retrying")
                    wait_s = IDLE_S
                await self._commits.wait(wait_s)
        finally:
            # Record what was sent, so that it is not sent again after the restart.
            with suppress(StoreError):
                await self._write_pending()
            for channel in self._senders.values():
                await channel.close()

    async def send_due(self) -> int:
        """Process the next batch of due tasks; return its size."""
        await self._write_pending()
        now_ms = self._now_ms()
        plans, count = await self._store.read(lambda transaction: self._plan_due(transaction, now_ms))
        for plan in plans:
            if not isinstance(plan, SendTask):
                self._pending_writes.append(self._write_of(plan))
        deliveries = sorted(
            (plan for plan in plans if isinstance(plan, SendTask)),
            key=lambda plan: (plan.task.contact_point_id, plan.task.entry),
        )
        room = asyncio.Semaphore(SIDE_BY_SIDE_MAX)
        # One device gets its notifications in order.
        each_device = groupby(deliveries, key=lambda plan: plan.task.contact_point_id)
        await asyncio.gather(*(self._send_all(list(plans), room) for _, plans in each_device))
        await self._write_pending()
        return count

    def _plan_due(self, transaction: Transaction, now_ms: int) -> tuple[list[Plan], int]:
        tasks = notification_tasks.due(transaction, timestamp(now_ms), AT_ONCE_MAX)
        return self._planner.plan_all(transaction, tasks, now_ms), len(tasks)

    # --- Sending ----------------------------------------------------------------------------------------------------

    async def _send_all(self, plans: Sequence[SendTask], room: asyncio.Semaphore) -> None:
        async with room:
            for plan in plans:
                self._pending_writes.append(await self._send(plan))

    async def _send(self, plan: SendTask) -> _PendingWrite:
        """Make one attempt; return its outcome."""
        task, channel = plan.task, plan.task.channel
        try:
            await self._senders[channel].send(plan.notification)
        except Gone as gone:
            code = gone.code

            def forget(transaction: Transaction) -> None:
                contact_points.remove(transaction, task.contact_point_id)
                _finish(transaction, plan, TaskState.REFUSED, code)

            return _PendingWrite(channel, "gone", forget)
        except Refused as refusal:
            code = refusal.code
            log.warning(
                "notification %s by %s was refused (%s); it is not sent again", task.notification_id, channel, code
            )
            return _PendingWrite(
                channel, "refused", lambda transaction: _finish(transaction, plan, TaskState.REFUSED, code)
            )
        except Delayed as delay:
            return self._delayed(plan, delay)
        except Exception:
            log.exception("could not send notification %s by %s; retrying", task.notification_id, channel)
            return self._delayed(plan, Delayed("failed"))
        return _PendingWrite(channel, "sent", lambda transaction: _finish(transaction, plan, TaskState.SENT))

    def _delayed(self, plan: SendTask, delay: Delayed) -> _PendingWrite:
        task = plan.task
        asked_s = min(delay.after_s or 0, RETRY_AFTER_S_MAX)
        wait_s = max(BACKOFF_S[min(task.attempts, len(BACKOFF_S) - 1)], asked_s)
        until = timestamp(self._now_ms() + wait_s * 1000)
        log.info("notification %s by %s is retried in %d s: %s", task.notification_id, task.channel, wait_s, delay.code)

        def postpone(transaction: Transaction) -> None:
            for entry in plan.entries:
                notification_tasks.postpone(transaction, entry, until, problem=delay.code, held=task.held)

        return _PendingWrite(task.channel, "delayed", postpone)

    @staticmethod
    def _write_of(plan: EndTask | HoldTask) -> _PendingWrite:
        task = plan.task
        if isinstance(plan, HoldTask):
            until = timestamp(plan.until_ms)

            def hold(transaction: Transaction) -> None:
                notification_tasks.postpone(transaction, task.entry, until, problem=None, held=True)

            return _PendingWrite(task.channel, "held", hold)
        outcome = TaskOutcome(task.entry, plan.state, plan.why)
        return _PendingWrite(
            task.channel, plan.state, lambda transaction: notification_tasks.finish(transaction, [outcome])
        )

    async def _write_pending(self) -> None:
        """Write the pending outcomes. While this fails nothing is sent, so no task is sent twice."""
        notes = list(self._pending_writes)
        if not notes:
            return

        def unit(transaction: Transaction) -> None:
            for note in notes:
                note.write(transaction)

        await self._store.write(UnitOfWork(unit, waits=False))
        del self._pending_writes[: len(notes)]
        for note in notes:
            NOTIFICATIONS_SENT.labels(note.channel, note.outcome).inc()

    # --- Times ------------------------------------------------------------------------------------------------------

    async def _wait_s(self) -> float:
        due_at = await self._store.read(notification_tasks.next_due)
        if due_at is None or due_at > self._at(IDLE_S):
            return IDLE_S
        return LOOK_EVERY_S

    def _at(self, in_s: float) -> Timestamp:
        return timestamp(self._now_ms() + int(in_s * 1000))


def _finish(transaction: Transaction, plan: SendTask, state: TaskState, problem: str | None = None) -> None:
    notification_tasks.finish(transaction, [TaskOutcome(entry, state, problem) for entry in plan.entries])


async def forget_tasks(store: Store, now_ms: int) -> None:
    """Delete tasks that ended a week ago, in small units of work so that others run in between."""
    before = timestamp(now_ms - KEPT_MS)

    def unit(transaction: Transaction) -> int:
        return notification_tasks.forget_ended(transaction, before, FORGOTTEN_AT_ONCE_MAX)

    while await store.write(UnitOfWork(unit, waits=False)) == FORGOTTEN_AT_ONCE_MAX:
        pass
