"""Periodic jobs of a node.

Most run on the leading node only; running them twice would be harmless.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from itertools import product
from typing import Final

from ordercast.api import Authenticator
from ordercast.commerce.ids import RANDOM_BYTES, new_id
from ordercast.commerce.letters import Language
from ordercast.commerce.notice import EscalationLimits, NoticeStep, NoticeSubject
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.config import Settings
from ordercast.db import LockedElsewhere, Store, StoreError, Transaction, UnitOfWork, access, accounts
from ordercast.db.bookings.expiry import BOOKING_EXPIRY
from ordercast.db.bookings.reminders import BEGINNING, ReminderBatch, ReminderSettings, is_any_due, remind
from ordercast.db.expiry import Expired, Expiry, expire, unanswered
from ordercast.db.notices import escalation
from ordercast.db.notifications import forget_old, has_new_orders, notify_of_new_orders
from ordercast.db.orders.expiry import ORDER_EXPIRY
from ordercast.db.orders.index_upkeep import index_new_orders
from ordercast.mail import MailWorker, forget_mails
from ordercast.notify import NotificationWorker, forget_tasks
from ordercast.telemetry import NOTICE_ESCALATIONS
from ordercast.webhooks import DeliveryWorker, forget_deliveries

log = logging.getLogger("ordercast.jobs")

Job = Callable[[], Coroutine[None, None, None]]

# Feed rows kept: enough for a client that was away overnight.
FEED_ROWS_MAX: Final = 200_000
SESSION_AGE_S_MAX: Final = 7 * 24 * 3600
PRUNE_EVERY_S: Final = 600.0
# Units per round of deleting notifications, some 100 ms of writing.
NOTIFICATION_UNITS_MAX: Final = 50
# Longer than a verification link is valid.
UNVERIFIED_MS_MAX: Final = 7 * 86_400_000
UNVERIFIED_AT_ONCE_MAX: Final = 50
# The longest token life is a day (ORDERCAST_TOKEN_MINUTES); an hour for clock skew.
TOKENS_END_MS: Final = 25 * 3_600_000
# One event for however many writes made the gap.
MAPPING_GAPS_EVERY_S: Final = 1.0
EXPIRE_EVERY_S: Final = 15.0
# One index read; accurate to a second.
REMIND_EVERY_S: Final = 1.0
# A limit counts seconds, of a person's patience.
ESCALATE_EVERY_S: Final = 5.0
# The board shows each order at once; its notification may wait for the next ones.
NEW_ORDERS_EVERY_S: Final = 5.0
# A search takes in what is left: the more at once, the less each costs.
INDEXED_EVERY_S: Final = 2.0
# How soon a node that has come to lead begins with what it then does.
LEADING_POLL_S: Final = 0.25
# A cancelled job ends at its next await; a driver of another database may need a moment to stop.
END_S_MAX: Final = 5.0


class Jobs:
    """A node's jobs: some run `always`, some while it is `leading`."""

    def __init__(self, store: Store, *, leading: Sequence[Job], always: Sequence[Job]) -> None:
        self._store = store
        self._leading = leading
        self._always = always
        self._tasks: list[asyncio.Task[None]] = []

    def __repr__(self) -> str:
        return f"<Jobs {len(self._tasks)} running>"

    def start(self) -> None:
        self._tasks = [asyncio.create_task(job()) for job in (*self._always, self._lead)]

    async def stop(self) -> None:
        await _end(self._tasks)
        self._tasks = []

    async def _lead(self) -> None:
        """Run the leading jobs while this node leads."""
        running: list[asyncio.Task[None]] = []
        try:
            while True:
                if self._store.leads and not running:
                    running = [asyncio.create_task(job()) for job in self._leading]
                elif running and not self._store.leads:
                    await _end(running)
                    running = []
                await asyncio.sleep(LEADING_POLL_S)
        finally:
            await _end(running)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=END_S_MAX)


async def run_every(every_s: float, work: Callable[[], Awaitable[None]], failure: str) -> None:
    """Run `work` every `every_s` seconds, forever; errors are logged with the sentence `failure`."""
    while True:
        try:
            await work()
        except StoreError as error:
            log.warning("%s; retrying later: %s", failure, error)
        except Exception:
            log.exception("%s; retrying later", failure)
        await asyncio.sleep(every_s)


# --- What the shop's time brings --------------------------------------------------------------------------------------


