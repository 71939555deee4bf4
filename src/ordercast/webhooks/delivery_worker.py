"""The delivery worker: makes deliveries of the feed, and sends each until its endpoint has taken it.

Theory of operation:

- **The feed is the queue.** Each endpoint has a place in it. `feed_follower` reads the rows behind it, and one
  transaction moves the place on and writes a delivery for each event that the endpoint wants: once, however many nodes
  try, and whoever dies when. While an endpoint has `QUEUED_MAX` deliveries waiting, or is switched off, its place
  stands, and the feed keeps what comes.
- **A delivery is sent until it is taken**, by the table of waits in `commerce.webhook_endpoints`, each time under the
  event's id. What is sent and not noted, because this node dies in between, is sent again.
- **Each order's in turn.** A delivery waits while an earlier one of its subject is pending at that endpoint; one that
  is given up keeps those behind it no longer.
- **Endpoints do not wait for each other**: each has `IN_FLIGHT_MAX` requests of its own, and no queue in memory.

What can go wrong, and what follows:

- An endpoint fails for `disabled_after_ms`, or answers 410: it is switched off, and people are told (`disabling`).
- The database takes nothing: what was sent stays with its outcome in memory, and is not sent again meanwhile.
- Rows were pruned before an endpoint was sent them: it is sent `feed.resync` in their place.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from ordercast.commerce.letters import Language
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.commerce.webhook_endpoints import DeliveryState, DisabledBy, SealedSecret, verdict
from ordercast.db import Store, StoreError, Transaction, UnitOfWork
from ordercast.db.commit_signal import CommitSignal
from ordercast.db.webhooks import deliveries, endpoints
from ordercast.db.webhooks.deliveries import AttemptOutcome, DueDelivery, WebhookAttempt
from ordercast.db.webhooks.endpoints import WebhookEndpoint
from ordercast.payments.signatures import sign_standard
from ordercast.telemetry import WEBHOOK_ATTEMPTS

from .disabling import disable
from .feed_follower import follow
from .secret_box import SecretBox, SecretUnreadable
from .sender import DISABLED_SENTENCES, Answer, Sender
from .waiting_figures import WaitingFigures

log = logging.getLogger("ordercast.webhooks")

# Requests under way to one endpoint: what a small receiver answers at a time, and the most that a slow one has of us.
IN_FLIGHT_MAX: Final = 8
# Commits are many; so often it is looked whether they owe anything.
LOOK_EVERY_S: Final = 0.1
# Another program's commit, or a delivery that came due, is found at the latest after so long.
IDLE_S: Final = 5.0
# A shop that has no endpoints looks for its first one no more often than this.
UNUSED_S: Final = 1.0


class _Look(NamedTuple):
    """What one look at the database found."""

    endpoints: list[WebhookEndpoint]
    due: dict[str, list[DueDelivery]]
    next_due: str | None


class _Unrecorded(NamedTuple):
    endpoint: WebhookEndpoint
    delivery: DueDelivery
    outcome: AttemptOutcome


class DeliveryWorker:
    """At work on the node that leads. Two nodes may send the same while one takes over from the other: under one id."""

    def __init__(
        self,
        store: Store,
        make_sender: Callable[[], Sender],
        box: SecretBox,
        *,
        disabled_after_ms: int,
        mailed_in: Language | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`make_sender` is called when there is something to send: a shop without endpoints loads no HTTP client.
        `mailed_in` is the language in which admins are mailed, None where this shop sends no mail.
        """
        self._store = store
        self._make_sender = make_sender
        self._sender: Sender | None = None
        self._box = box
        self._disabled_after_ms = disabled_after_ms
        self._mailed_in = mailed_in
        self._now_ms = now_ms
        self._chance = chance
        self._in_flight: dict[str, set[str]] = {}
        """Deliveries under way, by endpoint."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._unrecorded: dict[str, _Unrecorded] = {}
        """What came of deliveries, until the database has it: before that they are not sent again."""
        self._looking = 0
        """Looks at the database that are under way."""
        self._just_recorded: set[str] = set()
        """Deliveries that these may still see as they were."""
        self._is_resealed = False
        self._figures = WaitingFigures(store)
        self._commits = CommitSignal(store, LOOK_EVERY_S)

    def __repr__(self) -> str:
        return f"<DeliveryWorker {len(self._tasks)} in flight, {len(self._unrecorded)} unrecorded>"

    async def run(self) -> None:
        """Send for ever; woken by each commit, and when a delivery comes due."""
        try:
            while True:
                self._commits.clear()
                try:
                    wait_s = await self._step()
                except StoreError as error:
                    log.warning("webhooks could not be looked up; trying again: %s", error)
                    wait_s = IDLE_S
                except Exception:
                    log.exception("webhooks could not be sent; trying again")
                    wait_s = IDLE_S
                if wait_s > 0:
                    await self._commits.wait(wait_s)
        finally:
            await self.close()

    async def run_due(self) -> None:
        """Make deliveries of what is committed, and send all that is due now; returns when nothing is under way."""
        while await self._step() == 0 or self._tasks:
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Let go of what is under way: it is sent again."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
        self._figures.clear()
        if self._sender is not None:
            sender, self._sender = self._sender, None
            await sender.close()

    async def _step(self) -> float:
        """Do what there is to do; gives how long to wait at most before the next look, 0 where there is more."""
        await self._record_rest()
        if not self._is_resealed:
            await reseal(self._store, self._box)
            self._is_resealed = True
        if not (enabled := await self._store.read(endpoints.enabled)):
            await self._figures.update((), self._now_ms())
            # Who has no endpoints pays a look at an empty index, however many commits there are.
            await asyncio.sleep(UNUSED_S)
            return IDLE_S
        is_more = await follow(self._store, enabled, self._now())
        next_due = await self._look()
        await self._figures.update(enabled, self._now_ms())
        if is_more:
            return 0.0
        is_soon = next_due is not None and next_due <= timestamp(self._now_ms() + int(IDLE_S * 1000))
        return LOOK_EVERY_S if is_soon else IDLE_S

    async def _look(self, endpoint_id: str | None = None) -> str | None:
        """Begin with what is due at all endpoints, or at one; gives when the next will be."""
        self._looking += 1
        try:
            found = await self._store.read(lambda transaction: _look(transaction, self._now(), endpoint_id))
            for endpoint in found.endpoints:
                self._start(endpoint, found.due[endpoint.id])
            return found.next_due
        finally:
            self._looking -= 1
            if not self._looking:
                self._just_recorded.clear()

    # --- One delivery ---------------------------------------------------------------------------------------------

    def _start(self, endpoint: WebhookEndpoint, due: list[DueDelivery]) -> None:
        """Begin with those of the deliveries that are not under way, as far as the endpoint's bound lets us."""
        for delivery in due:
            under_way = self._in_flight.get(endpoint.id, set())
            if len(under_way) >= IN_FLIGHT_MAX:
                return
            if not (delivery.id in under_way or delivery.id in self._unrecorded or delivery.id in self._just_recorded):
                self._in_flight.setdefault(endpoint.id, set()).add(delivery.id)
                task = asyncio.create_task(self._deliver(endpoint, delivery))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _deliver(self, endpoint: WebhookEndpoint, delivery: DueDelivery) -> None:
        try:
            outcome = await self._attempt(endpoint, delivery)
            self._unrecorded[delivery.id] = unrecorded = _Unrecorded(endpoint, delivery, outcome)
            await self._record(unrecorded)
            del self._unrecorded[delivery.id]
        except StoreError as error:
            log.warning("what came of webhook delivery %s could not be noted yet: %s", delivery.id, error)
        except Exception:
            log.exception("what came of webhook delivery %s could not be noted; trying again", delivery.id)
        finally:
            self._end(endpoint.id, delivery.id)
        # Many that wait do not wait for the next look each; what fails here is found by that one.
        with suppress(StoreError):
            await self._look(endpoint.id)

    def _end(self, endpoint_id: str, delivery_id: str) -> None:
        under_way = self._in_flight[endpoint_id]
        under_way.discard(delivery_id)
        if not under_way:
            del self._in_flight[endpoint_id]

    async def _attempt(self, endpoint: WebhookEndpoint, delivery: DueDelivery) -> AttemptOutcome:
        began_at, began_s = self._now(), time.monotonic()
        answer = await self._send(endpoint, delivery)
        duration_ms = round((time.monotonic() - began_s) * 1000)
        now_ms = self._now_ms()
        attempts = delivery.attempts + 1
        found = verdict(attempts, answer.status, answer.retry_after, now_ms / 1000, self._chance())
        is_pending = found.state is DeliveryState.PENDING
        WEBHOOK_ATTEMPTS.labels("retried" if is_pending else found.state).inc()
        if found.state is DeliveryState.FAILED:
            log.warning("webhook delivery %s is given up after %d attempts: %s", delivery.id, attempts, answer.problem)
        return AttemptOutcome(
            WebhookAttempt(began_at, answer.status, answer.headers, answer.body, duration_ms, answer.problem),
            found.state,
            timestamp(now_ms + round(found.wait_s * 1000)) if is_pending else None,
            found.is_gone,
        )

    async def _send(self, endpoint: WebhookEndpoint, delivery: DueDelivery) -> Answer:
        now = self._now()
        try:
            secrets = [self._box.open(each.sealed) for each in endpoint.secrets if each.signs_at(now)]
        except SecretUnreadable:
            return Answer(None, problem="Its secret cannot be read with the shop's present one: rotate it.")
        body = delivery.body.encode("utf-8", "replace")
        headers = sign_standard(secrets, delivery.event_id, body, self._now_ms() / 1000)
        headers |= {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "ordercast"}
        if self._sender is None:
            self._sender = self._make_sender()
        try:
            return await self._sender.send(endpoint.url, headers, body)
        except Exception:
            log.exception("webhook delivery %s failed on our side; it is tried again", delivery.id)
            return Answer(None, problem="It failed on our side; the log says why.")

    # --- What came of it ------------------------------------------------------------------------------------------

    async def _record(self, unrecorded: _Unrecorded) -> None:
        endpoint, delivery, outcome = unrecorded
        now_ms = self._now_ms()
        by = DisabledBy.GONE if outcome.is_gone else DisabledBy.FAILING

        def unit(transaction: Transaction) -> bool:
            noted = deliveries.record(transaction, endpoint.id, delivery, outcome)
            return (
                noted
                and outcome.state is not DeliveryState.DELIVERED
                and disable(
                    transaction,
                    endpoint,
                    by,
                    failing_before=timestamp(now_ms - self._disabled_after_ms),
                    now=timestamp(now_ms),
                    mailed_in=self._mailed_in,
                )
            )

        is_disabled = await self._store.write(UnitOfWork(unit, waits=False))
        if self._looking:
            self._just_recorded.add(delivery.id)
        if is_disabled:
            log.warning("webhook endpoint %s is switched off: %s", endpoint.id, DISABLED_SENTENCES[by])

    async def _record_rest(self) -> None:
        """Note what could not be noted before. Raises StoreError while nothing of it can be."""
        rest = [each for each in self._unrecorded.values() if not self._is_in_flight(each)]
        failure: StoreError | None = None
        for unrecorded in rest:
            try:
                await self._record(unrecorded)
            except StoreError as error:
                failure = error
            except Exception:  # its own trouble, and no other's
                log.exception("what came of webhook delivery %s could not be noted", unrecorded.delivery.id)
            else:
                del self._unrecorded[unrecorded.delivery.id]
        if failure is not None and len(self._unrecorded) >= len(rest):
            raise failure

    def _is_in_flight(self, unrecorded: _Unrecorded) -> bool:
        return unrecorded.delivery.id in self._in_flight.get(unrecorded.endpoint.id, ())

    def _now(self) -> Timestamp:
        return timestamp(self._now_ms())


