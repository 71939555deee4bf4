"""Who is told to look anew where a row of the feed cannot be told: those whom it was for, as far as the row says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from ordercast.commerce.notifications import SHOP
from ordercast.commerce.rooms import STORE_OWNERS, customer_room, driver_room, order_room, user_room, watch_room
from ordercast.db import Change, read_json

UNREADABLE_ROW: Final = "unreadable_row"
ROW_TOO_LARGE: Final = "row_too_large"

EVERYBODY: Final = "\x00everybody"
"""In place of a room: all whom the server knows. Of a row that does not say whom it was for, any of them might be."""

# Where a document is no JSON, the names in it can be found still.
_NAMES: Final = re.compile(
    rb'"(customerId|recipient|formerDriverId|driverId)"\s*:\s*(?:"([^"\\\x00-\x1f]{1,200})"|null)'
)
# An encoder's object within the object of a driver.
_DRIVER: Final = re.compile(rb'"driver"\s*:\s*\{\s*"id"\s*:\s*"([^"\\\x00-\x1f]{1,200})"')


class UntellableRow(ValueError):
    """A row that no rule can tell."""

    reason = UNREADABLE_ROW


class RowTooLarge(UntellableRow):
    """What it would say is more than a client can be sent."""

    reason = ROW_TOO_LARGE


def rooms_behind(change: Change) -> tuple[str, ...]:
    """The rooms of those who would have heard of this change; EVERYBODY where it does not say."""
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


def _notification(change: Change) -> list[str] | None:
    named = _named(change, "recipient")
    return [STORE_OWNERS if id_ == SHOP else user_room(id_) for id_ in named] if named else None


def _published(change: Change) -> list[str] | None:
    try:
        rooms = read_json(_text(change))["rooms"]
    except (ValueError, LookupError, TypeError):
        return None
    if not isinstance(rooms, list):
        return None
    return [room for room in rooms if isinstance(room, str) and room != EVERYBODY]


def _shop(change: Change) -> list[str]:
    del change
    return [STORE_OWNERS]


_FINDERS: Final[dict[str, Callable[[Change], list[str] | None]]] = {
    "delivery.moved": _delivery,
    "event.published": _published,
    "feed.resync": _shop,
    "notification.made": _notification,
    "payment.mismatch": _shop,
}
_FAMILIES: Final[dict[str, Callable[[Change], list[str] | None]]] = {"order.": _order, "product.": _shop}


def _named(change: Change, name: str) -> list[str] | None:
    """The ids that the change's documents have under `name`, before and after; None where neither says."""
    if _is_object(change):
        found = [document[name] for document in _documents(change) if name in document]
        return [id_ for id_ in found if isinstance(id_, str) and id_] if found else None
    found_in_text = [match[2] for match in _NAMES.finditer(_text(change)) if match[1] == name.encode()]
    if not found_in_text:
        return None
    return [id_.decode("utf-8", "replace") for id_ in found_in_text if id_]


def _is_object(change: Change) -> bool:
    """Whether what the change came to can be read, so that it is known whom it does not name."""
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