def prune(store: Store, notification_days: int) -> Job:
    """Prune old rows, in small units of work so that others run in between."""

    async def run() -> None:
        await store.prune(feed_rows_max=FEED_ROWS_MAX, sessions_age_s_max=SESSION_AGE_S_MAX, now=_now())

        def unit(transaction: Transaction) -> bool:
            return forget_old(transaction, notification_days, _now())

        for _ in range(NOTIFICATION_UNITS_MAX):
            if not await store.write(UnitOfWork(unit, waits=False)):
                break

    return lambda: run_every(PRUNE_EVERY_S, run, "what is old could not be forgotten")


def publish_mapping_gaps(publish: Callable[[], Awaitable[None]]) -> Job:
    """Publish a gap for changes of attached tables that their mapping could not turn into events."""
    return lambda: run_every(MAPPING_GAPS_EVERY_S, publish, "could not publish the gaps of attached tables")


def forget_unverified(store: Store) -> Job:
    """Delete accounts that never verified their address nor did anything else, after a week."""

    async def run() -> None:
        now_ms = time.time_ns() // 1_000_000
        after: str | None = ""
        while after is not None:
            after = await store.write(UnitOfWork(partial(_forget_unverified, after=after, now_ms=now_ms), waits=False))

    return lambda: run_every(PRUNE_EVERY_S, run, "accounts that nobody confirmed could not be forgotten")


def _forget_unverified(transaction: Transaction, after: str, now_ms: int) -> str | None:
    removed, next_after = accounts.remove_unverified(
        transaction, before=timestamp(now_ms - UNVERIFIED_MS_MAX), after=after, limit=UNVERIFIED_AT_ONCE_MAX
    )
    for account_id in removed:
        # Revoked until its last token has expired.
        access.revoke(
            transaction,
            account_id,
            since=timestamp(now_ms),
            until=timestamp(now_ms + TOKENS_END_MS),
            actor="service:accounts",
            reason="The address was never confirmed.",
        )
    return next_after


