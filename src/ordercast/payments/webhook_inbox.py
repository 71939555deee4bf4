"""The webhook inbox: stores each provider event once, and applies it now or later.

An event is applied in the transaction that stores it. If applying fails, it is stored alone, acknowledged, and retried
from here, so the provider need not send it again. Only if even storing fails, that is left to the provider.
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
from ordercast.db.payment_webhooks import StoredWebhook, WebhookState, WholePaymentWebhook

from .registry import Providers

log = logging.getLogger("ordercast.payments")

# Waits between attempts, in seconds: a hiccup ends at once, a fault of ours takes an hour to fix. After the last,
# after an hour and twenty minutes, staff are notified.
RETRY_AFTER_S: Final = (1, 2, 5, 15, 60, 300, 900, 3600)
AT_ONCE_MAX: Final = 32
# Interval of the search for payments that stored events wait for, however many commits there are.
LOOK_EVERY_S: Final = 0.1
# At most so long until a due event is retried.
IDLE_S: Final = 5.0
# An order is committed within five minutes of its payment, or the payment is refunded. What has waited longer may
# wait for another program, and is searched for less often.
LATELY_MS: Final = 15 * 60_000
ALL_LOOKED_AT_EVERY_MS: Final = 60_000
_EVER: Final = Timestamp("")


class WebhookInbox:
    """Receives events of `providers`, and retries those that failed. `now_ms` is the clock."""

    def __init__(self, store: Store, providers: Providers, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._providers = providers
        self._now_ms = now_ms

    def __repr__(self) -> str:
        return f"<WebhookInbox {self._providers!r}>"

    async def receive(self, provider: str, event: ProviderEvent, body: bytes) -> str:
        """Store and apply a verified event; return a word for the log.

        Raises StoreError if it could not be stored: the provider must send it again.
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
        return "duplicate" if state is None else _WORDS[state]

    async def retry(self, webhook_id: str) -> WholePaymentWebhook:
        """Retry a stored event now, by request. Raises NotFound."""
        before = await self._store.read(lambda transaction: units.by_id(transaction, webhook_id))
        if before.status is not WebhookState.APPLIED:
            # With all attempts before it is given up again.
            await self._attempt(StoredWebhook(before.id, before.provider, 0), is_last=False)
        return await self._store.read(lambda transaction: units.by_id(transaction, webhook_id))

    async def run_due(self, since: Timestamp = _EVER) -> int:
        """Retry all due events, and waiting ones received after `since` whose payment exists now; return how many."""
        tried = 0
        while found := await self._due(since):
            for kept in found:
                await self._attempt(kept, is_last=kept.attempts >= len(RETRY_AFTER_S))
            tried += len(found)
            if len(found) < AT_ONCE_MAX:
                break
        return tried

    async def _due(self, since: Timestamp) -> list[StoredWebhook]:
        now = self._now()
        return await self._store.read(lambda transaction: units.due(transaction, now, since, AT_ONCE_MAX))

    async def _attempt(self, kept: StoredWebhook, *, is_last: bool) -> None:
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

    async def _note(self, kept: StoredWebhook, problem: str, *, is_last: bool) -> None:
        """Record the failure: the next attempt, or that it is given up."""

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
    """Retries events of `inbox` on the leading node; woken by each commit, which may bring a payment that an event
    waits for.
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
        """Run forever."""
        while True:
            self._commits.clear()
            try:
                await self._inbox.run_due(self._since())
                wait_s = await self._wait_s()
            except StoreError as error:
                log.warning("could not retry stored webhooks; retrying: %s", error)
                wait_s = IDLE_S
            except Exception:
                log.exception("could not retry stored webhooks; retrying")
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
    """The failure, as a sentence; unexpected errors are only logged."""
    if isinstance(error, StoreError | ShopError):
        log.warning("the effect of webhook %s failed: %s", name, error)
        return str(error)
    log.error("the effect of webhook %s failed", name, exc_info=error)
    return f"It failed on our side ({type(error).__name__}); the log says why."
