"""Finds unopened orders and bookings, and takes the escalation steps that are due, each once.

A taken step is recorded in the transaction that takes it: a restart repeats none, and of two nodes one takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from ordercast.commerce.letters import Language, MailKind
from ordercast.commerce.notice import DueBefore, NoticeStep, NoticeSubject
from ordercast.commerce.notifications import SHOP, NotificationKind, Severity
from ordercast.commerce.people import STAFF
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import accounts, mails, notifications
from ordercast.db.lenient_json import is_moment
from ordercast.db.statement import Statement
from ordercast.db.transaction import Transaction

from . import statements

# Per unit of work and round: bounds what a shop hears after a flood or an outage; the oldest come first.
ESCALATED_AT_ONCE_MAX: Final = 100
# Older ones are not escalated, as after a closure or an upgrade.
AGE_MS_MAX: Final = 86_400_000
# Staff who are mailed, at most.
MAILED_MAX: Final = 50
# Counted in a mail at most; more are given as this number.
COUNTED_MAX: Final = 100


StepAction = Callable[[Transaction, Sequence["UnopenedEntity"]], None]

_NOTIFICATIONS: Final = {
    NoticeSubject.ORDER: NotificationKind.ORDERS_UNSEEN,
    NoticeSubject.BOOKING: NotificationKind.BOOKINGS_UNSEEN,
}
_MAILS: Final = {NoticeSubject.ORDER: MailKind.ORDERS_UNSEEN, NoticeSubject.BOOKING: MailKind.BOOKINGS_UNSEEN}


class UnopenedEntity(NamedTuple):
    """An unopened order or booking."""

    number: int
    id: str
    created_at: str


class DueStep(NamedTuple):
    """A step that is due for what came before `before` and after `since`."""

    subject: NoticeSubject
    step: NoticeStep
    before: DueBefore
    since: Timestamp


def is_due(transaction: Transaction, due: DueStep) -> bool:
    """Whether `escalate` has work: a cheap read."""
    return bool(_found(transaction, statements.IS_DUE[due.subject], due, limit=1))


def escalate(transaction: Transaction, due: DueStep, now: Timestamp, action: StepAction) -> int:
    """Take the step for those that it is due for, and run `action` with them in the same unit; return how many."""
    found = _found(transaction, statements.DUE[due.subject], due, limit=ESCALATED_AT_ONCE_MAX)
    taken = [each for each in found if _claim_step(transaction, due.step, each, now)]
    if taken:
        action(transaction, taken)
    return len(taken)


def _found(transaction: Transaction, statement: Statement, due: DueStep, *, limit: int) -> list[UnopenedEntity]:
    rows = transaction.all(
        statement,
        step=due.step,
        before=due.before.sent,
        unsent_before=due.before.unsent,
        since=due.since,
        limit=limit,
    )
    return transaction.readable(rows, _unseen, f"{due.subject}s")


def _unseen(row: tuple[Any, ...]) -> UnopenedEntity:
    return msgspec.convert(row, UnopenedEntity)


def _claim_step(transaction: Transaction, step: NoticeStep, unseen: UnopenedEntity, now: Timestamp) -> bool:
    row = {"entity_id": unseen.id, "step": step, "at": now}
    return transaction.many(statements.ESCALATE, [row]) > 0


# --- What is done -----------------------------------------------------------------------------------------------------


def notify_shop(
    transaction: Transaction, subject: NoticeSubject, unseen: Sequence[UnopenedEntity], now: Timestamp
) -> None:
    """Insert one staff notification about all of them."""
    numbers = [each.number for each in unseen]
    data = {"count": len(numbers), "first": min(numbers), "last": max(numbers)}
    order_id = unseen[0].id if subject is NoticeSubject.ORDER and len(unseen) == 1 else None
    kind = _NOTIFICATIONS[subject]
    notifications.notify(transaction, SHOP, kind, data, severity=Severity.ERROR, order_id=order_id, now=now)


def mail_shop(
    transaction: Transaction, subject: NoticeSubject, now: Timestamp, language: Language, new_id: Callable[[], str]
) -> None:
    """Queue a mail to each of the staff."""
    for address in staff_addresses(transaction):
        mails.owe(transaction, new_id(), _MAILS[subject], address, language=language, now=now)


def staff_addresses(transaction: Transaction) -> list[str]:
    """The addresses of active staff."""
    rows = transaction.all(accounts.OF_STAFF, limit=MAILED_MAX)
    return [address for (address,) in rows if isinstance(address, str)]


class UnopenedSummary(NamedTuple):
    """The numbers of the unopened ones, at most COUNTED_MAX, and the oldest's time."""

    numbers: tuple[int, ...]
    since: str


def waiting(transaction: Transaction, kind: MailKind, since: Timestamp) -> UnopenedSummary | None:
    """The unopened ones that mails of that kind were queued for since `since`; None if there are none."""
    subject = next(subject for subject, mailed in _MAILS.items() if mailed is kind)
    rows = transaction.all(statements.UNOPENED_AFTER_MAIL[subject], since=since, limit=COUNTED_MAX)
    found = [(number, at) for number, at in rows if type(number) is int and is_moment(at)]
    return UnopenedSummary(tuple(number for number, _ in found), min(at for _, at in found)) if found else None


def is_staff(transaction: Transaction, address: str) -> bool:
    """Whether the address belongs to active staff."""
    owner = accounts.find(transaction, address)
    return owner is not None and owner.active and owner.role in STAFF
