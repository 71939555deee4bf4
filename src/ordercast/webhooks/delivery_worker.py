"""The delivery worker: turns rows of the feed into deliveries, and sends each until its endpoint accepts it.

Theory of operation:

- **The feed is the queue.** Each endpoint has a cursor in it (`through`). `feed_follower` reads the rows after the
cursor; one transaction advances the cursor and inserts a delivery for each event that the endpoint subscribed to. So
each delivery is made once, whichever nodes compete or crash. While an endpoint has `QUEUED_MAX` deliveries pending, or
is disabled, its cursor stops, and the feed keeps the rows.
- **A delivery is retried until it is accepted**, at the intervals of `commerce.webhook_endpoints`, with the same event
id each time. An attempt whose outcome was not written, because the node crashed, is repeated: at least once.
- **One subject, one order.** A delivery waits while an earlier one of its subject is pending at that endpoint; one that
failed permanently no longer blocks those after it.
- **Endpoints are independent**: each has `IN_FLIGHT_MAX` concurrent requests, and no queue in memory.

Failures and what follows:

- An endpoint fails for `disabled_after_ms`, or answers 410: it is disabled, and staff are notified (`disabling`).
- The database is down: outcomes stay in memory, and their deliveries are not sent again meanwhile.
- Rows were pruned before they became deliveries: the endpoint is sent `feed.resync` instead.
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
from ordercast.commerce.webhook_endpoints import DeliveryState, DisabledBy, SealedSecret, judge_attempt
from ordercast.commerce.webhook_signatures import sign_standard
from ordercast.db import Store, StoreError, Transaction, UnitOfWork
from ordercast.db.commit_signal import CommitSignal
from ordercast.db.webhooks import deliveries, endpoints
from ordercast.db.webhooks.deliveries import AttemptOutcome, DueDelivery, WebhookAttempt
from ordercast.db.webhooks.endpoints import WebhookEndpoint
from ordercast.telemetry import WEBHOOK_ATTEMPTS

from .disabling import disable
from .feed_follower import follow
from .secret_box import SecretBox, SecretUnreadable
from .sender import DISABLED_SENTENCES, AttemptResponse, Sender
from .waiting_figures import WaitingFigures

log = logging.getLogger("ordercast.webhooks")

# Concurrent requests to one endpoint: what a small receiver handles, and the most that a slow one occupies.
IN_FLIGHT_MAX: Final = 8
# Minimum interval between looks at the database, however many commits there are.
LOOK_EVERY_S: Final = 0.1
# At most so long until another program's commit, or a delivery that came due, is found.
IDLE_S: Final = 5.0
# Interval of the look for a first endpoint, while there are none.
UNUSED_S: Final = 1.0


class _DueBatch(NamedTuple):
    """The due deliveries, read in one transaction."""

    endpoints: list[WebhookEndpoint]
    due: dict[str, list[DueDelivery]]
    next_due: str | None


class _PendingOutcome(NamedTuple):
    endpoint: WebhookEndpoint
    delivery: DueDelivery
    outcome: AttemptOutcome


class DeliveryWorker:
    """Runs on the leading node. While one node takes over from another both may send a delivery, with the same id."""

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
        """`make_sender` is called at the first delivery, so that a shop without endpoints imports no HTTP client.
        `mailed_in` is the language of mails to admins; None if mail is off.
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
        """Ids of deliveries in flight, by endpoint."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = 0
        """Deliveries that were started so far."""
        self._pending_outcomes: dict[str, _PendingOutcome] = {}
        """Outcomes that are not yet written, by delivery; these deliveries are not sent again."""
        self._reading = 0
        """Reads of due deliveries in progress."""
        self._just_recorded: set[str] = set()
        """Deliveries written during such a read, which may still return them as due."""
        self._is_resealed = False
        self._figures = WaitingFigures(store)
        self._commits = CommitSignal(store, LOOK_EVERY_S)

    def __repr__(self) -> str:
        return f"<DeliveryWorker {len(self._tasks)} in flight, {len(self._pending_outcomes)} outcomes pending>"

    async def run(self) -> None:
        """Run forever; woken by each commit, and when a delivery comes due."""
        try:
            while True:
                self._commits.clear()
                try:
                    wait_s = await self._step()
                except StoreError as error:
                    log.warning("could not read due webhook deliveries; retrying: %s", error)
                    wait_s = IDLE_S
                except Exception:
                    log.exception("could not send webhook deliveries; retrying")
                    wait_s = IDLE_S
                if wait_s > 0:
                    await self._commits.wait(wait_s)
        finally:
            await self.close()

    async def run_due(self) -> None:
        """Make and send all deliveries that are due; return when none is in flight."""
        started = -1
        # What was sent and answered within a round may have made room for rows that the round passed over.
        while started != self._started or self._tasks:
            started = self._started
            while await self._step() == 0:
                pass
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Cancel what is in flight; it is sent again after the restart."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
        self._figures.clear()
        if self._sender is not None:
            sender, self._sender = self._sender, None
            await sender.close()

    async def _step(self) -> float:
        """One round; return the seconds until the next at most, 0 if there is more to do."""
        await self._record_pending()
        if not self._is_resealed:
            await reseal(self._store, self._box)
            self._is_resealed = True
        if not (enabled := await self._store.read(endpoints.enabled)):
            await self._figures.update((), self._now_ms())
            # Without endpoints a round is one read of an empty index, at most once in UNUSED_S.
            await asyncio.sleep(UNUSED_S)
            return IDLE_S
        is_more = await follow(self._store, enabled, self._now())
        next_due = await self._start_due()
        await self._figures.update(enabled, self._now_ms())
        if is_more:
            return 0.0
        is_soon = next_due is not None and next_due <= timestamp(self._now_ms() + int(IDLE_S * 1000))
        return LOOK_EVERY_S if is_soon else IDLE_S

    async def _start_due(self, endpoint_id: str | None = None) -> str | None:
        """Start sending what is due, at all endpoints or at one; return when the next delivery comes due."""
        self._reading += 1
        try:
            found = await self._store.read(lambda transaction: _start_due(transaction, self._now(), endpoint_id))
            for endpoint in found.endpoints:
                self._start(endpoint, found.due[endpoint.id])
            return found.next_due
        finally:
            self._reading -= 1
            if not self._reading:
                self._just_recorded.clear()

    # --- One delivery ---------------------------------------------------------------------------------------------

    def _start(self, endpoint: WebhookEndpoint, due: list[DueDelivery]) -> None:
        """Start the deliveries that are not in flight, up to the endpoint's bound."""
        for delivery in due:
            under_way = self._in_flight.get(endpoint.id, set())
            if len(under_way) >= IN_FLIGHT_MAX:
                return
            if not (
                delivery.id in under_way or delivery.id in self._pending_outcomes or delivery.id in self._just_recorded
            ):
                self._in_flight.setdefault(endpoint.id, set()).add(delivery.id)
                task = asyncio.create_task(self._deliver(endpoint, delivery))
                self._started += 1
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _deliver(self, endpoint: WebhookEndpoint, delivery: DueDelivery) -> None:
        try:
            outcome = await self._attempt(endpoint, delivery)
            self._pending_outcomes[delivery.id] = pending = _PendingOutcome(endpoint, delivery, outcome)
            await self._record(pending)
            del self._pending_outcomes[delivery.id]
        except StoreError as error:
            log.warning("could not write the outcome of webhook delivery %s yet: %s", delivery.id, error)
        except Exception:
            log.exception("could not write the outcome of webhook delivery %s; retrying", delivery.id)
        finally:
            self._end(endpoint.id, delivery.id)
        # Start the next delivery at once, not at the next round, which handles a failure here.
        with suppress(StoreError):
            await self._start_due(endpoint.id)

    def _end(self, endpoint_id: str, delivery_id: str) -> None:
        under_way = self._in_flight[endpoint_id]
        under_way.discard(delivery_id)
        if not under_way:
            del self._in_flight[endpoint_id]

    async def _attempt(self, endpoint: WebhookEndpoint, delivery: DueDelivery) -> AttemptOutcome:
        began_at, began_s = self._now(), time.monotonic()
        response = await self._send(endpoint, delivery)
        duration_ms = round((time.monotonic() - began_s) * 1000)
        now_ms = self._now_ms()
        attempts = delivery.attempts + 1
        verdict = judge_attempt(attempts, response.status, response.retry_after, now_ms / 1000, self._chance())
        is_pending = verdict.state is DeliveryState.PENDING
        WEBHOOK_ATTEMPTS.labels("retried" if is_pending else verdict.state).inc()
        if verdict.state is DeliveryState.FAILED:
            log.warning(
                "webhook delivery %s is given up after %d attempts: %s", delivery.id, attempts, response.problem
            )
        return AttemptOutcome(
            WebhookAttempt(began_at, response.status, response.headers, response.body, duration_ms, response.problem),
            verdict.state,
            timestamp(now_ms + round(verdict.wait_s * 1000)) if is_pending else None,
            verdict.is_gone,
        )

    async def _send(self, endpoint: WebhookEndpoint, delivery: DueDelivery) -> AttemptResponse:
        now = self._now()
        try:
            secrets = [self._box.open(each.sealed) for each in endpoint.secrets if each.signs_at(now)]
        except SecretUnreadable:
            return AttemptResponse(None, problem="Its secret cannot be read with the shop's present one: rotate it.")
        body = delivery.body.encode("utf-8", "replace")
        headers = sign_standard(secrets, delivery.event_id, body, self._now_ms() / 1000)
        headers |= {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "ordercast"}
        if self._sender is None:
            self._sender = self._make_sender()
        try:
            return await self._sender.send(endpoint.url, headers, body)
        except Exception:
            log.exception("webhook delivery %s failed by an error of ours; it is retried", delivery.id)
            return AttemptResponse(None, problem="It failed on our side; the log says why.")

    # --- Outcomes -------------------------------------------------------------------------------------------------

    async def _record(self, pending: _PendingOutcome) -> None:
        endpoint, delivery, outcome = pending
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
        if self._reading:
            self._just_recorded.add(delivery.id)
        if is_disabled:
            log.warning("webhook endpoint %s is switched off: %s", endpoint.id, DISABLED_SENTENCES[by])

    async def _record_pending(self) -> None:
        """Write the outcomes that could not be written before. Raises StoreError if none can be."""
        rest = [each for each in self._pending_outcomes.values() if not self._is_in_flight(each)]
        failure: StoreError | None = None
        for pending in rest:
            try:
                await self._record(pending)
            except StoreError as error:
                failure = error
            except Exception:  # a damaged row must not block the others
                log.exception("could not write the outcome of webhook delivery %s", pending.delivery.id)
            else:
                del self._pending_outcomes[pending.delivery.id]
        if failure is not None and len(self._pending_outcomes) >= len(rest):
            raise failure

    def _is_in_flight(self, pending: _PendingOutcome) -> bool:
        return pending.delivery.id in self._in_flight.get(pending.endpoint.id, ())

    def _now(self) -> Timestamp:
        return timestamp(self._now_ms())


def _start_due(transaction: Transaction, now: Timestamp, endpoint_id: str | None = None) -> _DueBatch:
    """Read what is due at all endpoints, or at one."""
    found = [each for each in endpoints.enabled(transaction) if endpoint_id in {None, each.id}]
    # Includes those in flight.
    due = {each.id: deliveries.due(transaction, each.id, now, 2 * IN_FLIGHT_MAX) for each in found}
    times = (deliveries.next_due(transaction, each.id, now) for each in found)
    return _DueBatch(found, due, min((at for at in times if at is not None), default=None))


async def reseal(store: Store, box: SecretBox) -> None:
    """Re-encrypt endpoints' secrets with the current shop secret, so that the previous one can be removed."""
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
    """Delete deliveries older than `days`, in small units of work so that others run in between."""
    before = timestamp(now_ms - days * 86_400_000)

    def unit(transaction: Transaction) -> int:
        return deliveries.forget_old(transaction, before)

    while await store.write(UnitOfWork(unit, waits=False)) == deliveries.FORGOTTEN_AT_ONCE_MAX:
        pass
