"""Gaps: where events cannot be delivered, clients get `resync` with a reason and reload the state.

Theory of operation. A client must never be stale without knowing it. So whatever leaves events out sends `resync` with
a reason in their place, with the offset behind them, from which the client continues:

- **A row cannot be encoded** (`UNREADABLE_ROW`, `ROW_TOO_LARGE`): the rooms that it would have reached, as far as its
  documents say, and everybody known where they do not (`affected_rooms`). That is decided by the row alone, so live
  delivery and replay send the same.
- **Rows are gone** before they were delivered or replayed (`HISTORY_PRUNED`), or too many for a replay to be quicker
  than a fetch (`TOO_FAR_BEHIND`).
- **An offset means nothing**: of no form of ours (`OFFSET_UNKNOWN`), or of another history of the database, as after a
  restore (`EPOCH_CHANGED`).
- **A table of the shop's own** that is attached: its mapping could not tell a change (`MAPPING_FAILED`), or it was
  emptied by TRUNCATE, which tells of no row (`TABLE_EMPTIED`). Such a row of the feed names its rooms itself.
- **Another database's history** ended before it was taken to ours (`SOURCE_HISTORY_LOST`).
- **Other rows of a table** may be seen by who watches it, since their rooms are others (`RIGHTS_CHANGED`).
- **This node is behind** the one that a client comes from, for too long (`FEED_BEHIND`).

The relay detects the first two and sends them to all affected; `recovery` detects the others, for one client.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from ordercast.commerce.notifications import SHOP
from ordercast.commerce.rooms import (
    EVERYBODY,
    SHOPPERS,
    STORE_OWNERS,
    booking_room,
    carer_room,
    conversation_room,
    customer_room,
    driver_room,
    order_room,
    user_room,
    watch_room,
)
from ordercast.db import Change, ChangeKind, GapReason, read_json
from ordercast.db.watched_rows import RowChange

# Finds names in a document that is no valid JSON.
_NAMES: Final = re.compile(
    rb'"(customerId|recipient|formerDriverId|driverId|carerId|subjectId|assigneeId)"'
    rb'\s*:\s*(?:"([^"\\\x00-\x1f]{1,200})"|null)'
)
# A driver's object.
_DRIVER: Final = re.compile(rb'"driver"\s*:\s*\{\s*"id"\s*:\s*"([^"\\\x00-\x1f]{1,200})"')


class UnroutableRow(ValueError):
    """No rule can make events of the row."""

    reason = GapReason.UNREADABLE_ROW


class RowTooLarge(UnroutableRow):
    """An event exceeds EVENT_BYTES_MAX."""

    reason = GapReason.ROW_TOO_LARGE


def affected_rooms(change: Change) -> tuple[str, ...]:
    """The rooms that the change's events were for; EVERYBODY if it does not name them."""
    find = _FINDERS.get(change.kind) or next(
        (found for prefix, found in _FAMILIES.items() if change.kind.startswith(prefix)), None
    )
    rooms = None if find is None else find(change)
    return (EVERYBODY,) if rooms is None else tuple(dict.fromkeys(rooms))


# --- By kind; None where those whom it was for cannot be known ------------------------------------------------------


def _order(change: Change) -> list[str] | None:
    if not change.entity_id:
        return None
    named = _named(change, "customerId")
    if named is None:
        return None
    rooms = [STORE_OWNERS, watch_room(change.entity_id), order_room(change.entity_id)]
    return rooms + [customer_room(id_) for id_ in named]


def _delivery(change: Change) -> list[str] | None:
    rooms, drivers = _order(change), _named(change, "formerDriverId")
    if rooms is None or drivers is None:
        return None
    drivers += [driver.decode() for driver in _DRIVER.findall(_text(change))]
    return rooms + [driver_room(id_) for id_ in drivers]


def _booking(change: Change) -> list[str] | None:
    customers, carers = _named(change, "customerId"), _named(change, "carerId")
    if not change.entity_id or customers is None or carers is None:
        return None
    rooms = [STORE_OWNERS, booking_room(change.entity_id)]
    return rooms + [customer_room(id_) for id_ in customers] + [carer_room(id_) for id_ in carers]


def _notification(change: Change) -> list[str] | None:
    named = _named(change, "recipient")
    return [STORE_OWNERS if id_ == SHOP else user_room(id_) for id_ in named] if named else None


def _conversation(change: Change) -> list[str] | None:
    customers, assignees, subjects = (_named(change, name) for name in ("customerId", "assigneeId", "subjectId"))
    if not change.entity_id or customers is None or assignees is None or subjects is None:
        return None
    rooms = [STORE_OWNERS, conversation_room(change.entity_id), *map(customer_room, customers)]
    rooms += [room(id_) for id_ in assignees for room in (driver_room, carer_room)]
    return rooms + [room(id_) for id_ in subjects for room in (order_room, booking_room)]


def _published(change: Change) -> list[str] | None:
    try:
        rooms = read_json(_text(change))["rooms"]
    except (ValueError, LookupError, TypeError):
        return None
    if not isinstance(rooms, list):
        return None
    return [room for room in rooms if isinstance(room, str) and room != EVERYBODY]


def _row(change: Change) -> list[str] | None:
    try:
        return list(RowChange.of(change).rooms)
    except (ValueError, RecursionError):
        return None


def _shop(change: Change) -> list[str]:
    del change
    return [STORE_OWNERS]


def _public(change: Change) -> list[str]:
    del change
    return [STORE_OWNERS, SHOPPERS]


_FINDERS: Final[dict[str, Callable[[Change], list[str] | None]]] = {
    ChangeKind.DELIVERY_MOVED: _delivery,
    ChangeKind.EVENT_PUBLISHED: _published,
    ChangeKind.FEED_RESYNC: _shop,
    ChangeKind.NOTIFICATION_MADE: _notification,
    ChangeKind.ORDER_UNSEEN: _shop,
    ChangeKind.BOOKING_UNSEEN: _shop,
    ChangeKind.PAYMENT_MISMATCH: _shop,
    ChangeKind.ROW_CHANGED: _row,
}
_FAMILIES: Final[dict[str, Callable[[Change], list[str] | None]]] = {
    "order.": _order,
    "booking.": _booking,
    "product.": _public,
    "shop.": _public,
    "message.": _conversation,
    "conversation.": _conversation,
}


def _named(change: Change, name: str) -> list[str] | None:
    """The ids under `name` in the documents before and after; None if neither has one."""
    if _is_object(change):
        found = [document[name] for document in _documents(change) if name in document]
        return [id_ for id_ in found if isinstance(id_, str) and id_] if found else None
    found_in_text = [match[2] for match in _NAMES.finditer(_text(change)) if match[1] == name.encode()]
    if not found_in_text:
        return None
    return [id_.decode("utf-8", "replace") for id_ in found_in_text if id_]


def _is_object(change: Change) -> bool:
    """Whether the new document is readable, so that a missing name is known to be missing."""
    return next(_documents(change, only_after=True), None) is not None


def _documents(change: Change, *, only_after: bool = False) -> Iterator[dict[str, Any]]:
    for raw in (change.after,) if only_after else (change.after, change.before):
        if raw is None:
            continue
        try:
            value = read_json(raw)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def _text(change: Change) -> bytes:
    return b"\n".join(bytes(memoryview(raw)) for raw in (change.after, change.before) if raw is not None)
