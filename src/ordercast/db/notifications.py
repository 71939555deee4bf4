"""Units of work on notifications: listing, reading and forgetting them, and telling the shop of new orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.commerce.errors import NotFound
from ordercast.commerce.moments import Moment, moment
from ordercast.commerce.notifications import SHOP, NotificationKind, Severity, words

from .transaction import Transaction

# What nobody reads in a year nobody will.
UNREAD_DAYS_MAX: Final = 365
FORGOTTEN_AT_ONCE_MAX: Final = 1_000
_LAST: Final = "ntf_~"  # behind every id
_MARK: Final = "new_orders_told_through"


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


def page(
    transaction: Transaction,
    recipients: Sequence[str],
    user_id: str,
    *,
    unread_only: bool,
    before: str | None,
    limit: int,
) -> tuple[list[Notification], int]:
    """The newest notifications below the id `before`, and how many are unread in all."""
    sql, whose = transaction.sql.notifications, _whose(recipients, user_id)
    statement = sql.unread_before if unread_only else sql.before
    rows = transaction.all(statement, **whose, before=before or _LAST, limit=limit)
    return [_notification(row) for row in rows], unread(transaction, recipients, user_id)


def unread(transaction: Transaction, recipients: Sequence[str], user_id: str) -> int:
    row = transaction.one(transaction.sql.notifications.unread, **_whose(recipients, user_id))
    return 0 if row is None else int(row[0])


def see(
    transaction: Transaction, recipients: Sequence[str], user_id: str, ids: Sequence[str] | None, now: Moment
) -> int:
    """Note that the user has read these, or with None everything; gives how many are left unread.

    Raises NotFound if one of them is not for this user. What was read before stays read since then.
    """
    sql, whose = transaction.sql.notifications, _whose(recipients, user_id)
    if ids is None:
        transaction.run(sql.see_all, **whose, read_at=now)
        return 0
    named = msgspec.json.encode(list(dict.fromkeys(ids))).decode()
    found = transaction.one(sql.known, recipients=whose["recipients"], ids=named)
    if found is None or found[0] != len(set(ids)):
        raise NotFound("notification")
    transaction.run(sql.see, **whose, ids=named, read_at=now)
    return unread(transaction, recipients, user_id)


def tell_of_new_orders(transaction: Transaction, now: Moment) -> bool:
    """Write one notification for the shop of all orders that were placed since the last; whether there were any.

    One for many, and not within the placing: a shop under load would be told so often that nobody reads it, and each
    order is on its board at once anyhow. The mark is written with it, so none is left out or told twice.
    """
    sql = transaction.sql
    mark = transaction.one(sql.meta.value_to_change, name=_MARK)
    newest = transaction.one(sql.notifications.newest_order, mark=int(mark[0]) if mark else 0)
    through = (newest[0] or 0) if newest else 0
    if mark is not None and int(mark[0]) >= through:
        return False
    transaction.run(sql.meta.keep, name=_MARK, value=str(through))
    if mark is None:  # what was there before us is no news
        return False
    row = transaction.one(sql.notifications.new_orders, mark=int(mark[0]))
    count, first, last = row or (0, None, None)
    if count == 0:
        return False
    data = msgspec.json.encode({"count": count, "first": first, "last": last}).decode()
    kind, severity = NotificationKind.NEW_ORDERS, Severity.INFO
    transaction.run(sql.notifications.add, recipient=SHOP, kind=kind, data=data, severity=severity, created_at=now)
    return True


def has_new_orders(transaction: Transaction) -> bool:
    """Whether `tell_of_new_orders` has anything to do: to be asked of a reader, which is cheap."""
    mark = transaction.one(transaction.sql.meta.value, name=_MARK)
    newest = transaction.one(transaction.sql.notifications.newest_order, mark=int(mark[0]) if mark else 0)
    return mark is None or int(mark[0]) < ((newest[0] or 0) if newest else 0)


def forget_old(transaction: Transaction, days: int, now: Moment) -> bool:
    """Forget what was read, and what the whole shop was told, `days` ago; and the rest after a year. Whether there may
    be more.
    """
    forgotten = transaction.run(
        transaction.sql.notifications.forget_old,
        read_before=_ago(now, days),
        before=_ago(now, max(days, UNREAD_DAYS_MAX)),
        limit=FORGOTTEN_AT_ONCE_MAX,
    )
    return forgotten >= FORGOTTEN_AT_ONCE_MAX


def _ago(now: Moment, days: int) -> Moment:
    return moment(int((datetime.fromisoformat(now) - timedelta(days=days)).timestamp() * 1000))


def _whose(recipients: Sequence[str], user_id: str) -> dict[str, str]:
    return {"recipients": msgspec.json.encode(recipients).decode(), "user_id": user_id}


def _notification(row: tuple[Any, ...]) -> Notification:
    id_, kind, order_id, data, severity, created_at, read_at = row
    said = words(NotificationKind(kind), msgspec.json.decode(data), order_id)
    return Notification(
        id_,
        said.title,
        said.text,
        said.title_bn,
        said.text_bn,
        said.link,
        Severity(severity),
        order_id,
        created_at,
        read_at,
    )