def send_mails(store: Store, worker: MailWorker) -> list[Job]:
    """Send due mails, and delete old ones."""

    async def forget() -> None:
        await forget_mails(store, time.time_ns() // 1_000_000)

    return [worker.run, lambda: run_every(PRUNE_EVERY_S, forget, "sent mails could not be forgotten")]


def send_webhooks(store: Store, worker: DeliveryWorker, log_days: int) -> list[Job]:
    """Deliver webhooks, and delete old deliveries."""

    async def forget() -> None:
        await forget_deliveries(store, log_days, time.time_ns() // 1_000_000)

    return [worker.run, lambda: run_every(PRUNE_EVERY_S, forget, "old webhook deliveries could not be forgotten")]


def send_notifications(store: Store, worker: NotificationWorker) -> list[Job]:
    """Send due notifications, and delete old tasks."""

    async def forget() -> None:
        await forget_tasks(store, time.time_ns() // 1_000_000)

    return [worker.run, lambda: run_every(PRUNE_EVERY_S, forget, "sent notifications could not be forgotten")]


def forget_revocations(authenticator: Authenticator) -> Job:
    """Drop expired revocations from this node's memory."""

    async def run() -> None:
        authenticator.revocations.forget(time.time_ns() // 1_000_000)

    return lambda: run_every(PRUNE_EVERY_S, run, "revocations could not be forgotten")


def remind_of_bookings(store: Store, reminder_s: int, reminding: ReminderSettings) -> Job:
    """Send reminders `reminder_s` seconds before bookings begin."""

    async def run() -> None:
        await remind_all(store, reminder_s, reminding, time.time_ns() // 1_000_000)

    return lambda: run_every(REMIND_EVERY_S, run, "people could not be reminded of bookings")


async def remind_all(store: Store, reminder_s: int, reminding: ReminderSettings, now_ms: int) -> int:
    """Send all due reminders, in small units of work; return how many."""
    now, before = timestamp(now_ms), timestamp(now_ms + reminder_s * 1000)
    if not await store.read(lambda transaction: is_any_due(transaction, now, before)):
        return 0
    after: tuple[str, int] | None = BEGINNING
    count = 0
    while after is not None:
        unit = partial(_remind, now=now, before=before, reminding=reminding, after=after)
        reminded = await store.write(UnitOfWork(unit, waits=False))
        count, after = count + reminded.bookings, reminded.through
    return count


def _remind(
    transaction: Transaction, *, now: Timestamp, before: Timestamp, reminding: ReminderSettings, after: tuple[str, int]
) -> ReminderBatch:
    return remind(transaction, now, before, reminding, after=after)


def notify_shop(store: Store) -> Job:
    """Notify staff of new orders, combined."""

    async def run() -> None:
        if await store.read(has_new_orders):
            await store.write(UnitOfWork(lambda transaction: notify_of_new_orders(transaction, _now()), waits=False))

    return lambda: run_every(NEW_ORDERS_EVERY_S, run, "could not notify the shop of new orders")


def watch_unseen(store: Store, settings: Settings) -> list[Job]:
    """Run the escalation of unopened orders and bookings; no job if it is off."""
    steps = {NoticeStep(name): after_s for name, after_s in settings.notice_steps.items()}
    limits = EscalationLimits(steps, settings.notice_unsent_s)
    mailed_in = Language(settings.language) if settings.mailbox else None

    async def run() -> None:
        await escalate_unseen(store, limits, time.time_ns() // 1_000_000, mailed_in=mailed_in)

    job = partial(run_every, ESCALATE_EVERY_S, run, "could not escalate unopened orders")
    return [job] if steps else []


async def escalate_unseen(
    store: Store, limits: EscalationLimits, now_ms: int, *, mailed_in: Language | None
) -> dict[NoticeStep, int]:
    """Take the steps due now; return how often each was taken. `mailed_in` is the language of mails; None if mail is
    off.
    """
    now, since = timestamp(now_ms), timestamp(now_ms - escalation.AGE_MS_MAX)
    taken: Counter[NoticeStep] = Counter()
    for subject, step in product(NoticeSubject, limits):
        due = escalation.DueStep(subject, step, limits.due_before(step, now_ms), since)
        if not await store.read(partial(escalation.is_due, due=due)):
            continue
        unit = partial(escalation.escalate, due=due, now=now, action=_action_of(due, now_ms, mailed_in))
        with suppress(LockedElsewhere):  # retried in the next round
            count = await store.write(UnitOfWork(unit, waits=False))
            taken[step] += count
            NOTICE_ESCALATIONS.labels(step).inc(count)
    return taken


def _action_of(due: escalation.DueStep, now_ms: int, mailed_in: Language | None) -> escalation.StepAction:
    """The action of a step, beside its event."""
    now = timestamp(now_ms)

    def action(transaction: Transaction, unseen: Sequence[escalation.UnopenedEntity]) -> None:
        if due.step is NoticeStep.PUSH:
            escalation.notify_shop(transaction, due.subject, unseen, now)
        elif due.step is NoticeStep.MAIL and mailed_in is not None:
            escalation.mail_shop(transaction, due.subject, now, mailed_in, partial(_new_mail_id, now_ms))

    return action


def _new_mail_id(now_ms: int) -> str:
    return new_id("mail", now_ms, secrets.token_bytes(RANDOM_BYTES))


def index_orders(store: Store) -> Job:
    """Take new orders into the index of words, many at once: a search that finds some behind takes them in itself."""

    async def run() -> None:
        await index_new_orders(store)

    return lambda: run_every(INDEXED_EVERY_S, run, "new orders could not be taken into the index")


def expire_orders(store: Store, pending_minutes_max: int) -> Job:
    """Expire unanswered orders."""
    return _expiring(store, ORDER_EXPIRY, pending_minutes_max * 60_000)


def expire_bookings(store: Store) -> Job:
    """Cancel bookings that are over and that nobody confirmed."""
    return _expiring(store, BOOKING_EXPIRY, 0)


def _expiring(store: Store, expiry: Expiry, after_ms: int) -> Job:
    async def run() -> None:
        now_ms = time.time_ns() // 1_000_000
        await expire_all(store, expiry, timestamp(now_ms - after_ms), timestamp(now_ms))

    return lambda: run_every(EXPIRE_EVERY_S, run, f"{expiry.noun}s could not be expired")


async def expire_all(store: Store, expiry: Expiry, before: Timestamp, now: Timestamp) -> None:
    """Expire those unanswered `before` that moment, in small units of work; singly if a needed row is locked, so that
    only the one that needs it is left.
    """
    try:
        through: int | None = 0
        while through is not None:
            through = (await _expire(store, expiry, before, now, after=through)).through
    except LockedElsewhere:
        after = 0
        while numbers := await store.read(partial(unanswered, expiry=expiry, before=before, after=after)):
            for number in numbers:
                with suppress(LockedElsewhere):
                    await _expire(store, expiry, before, now, after=number - 1, limit=1)
            after = numbers[-1]


async def _expire(
    store: Store, expiry: Expiry, before: Timestamp, now: Timestamp, *, after: int, limit: int | None = None
) -> Expired:
    def unit(transaction: Transaction) -> Expired:
        return expire(transaction, expiry, before, now, after=after, limit=limit)

    return await store.write(UnitOfWork(unit, waits=False))


def _now() -> Timestamp:
    return timestamp(time.time_ns() // 1_000_000)
