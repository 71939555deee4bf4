"""Decides each due task in the transaction that reads it: send it, hold it until quiet hours end, or end it unsent."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from itertools import product
from typing import Final, Protocol, TypeAlias

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.letters import Language
from ordercast.commerce.notification_preferences import Channel, Drop, Hold, TaskState, decide, language_for
from ordercast.commerce.notifications import (
    GUEST_PREFIX,
    SHOP,
    NotificationKind,
    NotificationText,
    render,
    render_digest,
)
from ordercast.commerce.people import STAFF, Role
from ordercast.commerce.stats import zone
from ordercast.commerce.timestamps import timestamp
from ordercast.db import Transaction, notification_tasks, orders
from ordercast.db.notification_tasks import Destination, NotificationContent, Task
from ordercast.db.transaction import UNREADABLE

from .sender import OutgoingNotification

log = logging.getLogger("ordercast.notify")

# Older notifications are stale, and are not sent.
LATE_MS: Final = 2 * 86_400_000


# These kinds are mailed to these roles by the unit that causes them, with more content; the worker sends no second
# mail.
_MAILED_BY_CAUSE: Final = frozenset(
    {
        (NotificationKind.BOOKING_REMINDER, Role.CUSTOMER),
        *product((NotificationKind.ORDERS_UNSEEN, NotificationKind.BOOKINGS_UNSEEN), STAFF),
    }
)


class NotificationLinks(Protocol):
    """Makes the URLs of the pages that notifications link to."""

    def page(self, path: str) -> str: ...

    def order(self, order_id: str, tracking_hash: bytes | None) -> str:
        """The tracking page of a guest's order; `tracking_hash` selects the guest's token, which the URL contains."""


@dataclass(frozen=True, slots=True)
class EndTask:
    """End the task without sending."""

    task: Task
    state: TaskState
    why: str


@dataclass(frozen=True, slots=True)
class HoldTask:
    """Send it later, when quiet hours end."""

    task: Task
    until_ms: int


@dataclass(frozen=True, slots=True)
class SendTask:
    task: Task
    entries: tuple[int, ...]
    """The tasks that this notification completes: several for a digest."""
    notification: OutgoingNotification


Plan: TypeAlias = EndTask | HoldTask | SendTask


class Planner:
    """Plans tasks with one shop's links, language and time zone."""

    def __init__(
        self, links: NotificationLinks, *, channels: Collection[Channel], language: Language, timezone: str
    ) -> None:
        """`channels` are the configured ones; tasks of others end as ``off``."""
        self._links = links
        self._ways = channels
        self._language = language
        self._timezone = timezone

    def plan(self, transaction: Transaction, task: Task, now_ms: int) -> Plan:
        """Plan one task. Raises the errors of `UNREADABLE` for a damaged row."""
        if task.content is None or task.destination is None:
            return EndTask(task, TaskState.DROPPED, "gone")
        context = _TaskContext(task, task.content, task.destination)
        end = self._reason_to_end(transaction, context, now_ms)
        if end is not None:
            return end
        decision = decide(
            task.preferences,
            context.role or Role.CUSTOMER,
            task.channel,
            context.content.kind,
            context.content.severity,
            now=datetime.fromtimestamp(now_ms / 1000, UTC),
            zone=self._zone(task.preferences.timezone),
        )
        if isinstance(decision, Drop):
            return EndTask(task, TaskState.DROPPED, "unwanted")
        if isinstance(decision, Hold):
            return HoldTask(task, int(decision.until.timestamp() * 1000))
        return SendTask(task, (task.entry,), self._notification(transaction, context))

    def plan_all(self, transaction: Transaction, tasks: Sequence[Task], now_ms: int) -> list[Plan]:
        """Plan each task, and replace the held ones of each contact point by one digest."""
        plans = [self._plan_readable(transaction, task, now_ms) for task in tasks]
        held: dict[str, list[SendTask]] = {}
        for plan in plans:
            if isinstance(plan, SendTask) and plan.task.held:
                held.setdefault(plan.task.contact_point_id, []).append(plan)
        # Include held tasks beyond this batch: a device gets one digest, however many there are.
        seen = {task.entry for task in tasks}
        for those in held.values():
            entries = [plan.task.entry for plan in those]
            behind = notification_tasks.held_with(transaction, those[0].task, timestamp(now_ms))
            entries += [entry for entry in behind if entry not in seen]
            if len(entries) > 1:
                plans = [plan for plan in plans if plan not in those]
                plans.append(self._together(those[-1], entries))
        return plans

    def _plan_readable(self, transaction: Transaction, task: Task, now_ms: int) -> Plan:
        try:
            return self.plan(transaction, task, now_ms)
        except UNREADABLE as error:  # only this task's own rows are damaged
            log.warning("notification %s cannot be written: %s", task.notification_id, type(error).__name__)
            return EndTask(task, TaskState.REFUSED, "unreadable")

    def _together(self, last: SendTask, entries: Sequence[int]) -> SendTask:
        title, text = render_digest(len(entries), last.notification.language)
        notification = replace(last.notification, tag="quiet_hours", title=title, text=text, link=self._links.page("/"))
        return SendTask(last.task, tuple(entries), notification)

    def _reason_to_end(self, transaction: Transaction, context: _TaskContext, now_ms: int) -> EndTask | None:
        """Why it must not be sent, whatever the preferences are; None if it may be."""
        task, content = context.task, context.content
        if task.created_at < timestamp(now_ms - LATE_MS):
            return EndTask(task, TaskState.REFUSED, "too_late")
        why = None
        if task.channel not in self._ways:
            why = "off"
        elif context.role is None or (content.recipient == SHOP and context.role not in STAFF):
            why = "not_theirs"
        elif not context.address:
            why = "no_address"
        elif task.channel is Channel.MAIL and (content.kind, context.role) in _MAILED_BY_CAUSE:
            why = "has_its_letter"
        elif notification_tasks.is_outdated(transaction, content):
            why = "outdated"
        return None if why is None else EndTask(task, TaskState.DROPPED, why)

    def _notification(self, transaction: Transaction, context: _TaskContext) -> OutgoingNotification:
        task, content, destination = context.task, context.content, context.destination
        language = language_for(task.preferences.language, destination.language, default=self._language)
        rendered = render(content.kind, content.data, content.order_id)
        title, text = rendered.in_language(language)
        return OutgoingNotification(
            id=f"ntt_{sha256(f'{task.notification_id} {task.contact_point_id}'.encode()).hexdigest()[:26]}",
            tag=_tag(task, content),
            title=title,
            text=text,
            link=self._link(transaction, context, rendered),
            language=language,
            severity=content.severity,
            address=context.address,
            keys=destination.keys,
            created_at_ms=int(datetime.fromisoformat(task.created_at).timestamp() * 1000),
        )

    def _link(self, transaction: Transaction, context: _TaskContext, rendered: NotificationText) -> str:
        order_id = context.content.order_id
        if context.role is Role.GUEST and order_id is not None:
            return self._links.order(order_id, orders.TRACKING.hash_of(transaction, order_id))
        return self._links.page(rendered.link)

    def _zone(self, name: str | None) -> tzinfo:
        try:
            return zone(name or self._timezone)
        except InvalidField:  # written by another program, or removed from the time zone database
            return zone(self._timezone)


@dataclass(frozen=True, slots=True)
class _TaskContext:
    """A task with its notification and destination, of which neither is missing."""

    task: Task
    content: NotificationContent
    destination: Destination

    @property
    def role(self) -> Role | None:
        """The recipient's current role; None if the account was closed."""
        if self.task.user_id.startswith(GUEST_PREFIX):
            return Role.GUEST
        account = self.task.account
        if account is None:
            # External users have no account here; `for_shop` was set when they subscribed.
            return Role.STORE if self.destination.for_shop else Role.CUSTOMER
        return account.role if account.active else None

    @property
    def address(self) -> str:
        """Where to send it; empty if there is no verified address."""
        if self.task.channel is not Channel.MAIL:
            return self.destination.address
        account = self.task.account
        return account.email if account is not None and account.verified else ""


def _tag(task: Task, content: NotificationContent) -> str:
    """One tag for all states of an order, so that the newest replaces the others; else unique."""
    if content.kind is NotificationKind.ORDER_STATUS and content.order_id is not None:
        return f"{content.kind}:{content.order_id}"
    return task.notification_id