def _look(transaction: Transaction, now: Timestamp, endpoint_id: str | None = None) -> _Look:
    """What is due at all endpoints, or at one of them."""
    found = [each for each in endpoints.enabled(transaction) if endpoint_id in {None, each.id}]
    # Those under way are among them.
    due = {each.id: deliveries.due(transaction, each.id, now, 2 * IN_FLIGHT_MAX) for each in found}
    times = (deliveries.next_due(transaction, each.id, now) for each in found)
    return _Look(found, due, min((at for at in times if at is not None), default=None))


async def reseal(store: Store, box: SecretBox) -> None:
    """Seal by the shop's present secret what the previous one has sealed: that may be forgotten then."""
    for endpoint in await store.read(lambda transaction: endpoints.page(transaction, "", endpoints.ENDPOINTS_MAX)):
        try:
            sealed = [
                each if box.is_current(each.sealed) else SealedSecret(box.seal(box.open(each.sealed)), each.until)
                for each in endpoint.secrets
            ]
        except SecretUnreadable:
            log.warning("the secret of webhook endpoint %s cannot be read: rotate it", endpoint.id)
            continue
        if tuple(sealed) != endpoint.secrets:
            await store.write(lambda t, e=endpoint, s=sealed: endpoints.reseal(t, e, s))  # type: ignore[misc]


async def forget_deliveries(store: Store, days: int, now_ms: int) -> None:
    """Forget deliveries that were made so long ago, in small units between which others run."""
    before = timestamp(now_ms - days * 86_400_000)

    def unit(transaction: Transaction) -> int:
        return deliveries.forget_old(transaction, before)

    while await store.write(UnitOfWork(unit, waits=False)) == deliveries.FORGOTTEN_AT_ONCE_MAX:
        pass
