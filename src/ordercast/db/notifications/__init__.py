"""Units of work on notifications: listing them, marking them read, deleting old ones, and notifying of new orders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from ordercast.commerce.errors import NotFound
from ordercast.commerce.notifications import SHOP, NotificationKind, Severity, render
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.db import meta
from ordercast.db.lenient_json import read_json
from ordercast.db.noun import Noun, PersonalData
from ordercast.db.statement import statements_in
from ordercast.db.transaction import UNREADABLE, Transaction

from . import statements
from .table import notification_marks, notification_reads, notifications
from .triggers import TRIGGERS

TABLE: Final = "notifications"

NOUN: Final = Noun(
    name="notifications",
    tables=(notifications, notification_reads, notification_marks),
    statements=statements_in(vars(statements)),
    triggers=TRIGGERS,
    personal={
        "notification_reads": PersonalData(
            "user_id = :customer_id", ("notification_id", "read_at"), key="notification_id"
        ),
        "notification_marks": PersonalData(
            "user_id = :customer_id", ("recipient", "through", "read_at"), key="through"
        ),
        "notifications": PersonalData(
            "recipient = :customer_id", ("id", "kind", "order_id", "data", "severity", "created_at"), key="entry"
        ),
    },
)

# Unread notifications are deleted after a year.
UNREAD_DAYS_MAX: Final = 365
# Rows per unit of work: other writers wait for milliseconds.
FORGOTTEN_AT_ONCE_MAX: Final = 1_000
# Unread notifications counted and listed at most: 'more than a thousand' says as much as a figure.
UNREAD_COUNTED_MAX: Final = 1_000
# Changes after the mark that are searched for a new order, each time until one comes.
LOOKED_BACK_MAX: Final = 1_000
ENTRY_MAX: Final = 2**63 - 1
_MARK: Final = "new_orders_told_through"
_FORGOTTEN_THROUGH: Final = "notifications_forgotten_through"
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


class Notification(Struct, frozen=True, rename="camel"):
    id: str
    title: str
    text: str
    title_bn: str
    text_bn: str
    link: str
    severity: Severity
    order_id: str | None
    created_at: str
    read_at: str | None


@dataclass(frozen=True, slots=True)
class Unread:
    """The number of unread notifications; `more` if there are more than `UNREAD_COUNTED_MAX`."""

    count: int
    more: bool = False


class Page(NamedTuple):
    """One page; `next_before` is None at the end. A page of unread ones may be short and yet not the last."""

    items: list[Notification]
    next_before: int | None
    unread: Unread


class _ReadMark(NamedTuple):
    """A read mark: every entry up to `through` is read, except rows of these transactions, which were uncommitted
    then.
    """

    through: int = 0
    unseen: tuple[int, ...] = ()


def page(
    transaction: Transaction,
    recipients: Sequence[str],
    user_id: str,
    *,
    unread_only: bool,
    before: int | None,
    limit: int,
) -> Page:
    """One page of notifications before the entry `before`, newest first, and the number of unread ones."""
    find = _unread_rows if unread_only else _rows
    below = ENTRY_MAX if before is None else before
    rows: list[tuple[Any, ...]] = []
    lowest = 0
    for recipient in recipients:
        found, looked_down_to = find(transaction, recipient, user_id, below, limit + 1)
        rows += found
        lowest = max(lowest, looked_down_to)
    # Below it rows of one recipient may be missing, so the next page begins there.
    rows = sorted((row for row in rows if row[0] >= lowest), key=itemgetter(0), reverse=True)
    next_before = rows[limit - 1][0] if len(rows) > limit else lowest or None
    items = transaction.readable(rows[:limit], _notification, TABLE)
    return Page(items, next_before, unread(transaction, recipients, user_id))


def _rows(
    transaction: Transaction, recipient: str, user_id: str, before: int, limit: int
) -> tuple[list[tuple[Any, ...]], int]:
    values = {"recipient": recipient, "user_id": user_id, "before": before, "limit": limit}
    return transaction.all(statements.BEFORE, **values), 0


def _unread_rows(
    transaction: Transaction, recipient: str, user_id: str, before: int, limit: int
) -> tuple[list[tuple[Any, ...]], int]:
    """The unread rows, and the entry down to which they were searched; 0 for all."""
    mark = _mark(transaction, recipient, user_id)
    values = {"recipient": recipient, "user_id": user_id, "before": before, "limit": limit}
    count, lowest = _count_after_mark(transaction, recipient, mark, before)
    rows = transaction.all(statements.UNREAD_BEHIND, **values, lowest=lowest) if count else []
    if count == UNREAD_COUNTED_MAX and len(rows) < limit:
        return rows, lowest
    for written_in in mark.unseen:
        rows += transaction.all(statements.UNSEEN, **values, through=mark.through, written_in=written_in)
    return rows, 0


def unread(transaction: Transaction, recipients: Sequence[str], user_id: str) -> Unread:
    counts = [_count_unread_of(transaction, recipient, user_id) for recipient in recipients]
    return Unread(sum(each.count for each in counts), any(each.more for each in counts))


def _count_unread_of(transaction: Transaction, recipient: str, user_id: str) -> Unread:
    mark = _mark(transaction, recipient, user_id)
    count, lowest = _count_after_mark(transaction, recipient, mark, ENTRY_MAX)
    whose = {"recipient": recipient, "user_id": user_id}
    read = transaction.one(statements.READ_BEHIND, **whose, lowest=lowest) if count else None
    late = sum(
        len(
            transaction.all(
                statements.UNSEEN,
                **whose,
                before=ENTRY_MAX,
                through=mark.through,
                written_in=written_in,
                limit=UNREAD_COUNTED_MAX,
            )
        )
        for written_in in mark.unseen
    )
    return Unread(count - (read[0] if read else 0) + late, more=count == UNREAD_COUNTED_MAX)


def _mark(transaction: Transaction, recipient: str, user_id: str) -> _ReadMark:
    row = transaction.one(statements.MARK, recipient=recipient, user_id=user_id)
    marks = [] if row is None else transaction.readable([row], _mark_of, "notification_marks")
    return marks[0] if marks else _ReadMark()


def _mark_of(row: tuple[Any, ...]) -> _ReadMark:
    return _ReadMark(int(row[0]), tuple(map(int, row[1].split())))


def _count_after_mark(transaction: Transaction, recipient: str, mark: _ReadMark, before: int) -> tuple[int, int]:
    """The number of entries after the mark, up to UNREAD_COUNTED_MAX, and the lowest of them."""
    row = transaction.one(
        statements.BEHIND,
        recipient=recipient,
        through=mark.through,
        before=before,
        window=UNREAD_COUNTED_MAX,
    )
    return (row[0], row[1] or 0) if row else (0, 0)


def mark_read(
    transaction: Transaction, recipients: Sequence[str], user_id: str, ids: Sequence[str] | None, now: Timestamp
) -> Unread:
    """Mark these notifications, or with None all of them, as read by the user; return what is left unread.

    Raises NotFound if one of them is not for this user. A read notification keeps its first time.
    """
    if ids is None:
        for recipient in recipients:
            transaction.run(statements.SEE_ALL, recipient=recipient, user_id=user_id, read_at=now)
            transaction.run(statements.FORGET_MARKS, recipient=recipient, user_id=user_id)
        return Unread(0)
    named = {"ids": _json(list(dict.fromkeys(ids))), "recipients": _json(recipients)}
    found = transaction.one(statements.KNOWN, **named)
    if found is None or found[0] != len(set(ids)):
        raise NotFound("notification")
    transaction.run(statements.SEE, **named, user_id=user_id, read_at=now)
    return unread(transaction, recipients, user_id)


def notify(
    transaction: Transaction,
    recipient: str,
    kind: NotificationKind,
    data: Mapping[str, Any],
    *,
    severity: Severity = Severity.INFO,
    order_id: str | None = None,
    now: Timestamp,
) -> None:
    """Insert a notification for a user, or for all staff (SHOP). After the commit it appears in lists and is sent by
    the channels that its recipients chose. `data` is what its kind is rendered with
    (``commerce.notifications.render``).
    """
    values = {"recipient": recipient, "kind": kind, "order_id": order_id, "severity": severity, "created_at": now}
    transaction.run(statements.ADD, **values, data=_json(data))


def notify_of_new_orders(transaction: Transaction, now: Timestamp) -> bool:
    """Insert one notification for staff about all orders placed since the last; return whether there were any.

    One for many, and outside of placing: under load, one each would be too many to read, and boards show each order at
    once anyway. The mark moves in the same transaction, so no order is left out or counted twice.
    """
    mark = _number_in(transaction.one(meta.VALUE_FOR_UPDATE, name=_MARK))
    placed, through = _newest(transaction, mark or 0)
    if mark is not None and not _is_behind(mark, placed, through):
        return False
    transaction.run(meta.KEEP, name=_MARK, value=str(through))
    if mark is None:  # orders from before the first run are no news
        return False
    row = transaction.one(statements.NEW_ORDERS, mark=mark, through=through)
    count, first, last = row or (0, None, None)
    if count == 0:
        return False
    data = {"count": count, "first": first, "last": last}
    notify(transaction, SHOP, NotificationKind.NEW_ORDERS, data, now=now)
    return True


def has_new_orders(transaction: Transaction) -> bool:
    """Whether `notify_of_new_orders` has work: a cheap read."""
    mark = _number_in(transaction.one(meta.VALUE, name=_MARK))
    return mark is None or _is_behind(mark, *_newest(transaction, mark))


def _newest(transaction: Transaction, mark: int) -> tuple[int, int]:
    """The number of the newest order after the mark, or 0; and the newest change, as marks count."""
    # Read in this order: an order committed in between is after the newest change, and is found next time.
    change = transaction.one(statements.NEWEST_CHANGE)
    order = transaction.one(statements.NEWEST_ORDER, mark=mark)
    return ((order[0] or 0) if order else 0, (change[0] or 0) if change else 0)


def _is_behind(mark: int, placed: int, through: int) -> bool:
    return placed > mark or through - mark > LOOKED_BACK_MAX


def _number_in(row: tuple[Any, ...] | None) -> int | None:
    """The mark; None also if another program wrote no number."""
    written = "" if row is None else str(row[0])
    return int(written) if _NUMBER.fullmatch(written) else None


def forget_old(transaction: Transaction, days: int, now: Timestamp) -> bool:
    """Delete read and staff notifications after `days`, and unread ones after a year; return whether there may be more.

    Works in rounds of FORGOTTEN_AT_ONCE_MAX rows from a saved position, so that kept rows are visited once a round.
    """
    place = transaction.one(meta.VALUE, name=_FORGOTTEN_THROUGH)
    after_at, after_entry = _position_in(place)
    looked_at = transaction.all(
        statements.OLD,
        read_before=_ago(now, days),
        before=_ago(now, max(days, UNREAD_DAYS_MAX)),
        after_at=after_at,
        after_entry=after_entry,
        limit=FORGOTTEN_AT_ONCE_MAX,
    )
    old = [id_ for _, _, id_, is_old in looked_at if is_old]
    if old:
        transaction.run(statements.FORGET, ids=_json(old))
    if len(looked_at) < FORGOTTEN_AT_ONCE_MAX:
        transaction.run(meta.FORGET, name=_FORGOTTEN_THROUGH)
        return False
    transaction.run(meta.KEEP, name=_FORGOTTEN_THROUGH, value=_json(looked_at[-1][:2]))
    return True


def _position_in(row: tuple[Any, ...] | None) -> tuple[str, int]:
    """The saved position; the beginning if another program damaged it."""
    try:
        return ("", 0) if row is None else msgspec.json.decode(row[0], type=tuple[str, int])
    except UNREADABLE:
        return "", 0


def _ago(now: Timestamp, days: int) -> Timestamp:
    return timestamp(int((datetime.fromisoformat(now) - timedelta(days=days)).timestamp() * 1000))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _notification(row: tuple[Any, ...]) -> Notification:
    _entry, id_, kind, order_id, data, severity, created_at, read_at = row
    text = render(NotificationKind(kind), read_json(data), order_id)
    return Notification(
        id_,
        text.title,
        text.text,
        text.title_bn,
        text.text_bn,
        text.link,
        Severity(severity),
        order_id,
        created_at,
        read_at,
    )
