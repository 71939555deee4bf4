"""The payment worker: asks providers for what is owed, after the commit, each order's tasks in turn, until answered."""

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

# Waits between attempts: at once after a hiccup, rarely during an outage.
BACKOFF_S: Final = (1, 2, 5, 15, 60, 300, 900)
# Stripe forgets a key after a day; asked with it then, it would refund a second time. Nobody is asked for so long.
ASKED_FOR_MS_MAX: Final = 20 * 3_600_000
# Commits are many; so often it is looked whether they owe anything.
LOOK_EVERY_S: Final = 0.1
# Another program's commit, or a task that came due, is found at the latest after so long.
IDLE_S: Final = 5.0
ADOPTED_AT_ONCE_MAX: Final = 100
STUCK_S: Final = 60.0
# A task that cannot be read stays due until it is mended.
UNREADABLE_S: Final = 1.0


class PaymentWorker:
    """Carries out payment tasks, on the node that leads.

    Two nodes may carry out the same task while one takes over from the other: the provider does it once, and it is
    recorded once.
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
        """Orders whose debts could not be written down, and when that is tried again; by the monotonic clock."""
        self._commits = CommitSignal(store, LOOK_EVERY_S)

    def __repr__(self) -> str:
        return f"<PaymentWorker {'woken' if self._commits.is_set else 'waiting'}>"

    async def run(self) -> None:
        """Work for ever; woken by each commit, and when a task comes due."""
        while True:
            self._commits.clear()
            try:
                await self.run_due()
                wait_s = await self._wait_s()
            except StoreError as error:
                log.warning("what is owed could not be looked up; trying again: %s", error)
                wait_s = IDLE_S
            except Exception:
                log.exception("what is owed could not be asked for; trying again")
                wait_s = IDLE_S
            await self._commits.wait(wait_s)

    async def run_due(self) -> int:
        """Carry out all that is due now; how many tasks that was."""
        while await self._adopt() == ADOPTED_AT_ONCE_MAX:
            pass
        done = 0
        while due := await self._due():
            await asyncio.gather(*map(self._carry_out, due))
            done += len(due)
        return done

    async def _adopt(self) -> int:
        """Take over what another program's changes owe: how many orders' debts. One of which that cannot be done keeps
        no other from it, and is tried again later.
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
                log.warning("what order %s owes could not be written down; trying again: %s", order_id, error)
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
            return UNREADABLE_S  # all that is due and can be read was carried out a moment ago
        return IDLE_S if due_at > timestamp(self._now_ms() + int(IDLE_S * 1000)) else LOOK_EVERY_S

    def _now(self) -> Timestamp:
        return timestamp(self._now_ms())

    # --- One task ---------------------------------------------------------------------------------------------------

    async def _carry_out(self, task: PaymentTask) -> None:
        provider = self._providers.by_name.get(task.provider)
        try:
            if provider is None:
                raise ProviderRefused(_NOBODY.format(task.provider or "none"))
            if task.attempts and task.created_at < timestamp(self._now_ms() - ASKED_FOR_MS_MAX):
                raise ProviderRefused("The provider did not answer for too long; look at its own books.")
            fact = await _ask(provider, task)
            await self._record(task, fact)
        except ProviderRefused as error:
            await self._refuse(task, str(error))
        except ProviderUnavailable as error:
            await self._postpone(task, str(error))
        except Exception:
            log.exception("payment task %s failed; it is tried again", task.id)
            await self._postpone(task, "It failed on our side; the log says why.")

    async def _record(self, task: PaymentTask, fact: Fact | None) -> None:
        now = self._now()
        await self._store.write(lambda transaction: units.carried_out(transaction, task, fact, now))

    async def _refuse(self, task: PaymentTask, sentence: str) -> None:
        log.warning("payment task %s was refused: %s", task.id, sentence)
        now = self._now()
        try:
            await self._store.write(lambda transaction: units.refused(transaction, task, sentence, now))
        except Exception:
            # Its order cannot be read, say: first in line, it must not keep those behind it from being carried out.
            log.exception("the refusal of payment task %s could not be written down; trying again", task.id)
            await self._postpone(task, sentence)

    async def _postpone(self, task: PaymentTask, problem: str) -> None:
        wait_s = BACKOFF_S[min(task.attempts, len(BACKOFF_S) - 1)]
        until = timestamp(self._now_ms() + wait_s * 1000)
        await self._store.write(lambda transaction: tasks.postpone(transaction, task.id, until, problem))


_NOBODY: Final = "This shop has no access to the payment provider that holds the money ({})."


async def _ask(provider: PaymentProvider, task: PaymentTask) -> Fact | None:
    """What the provider did; None where that concerns no order. Raises ProviderRefused or ProviderUnavailable."""
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
    """Give back what was taken and no order is paid by, if anything was; what its customer could still pay, ends."""
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
