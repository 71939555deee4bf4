"""The inbox of webhooks: what a provider told is kept and has its effect once, now or later.

A message has its effect in the transaction that keeps it. Where the effect fails, the message is kept without, and
answered all the same: it is tried again from here, and no provider has to send it again. Only what could not even be
kept is left to the provider.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from ordercast.commerce.errors import ProviderRefused, ShopError
from ordercast.commerce.payments import ProviderEvent
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.db import Overloaded, Store, StoreClosed, StoreError, Transaction, UnitOfWork
from ordercast.db import payment_webhooks as units
from ordercast.db.commit_signal import CommitSignal
from ordercast.db.payment_webhooks import KeptWebhook, WebhookState, WholePaymentWebhook

from .registry import Providers

log = logging.getLogger("ordercast.payments")

# Waits between attempts: what was in the way for a moment is over at once, a fault of ours takes somebody an hour to
# mend. Behind the last, after an hour and twenty minutes, people are told: nobody should learn of a payment tomorrow.
RETRY_AFTER_S: Final = (1, 2, 5, 15, 60, 300, 900, 3600)
AT_ONCE_MAX: Final = 32
# Commits are many; so often it is looked whether a payment has come for which a message waits.
LOOK_EVERY_S: Final = 0.1
# What came due is tried at the latest after so long.
IDLE_S: Final = 5.0
# An order is committed within a checkout's five minutes of its payment, or the payment is given back. What has waited
# for longer may wait for another program, and is looked for among all that waits.
LATELY_MS: Final = 15 * 60_000
ALL_LOOKED_AT_EVERY_MS: Final = 60_000
_EVER: Final = Timestamp("")


class WebhookInbox:
    """Receives events of `providers`, and tries again those that had no effect. `now_ms` is the clock."""

    def __init__(self, store: Store, providers: Providers, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._providers = providers
        self._now_ms = now_ms

    def __repr__(self) -> str:
        return f"<WebhookInbox {self._providers!r}>"

    async def receive(self, provider: str, event: ProviderEvent, body: bytes) -> str:
        """Keep an event that `provider` has signed; what became of it, in a word for the log.

        Raises StoreError where it could not even be kept: then the provider is to send it again.
        """
        now = self._now()
        try:
            state = await self._store.write(
                UnitOfWork(lambda transaction: units.receive(transaction, provider, event, body, now), waits=False)
            )
        except (Overloaded, StoreClosed):
            raise
        except Exception as error:  # noqa: BLE001 - kept with the event, and logged
            problem = _problem_of(error, event.event_id)
            until = self._in_s(RETRY_AFTER_S[0])
            await self._store.write(
                lambda transaction: units.keep(
                    transaction, provider, event, body, problem=problem, until=until, now=now
                )
            )
            return f"kept, to be tried again: {problem}"
        return "heard before" if state is None else _WORDS[state]

    async def retry(self, webhook_id: str) -> WholePaymentWebhook:
        """Try a kept event again now, for somebody who has mended what was in the way. Raises NotFound."""
        before = await self._store.read(lambda transaction: units.by_id(transaction, webhook_id))
        if before.status is not WebhookState.APPLIED:
            # From the beginning: it fails again as often as a new one before it is given up.
            await self._attempt(KeptWebhook(before.id, before.provider, 0), is_last=False)
        return await self._store.read(lambda transaction: units.by_id(transaction, webhook_id))

    async def run_due(self, since: Timestamp = _EVER) -> int:
        """Try all that is due, and all that waited and came after `since`, whose payment is here; how many."""
        tried = 0
        while found := await self._due(since):
            for kept in found:
                await self._attempt(kept, is_last=kept.attempts >= len(RETRY_AFTER_S))
            tried += len(found)
            if len(found) < AT_ONCE_MAX:
                break
        return tried

    async def _due(self, since: Timestamp) -> list[KeptWebhook]:
        now = self._now()
        return await self._store.read(lambda transaction: units.due(transaction, now, since, AT_ONCE_MAX))

    async def _attempt(self, kept: KeptWebhook, *, is_last: bool) -> None:
        now = self._now()
        try:
            state = await self._store.write(
                UnitOfWork(lambda transaction: units.attempt(transaction, kept.id, self._read, now), waits=False)
            )
        except (Overloaded, StoreClosed):
            raise
        except Exception as error:  # noqa: BLE001 - written down with it, and logged
            await self._note(kept, _problem_of(error, kept.id), is_last=is_last)
        else:
            log.info("webhook %s of %s: %s", kept.id, kept.provider, _WORDS[state])

    async def _note(self, kept: KeptWebhook, problem: str, *, is_last: bool) -> None:
        """Write down that it failed: when it is tried again, or that it is tried no more."""

        def unit(transaction: Transaction) -> None:
            if is_last:
                units.give_up(transaction, kept.id, problem, self._now())
            else:
                until = self._in_s(RETRY_AFTER_S[min(kept.attempts, len(RETRY_AFTER_S) - 1)])
                units.postpone(transaction, kept.id, kept.attempts + 1, until, problem)

        log.warning("webhook %s of %s had no effect%s", kept.id, kept.provider, " and is given up" if is_last else "")
        await self._store.write(UnitOfWork(unit))

    def _read(self, provider: str, event_id: str, body: bytes) -> ProviderEvent:
        known = self._providers.by_name.get(provider)
        if known is None:
            raise ProviderRefused(f"The shop has no access to the payment provider {provider} any more.")
        return known.parse_event(event_id, body)

    def _now(self) -> Timestamp:
        return timestamp(self._now_ms())

    def _in_s(self, seconds: int) -> Timestamp:
        return timestamp(self._now_ms() + seconds * 1000)


class WebhookWorker:
    """Tries again what is due in `inbox`, on the node that leads: woken by each commit, which may have brought the
    payment that an event waits for.
    """

    def __init__(self, store: Store, inbox: WebhookInbox, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._inbox = inbox
        self._now_ms = now_ms
        self._all_looked_at_ms = 0
        self._commits = CommitSignal(store, LOOK_EVERY_S)

    def __repr__(self) -> str:
        return f"<WebhookWorker {'woken' if self._commits.is_set else 'waiting'}>"

    async def run(self) -> None:
        """Work for ever."""
        while True:
            self._commits.clear()
            try:
                await self._inbox.run_due(self._since())
                wait_s = await self._wait_s()
            except StoreError as error:
                log.warning("kept webhooks could not be tried again; trying later: %s", error)
                wait_s = IDLE_S
            except Exception:
                log.exception("kept webhooks could not be tried again; trying later")
                wait_s = IDLE_S
            await self._commits.wait(wait_s)

    def _since(self) -> Timestamp:
        now_ms = self._now_ms()
        if now_ms - self._all_looked_at_ms < ALL_LOOKED_AT_EVERY_MS:
            return timestamp(now_ms - LATELY_MS)
        self._all_looked_at_ms = now_ms
        return _EVER

    async def _wait_s(self) -> float:
        due_at = await self._store.read(units.next_due)
        soon = timestamp(self._now_ms() + int(IDLE_S * 1000))
        return IDLE_S if due_at is None or due_at > soon else LOOK_EVERY_S


_WORDS: Final = {
    WebhookState.APPLIED: "taken in",
    WebhookState.WAITING: "of an unknown payment, which it waits for",
    WebhookState.IGNORED: "of no concern",
    WebhookState.DUE: "to be tried again",
    WebhookState.FAILED: "given up",
}


def _problem_of(error: Exception, name: str) -> str:
    """Why it failed, in a sentence for people; what nobody foresaw stays in the log."""
    if isinstance(error, StoreError | ShopError):
        log.warning("the effect of webhook %s failed: %s", name, error)
        return str(error)
    log.error("the effect of webhook %s failed", name, exc_info=error)
    return f"It failed on our side ({type(error).__name__}); the log says why."
