"""What is to become of a task, by what is known when it is due: in the transaction that reads it, before anything is
sent.
"""

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
from ordercast.commerce.notification_preferences import Drop, Hold, TaskState, Way, decide, language_for
from ordercast.commerce.notifications import GUEST_PREFIX, SHOP, NotificationKind, Words, together, words
from ordercast.commerce.people import STAFF, Role
from ordercast.commerce.stats import zone
from ordercast.commerce.timestamps import timestamp
from ordercast.db import Transaction, notification_tasks, orders
from ordercast.db.notification_tasks import Place, Task, Told
from ordercast.db.transaction import UNREADABLE

from .outgoing import OutgoingNotification

log = logging.getLogger("ordercast.notify")

# What somebody is told of days later, they have found out otherwise.
LATE_MS: Final = 2 * 86_400_000


# What is mailed with more in it by what causes it.
_WITH_LETTERS: Final = frozenset(
    {
        (NotificationKind.BOOKING_REMINDER, Role.CUSTOMER),
        *product((NotificationKind.ORDERS_UNSEEN, NotificationKind.BOOKINGS_UNSEEN), STAFF),
    }
)


class NotificationLinks(Protocol):
    """Where the pages are that notifications are about."""

    def page(self, path: str) -> str: ...

    def order(self, order_id: str, tracking_hash: bytes | None) -> str:
        """Of a guest's order, whose tracking token has that hash, with the token."""


@dataclass(frozen=True, slots=True)
class End:
    """Nothing is sent."""

    task: Task
    state: TaskState
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Quiet hours end then."""

    task: Task
    until_ms: int


@dataclass(frozen=True, slots=True)
class Deliver:
    task: Task
    entries: tuple[int, ...]
    """Of all the tasks that it is for: what came within quiet hours is told together."""
    notification: OutgoingNotification


Plan: TypeAlias = End | Wait | Deliver


class Planner:
    """Plans with the links, languages and clock of one shop."""

    def __init__(self, links: NotificationLinks, *, ways: Collection[Way], language: Language, timezone: str) -> None:
        """`ways` are those that this shop has."""
        self._links = links
        self._ways = ways
        self._language = language
        self._timezone = timezone

    def plan(self, transaction: Transaction, task: Task, now_ms: int) -> Plan:
        """Raises what reading rows does."""
        if task.told is None or task.place is None:
            return End(task, TaskState.DROPPED, "gone")
        reach = _Reach(task, task.told, task.place)
        end = self._obstacle(transaction, reach, now_ms)
        if end is not None:
            return end
        decision = decide(
            task.preferences,
            reach.role or Role.CUSTOMER,
            task.way,
            reach.told.kind,
            reach.told.severity,
            now=datetime.fromtimestamp(now_ms / 1000, UTC),
            zone=self._zone(task.preferences.timezone),
        )
        if isinstance(decision, Drop):
            return End(task, TaskState.DROPPED, "unwanted")
        if isinstance(decision, Hold):
            return Wait(task, int(decision.until.timestamp() * 1000))
        return Deliver(task, (task.entry,), self._notification(transaction, reach))

    def plan_all(self, transaction: Transaction, tasks: Sequence[Task], now_ms: int) -> list[Plan]:
        """Plan each; what came to one device within quiet hours, and is wanted still, is told together."""
        plans = [self._plan_readable(transaction, task, now_ms) for task in tasks]
        held: dict[str, list[Deliver]] = {}
        for plan in plans:
            if isinstance(plan, Deliver) and plan.task.held:
                held.setdefault(plan.task.contact_point_id, []).append(plan)
        # Those behind these, too: a device is told once in the morning, however many there are.
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
        except UNREADABLE as error:  # its own rows', and no other task's
            log.warning("notification %s cannot be written: %s", task.notification_id, type(error).__name__)
            return End(task, TaskState.REFUSED, "unreadable")

    def _together(self, last: Deliver, entries: Sequence[int]) -> Deliver:
        title, text = together(len(entries), last.notification.language)
        notification = replace(last.notification, tag="quiet_hours", title=title, text=text, link=self._links.page("/"))
        return Deliver(last.task, tuple(entries), notification)

    def _obstacle(self, transaction: Transaction, reach: _Reach, now_ms: int) -> End | None:
        """Why it is not sent, whatever somebody wants; None where it may be."""
        task, told = reach.task, reach.told
        if task.created_at < timestamp(now_ms - LATE_MS):
            return End(task, TaskState.REFUSED, "too_late")
        why = None
        if task.way not in self._ways:
            why = "off"
        elif reach.role is None or (told.recipient == SHOP and reach.role not in STAFF):
            why = "not_theirs"
        elif not reach.address:
            why = "no_address"
        elif task.way is Way.MAIL and (told.kind, reach.role) in _WITH_LETTERS:
            why = "has_its_letter"
        elif notification_tasks.is_outdated(transaction, told):
            why = "outdated"
        return None if why is None else End(task, TaskState.DROPPED, why)

    def _notification(self, transaction: Transaction, reach: _Reach) -> OutgoingNotification:
        task, told, place = reach.task, reach.told, reach.place
        language = language_for(task.preferences.language, place.language, default=self._language)
        said = words(told.kind, told.data, told.order_id)
        title, text = said.in_language(language)
        return OutgoingNotification(
            id=f"ntt_{sha256(f'{task.notification_id} {task.contact_point_id}'.encode()).hexdigest()[:26]}",
            tag=_tag(task, told),
            title=title,
            text=text,
            link=self._link(transaction, reach, said),
            language=language,
            severity=told.severity,
            address=reach.address,
            keys=place.keys,
            created_at_ms=int(datetime.fromisoformat(task.created_at).timestamp() * 1000),
        )

    def _link(self, transaction: Transaction, reach: _Reach, said: Words) -> str:
        order_id = reach.told.order_id
        if reach.role is Role.GUEST and order_id is not None:
            return self._links.order(order_id, orders.TRACKING.hash_of(transaction, order_id))
        return self._links.page(said.link)

    def _zone(self, name: str | None) -> tzinfo:
        try:
            return zone(name or self._timezone)
        except InvalidField:  # another program's word, or a zone that is known here no more
            return zone(self._timezone)


@dataclass(frozen=True, slots=True)
class _Reach:
    """A task with what it is about and where it goes."""

    task: Task
    told: Told
    place: Place

    @property
    def role(self) -> Role | None:
        """What somebody is now; None for whose account was closed."""
        if self.task.user_id.startswith(GUEST_PREFIX):
            return Role.GUEST
        person = self.task.person
        if person is None:
            # Another issuer's people have no account here: it is known of them whether they were the shop's.
            return Role.STORE if self.place.for_shop else Role.CUSTOMER
        return person.role if person.active else None

    @property
    def address(self) -> str:
        """Where it goes; empty where nothing may: an address that somebody only says is theirs."""
        if self.task.way is not Way.MAIL:
            return self.place.address
        person = self.task.person
        return person.email if person is not None and person.verified else ""


def _tag(task: Task, told: Told) -> str:
    """A newer state of an order takes the place of an older one; anything else stands for itself."""
    if told.kind is NotificationKind.ORDER_STATUS and told.order_id is not None:
        return f"{told.kind}:{told.order_id}"
    return task.notification_id
