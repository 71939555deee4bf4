"""The payment worker: runs payment tasks after the commit, each order's in turn, until the provider has answered."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from ordercast.commerce.errors import ProviderRefused, ProviderUnavailable
from ordercast.commerce.money import Money
from ordercast.commerce.payments import Captured, Fact, PaymentProvider, SavedCard
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.db import Overloaded, Store, StoreError, UnitOfWork
from ordercast.db import payment_tasks as tasks
from ordercast.db import payments as units
from ordercast.db.commit_signal import CommitSignal
from ordercast.db.payment_tasks import PaymentTask, TaskKind

from .registry import Providers

log = logging.getLogger("ordercast.payments")

# Waits between attempts, in seconds: short after a hiccup, long during an outage.
BACKOFF_S: Final = (1, 2, 5, 15, 60, 300, 900)
# Stripe forgets keys after a day, and would refund a second time then. So retries end before.
RETRY_FOR_MS_MAX: Final = 20 * 3_600_000
# Minimum interval between looks at the database, however many commits there are.
LOOK_EVERY_S: Final = 0.1
# At most so long until another program's commit, or a task that came due, is found.
IDLE_S: Final = 5.0
ADOPTED_AT_ONCE_MAX: Final = 100
STUCK_S: Final = 60.0
# A damaged task stays due until it is repaired.
UNREADABLE_S: Final = 1.0


class PaymentWorker:
    """Runs payment tasks on the leading node.

    While one node takes over from another both may run a task: by its key the provider does it once, and it is recorded
    once.
    """

    def __init__(
        self,
        store: Store,
        providers: Providers,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._store = store
        self._providers = providers
        self._now_ms = now_ms
        self._stuck: dict[str, float] = {}
        """Orders whose tasks could not be written, and when that is retried (monotonic clock)."""
        self._commits = CommitSignal(store, LOOK_EVERY_S)

    def __repr__(self) -> str:
        return f"<PaymentWorker {'woken' if self._commits.is_set else 'waiting'}>"

    async def run(self) -> None:
        """Run forever; woken by each commit, and when a task comes due."""
        while True:
            self._commits.clear()
            try:
                await self.run_due()
                wait_s = await self._wait_s()
            except StoreError as error:
                log.warning("could not read payment tasks; retrying: %s", error)
                wait_s = IDLE_S
            except Exception:
                log.exception("could not run payment tasks; retrying")
                wait_s = IDLE_S
            await self._commits.wait(wait_s)

    async def run_due(self) -> int:
        """Run all due tasks; return how many."""
        while await self._adopt() == ADOPTED_AT_ONCE_MAX:
            pass
        done = 0
        while due := await self._due():
            await asyncio.gather(*map(self._run_task, due))
            done += len(due)
        return done

    async def _adopt(self) -> int:
        """Write the tasks that other programs' changes require; return for how many orders. A failing order is retried
        later and does not block the others.
        """
        limit = ADOPTED_AT_ONCE_MAX + len(self._stuck)
        found = await self._store.read(lambda transaction: units.owing(transaction, limit))
        now_s = time.monotonic()
        self._stuck = {id_: until for id_, until in self._stuck.items() if id_ in found}
        fresh = [id_ for id_ in found if self._stuck.get(id_, 0.0) <= now_s][:ADOPTED_AT_ONCE_MAX]
        return sum(await asyncio.gather(*map(self._adopt_one, fresh)))

    async def _adopt_one(self, order_id: str) -> bool:
        now = self._now()
        try:
            await self._store.write(
                UnitOfWork(lambda transaction: units.adopt(transaction, order_id, now), waits=False)
            )
        except Overloaded:
            raise
        except Exception as error:  # noqa: BLE001 - the order's own trouble, or the database's, which the next look meets
            if order_id not in self._stuck:
                log.warning("could not write the payment tasks of order %s; retrying: %s", order_id, error)
            self._stuck[order_id] = time.monotonic() + STUCK_S
            return False
        return True

    async def _due(self) -> list[PaymentTask]:
        now = self._now()
        return await self._store.read(lambda transaction: tasks.due(transaction, now))

    async def _wait_s(self) -> float:
        due_at = await self._store.read(tasks.next_due)
        if due_at is None:
            return IDLE_S
        if due_at <= self._now():
            return UNREADABLE_S  # readable due tasks were just run
        return IDLE_S if due_at > timestamp(self._now_ms() + int(IDLE_S * 1000)) else LOOK_EVERY_S

    def _now(self) -> Timestamp:
        return timestamp(self._now_ms())

    # --- One task ---------------------------------------------------------------------------------------------------

    async def _run_task(self, task: PaymentTask) -> None:
        provider = self._providers.by_name.get(task.provider)
        try:
            if provider is None:
                raise ProviderRefused(_NOBODY.format(task.provider or "none"))
            if task.attempts and task.created_at < timestamp(self._now_ms() - RETRY_FOR_MS_MAX):
                raise ProviderRefused("The provider did not answer for too long; look at its own books.")
            fact = await _perform(provider, task)
            await self._record(task, fact)
        except ProviderRefused as error:
            await self._refuse(task, str(error))
        except ProviderUnavailable as error:
            await self._postpone(task, str(error))
        except Exception:
            log.exception("payment task %s failed; it is retried", task.id)
            await self._postpone(task, "It failed on our side; the log says why.")

    async def _record(self, task: PaymentTask, fact: Fact | None) -> None:
        now = self._now()
        await self._store.write(lambda transaction: units.complete_task(transaction, task, fact, now))

    async def _refuse(self, task: PaymentTask, sentence: str) -> None:
        log.warning("payment task %s was refused: %s", task.id, sentence)
        now = self._now()
        try:
            await self._store.write(lambda transaction: units.reject_task(transaction, task, sentence, now))
        except Exception:
            # Its order may be damaged: it must not block the tasks behind it.
            log.exception("could not record the refusal of payment task %s; retrying", task.id)
            await self._postpone(task, sentence)

    async def _postpone(self, task: PaymentTask, problem: str) -> None:
        wait_s = BACKOFF_S[min(task.attempts, len(BACKOFF_S) - 1)]
        until = timestamp(self._now_ms() + wait_s * 1000)
        await self._store.write(lambda transaction: tasks.postpone(transaction, task.id, until, problem))


_NOBODY: Final = "This shop has no access to the payment provider that holds the money ({})."


async def _perform(provider: PaymentProvider, task: PaymentTask) -> Fact | None:
    """Call the provider; return the resulting fact, None if it concerns no order. Raises ProviderRefused or
    ProviderUnavailable.
    """
    match task.kind:
        case TaskKind.CAPTURE:
            return await provider.capture(task.reference, task.amount, task.id)
        case TaskKind.VOID:
            return await provider.void(task.reference, task.id)
        case TaskKind.REFUND:
            return await provider.refund(task.reference, task.amount, task.id)
        case TaskKind.FORGET_CARD:
            owner, _, reference = task.reference.partition(" ")
            await provider.forget_card(SavedCard(reference, owner), task.id)
        case TaskKind.ABANDON:
            await _abandon(provider, task)
    return None


async def _abandon(provider: PaymentProvider, task: PaymentTask) -> None:
    """Refund a payment that no order is paid by; void it if it is not captured."""
    known = task.reference
    theirs = await (provider.lookup(known) if known else provider.find(task.id, task.created_at))
    if theirs is None:
        return
    captured = theirs.captured
    if theirs.is_held or theirs.needs_action:
        voided = await provider.void(theirs.reference, f"{task.id}:void")
        captured = voided.amount if isinstance(voided, Captured) else 0
    if captured > theirs.refunded:
        rest = Money(captured - theirs.refunded, theirs.currency)
        await provider.refund(theirs.reference, rest, f"{task.id}:refund")
