"""Sends reminders of bookings to customer and carer, once for each beginning.

Due bookings are found by their own columns: open, beginning soon, not yet reminded of that beginning. So cancelled ones
drop out, rescheduled ones are due again, and those of other programs are included. The mark is committed with the
notifications and the mail, so neither a restart nor a second node repeats one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final, NamedTuple

import msgspec

from ordercast.commerce.letters import Language
from ordercast.commerce.local_times import written_out
from ordercast.commerce.notification_preferences import Channel
from ordercast.commerce.notifications import NotificationKind, Severity, Topic
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import mails, notification_preferences
from ordercast.db.lenient_json import is_moment
from ordercast.db.notifications import statements as notes
from ordercast.db.transaction import Transaction

from . import statements

log = logging.getLogger("ordercast.db")

# Per unit of work, so that other writers do not wait for a day's reminders.
AT_ONCE_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class ReminderSettings:
    """A shop's settings of reminders."""

    zone: tzinfo
    language: Language
    """The language of mails to users without one."""
    sends_mail: bool


class ReminderBatch(NamedTuple):
    """How many reminders were sent, and the position where others may follow; None at the end."""

    bookings: int
    through: tuple[str, int] | None


class _Due(msgspec.Struct, array_like=True):
    id: str
    number: int
    starts_at: str
    service_name: str
    service_name_bn: str
    customer_id: str | None
    carer_id: str
    has_account: bool
    has_address: bool
    language: Language | None


BEGINNING: Final = ("", 0)


def is_any_due(transaction: Transaction, now: Timestamp, before: Timestamp) -> bool:
    """Whether `remind` has work: a cheap read."""
    return transaction.one(statements.IS_ANY_DUE, now=_minute(now), before=_minute(before)) is not None


def remind(
    transaction: Transaction,
    now: Timestamp,
    before: Timestamp,
    reminding: ReminderSettings,
    *,
    after: tuple[str, int] = BEGINNING,
) -> ReminderBatch:
    """Send reminders of the next bookings that begin after `now` and up to `before`. A damaged one is skipped."""
    after_at, after_number = after
    rows = transaction.all(
        statements.TO_REMIND_FOR_UPDATE,
        now=_minute(now),
        before=_minute(before),
        after_at=after_at,
        after_number=after_number,
        limit=AT_ONCE_MAX,
    )
    count = sum(_remind(transaction, row, now, reminding) for row in rows)
    return ReminderBatch(count, (rows[-1][2], rows[-1][1]) if len(rows) == AT_ONCE_MAX else None)


def _minute(at: Timestamp) -> str:
    """A text greater than every timestamp of that minute, and less than those of the next."""
    return f"{at[:16]}~"


def _remind(transaction: Transaction, row: tuple[Any, ...], now: Timestamp, reminding: ReminderSettings) -> bool:
    def one(part: Transaction) -> None:
        due = part.decoded(row, _due_of, "bookings")
        _notify(part, due, now, reminding)
        if reminding.sends_mail and due.has_address and not _declines_mail(part, due):
            mails.owe_reminder(part, due.id, due.starts_at, due.language or reminding.language, now)
        part.run(statements.REMINDED, booking_id=due.id)

    try:
        transaction.attempt(one)
    except Exception as error:
        if not transaction.is_of_row(error):
            raise
        if transaction.damaged.is_first("reminders", row[0]):
            log.warning("could not send reminders of booking %s: %s", row[0], error)
        return False
    return True


def _declines_mail(transaction: Transaction, due: _Due) -> bool:
    """Whether the customer chose other channels than mail; mail is the default for reminders."""
    if due.customer_id is None or not due.has_account:
        return False
    chosen = notification_preferences.find(transaction, due.customer_id).topics.get(Topic.REMINDERS)
    return chosen is not None and Channel.MAIL not in chosen


def _due_of(row: tuple[Any, ...]) -> _Due:
    *columns, has_account, has_address, language = row
    due = msgspec.convert((*columns, bool(has_account), bool(has_address), language), _Due)
    if not is_moment(due.starts_at):
        raise ValueError("a booking has its time")
    return due


def _notify(transaction: Transaction, due: _Due, now: Timestamp, reminding: ReminderSettings) -> None:
    data = {
        "bookingId": due.id,
        "number": due.number,
        "service": due.service_name,
        "serviceBn": due.service_name_bn or due.service_name,
        "startsAt": due.starts_at,
        "when": written_out(due.starts_at, reminding.zone, Language.ENGLISH),
        "whenBn": written_out(due.starts_at, reminding.zone, Language.BENGALI),
    }
    people = [due.carer_id, *([due.customer_id] if due.customer_id is not None and due.has_account else [])]
    for recipient in people:
        transaction.run(
            notes.ADD,
            recipient=recipient,
            kind=NotificationKind.BOOKING_REMINDER,
            data=msgspec.json.encode(data).decode(),
            order_id=None,
            severity=Severity.INFO,
            created_at=now,
        )
