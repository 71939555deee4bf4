"""The event types of webhooks and their payloads: one event for each row of the feed.

The event's name is its row's kind. The body follows Standard Webhooks (`type`, `timestamp`, `data`), with the event's
`id` and its position `seq` in the feed; `data` has the new state, and `previous` the members that changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, assert_never

import msgspec

from ordercast.commerce.notifications import SHOP, NotificationKind, render
from ordercast.commerce.webhook_endpoints import matches
from ordercast.db import Change, ChangeKind, read_json
from ordercast.db.transaction import UNREADABLE
from ordercast.db.webhooks.deliveries import NewDelivery

# Receivers limit bodies: Standard Webhooks recommends 20 KB; an order of two hundred lines has 100 KB. A larger
# event carries only the id, for a read by the API.
BODY_BYTES_MAX: Final = 256_000
TEST: Final = "webhook.test"
RESYNC: Final = str(ChangeKind.FEED_RESYNC)


class EventPayload(NamedTuple):
    """The variable part of an event."""

    data: dict[str, Any]
    subject: str | None = None
    """Events of one subject are delivered in order."""


PayloadBuilder = Callable[[Change], EventPayload | None]
"""Makes the payload of a change; None if the shop's systems are not sent it."""


class EventType(NamedTuple):
    name: str
    sentence: str


# --- By kind ----------------------------------------------------------------------------------------------------------


def _order(change: Change) -> EventPayload:
    return EventPayload({"order": _after(change), "previous": _previous(change), **_by(change)}, change.entity_id)


def _booking(change: Change) -> EventPayload:
    return EventPayload({"booking": _after(change), "previous": _previous(change), **_by(change)}, change.entity_id)


def _message(change: Change) -> EventPayload:
    """A conversation is one subject."""
    return EventPayload({"message": _after(change)}, change.entity_id)


def _unseen(change: Change) -> EventPayload:
    return EventPayload({"notice": _after(change)}, change.entity_id)


def _delivery(change: Change) -> EventPayload:
    return EventPayload({"delivery": _after(change)}, change.entity_id)


def _product(change: Change) -> EventPayload:
    return EventPayload({"product": _after(change), "previous": _previous(change), **_by(change)}, change.entity_id)


def _opening(change: Change) -> EventPayload:
    return EventPayload({"opening": _after(change), "previous": _previous(change), **_by(change)})


def _mismatch(change: Change) -> EventPayload:
    mismatch = _after(change)
    return EventPayload({"mismatch": mismatch}, str(mismatch["orderId"]))


def _notification(change: Change) -> EventPayload | None:
    """Staff notifications only: a buyer's repeats an event that was sent already."""
    made = _after(change)
    if made["recipient"] != SHOP:
        return None
    text = render(NotificationKind(made["kind"]), made["data"], made["orderId"])
    about = {"id": change.entity_id, "kind": made["kind"], "severity": made["severity"], "orderId": made["orderId"]}
    return EventPayload(
        {"notification": about | {"title": text.title, "text": text.text, "link": text.link}}, made["orderId"]
    )


def _published(change: Change) -> EventPayload:
    published = _after(change)
    return EventPayload({"event": published["event"], "rooms": published["rooms"], "args": published["args"]})


def _erased(change: Change) -> EventPayload:
    """Tells the shop's systems to erase the customer too."""
    return EventPayload({"customerId": change.entity_id}, change.entity_id)


def _resync(change: Change) -> EventPayload:
    reason = _after(change).get("reason")
    return EventPayload({"reason": str(reason)})


def payload_builder_of(kind: ChangeKind) -> tuple[PayloadBuilder, str] | None:  # noqa: C901, PLR0911, PLR0912 - a line for each kind
    """The payload builder of a kind and its description; None for kinds that are not sent. A new kind must be added
    here: mypy checks that all are handled.
    """
    match kind:
        case ChangeKind.ORDER_PLACED:
            return _order, "An order was placed."
        case ChangeKind.ORDER_IMPORTED:
            return _order, "An order of another system was taken in as it stood there."
        case ChangeKind.ORDER_STATUS_CHANGED:
            return _order, "An order came into another state."
        case ChangeKind.ORDER_PAYMENT_CHANGED:
            return _order, "The payment of an order came into another state, or money moved."
        case ChangeKind.ORDER_CHANGED:
            return _order, "Something else of an order changed, such as an address."
        case ChangeKind.ORDER_UNSEEN:
            return _unseen, "Nobody has opened an order for a while."
        case ChangeKind.BOOKING_UNSEEN:
            return _unseen, "Nobody has opened a booking for a while."
        case ChangeKind.BOOKING_PLACED:
            return _booking, "A booking was made."
        case ChangeKind.BOOKING_IMPORTED:
            return _booking, "A booking of another system was taken in as it stood there."
        case ChangeKind.BOOKING_STATUS_CHANGED:
            return _booking, "A booking came into another state."
        case ChangeKind.BOOKING_RESCHEDULED:
            return _booking, "A booking was moved to another time or carer."
        case ChangeKind.BOOKING_PAYMENT_CHANGED:
            return _booking, "The payment of a booking came into another state, or money moved."
        case ChangeKind.BOOKING_CHANGED:
            return _booking, "Something else of a booking changed."
        case ChangeKind.MESSAGE_SENT:
            return _message, "Somebody wrote a message in a conversation."
        case ChangeKind.MESSAGE_CHANGED:
            return _message, "A message was edited or deleted."
        case ChangeKind.DELIVERY_MOVED:
            return _delivery, "A delivery came to another stage: assigned, picked up, on its way, delivered."
        case ChangeKind.PRODUCT_ADDED:
            return _product, "A product was added to the catalogue."
        case ChangeKind.PRODUCT_CHANGED:
            return _product, "A product changed, or its stock was counted."
        case ChangeKind.SHOP_OPENING_CHANGED:
            return _opening, "The shop was paused, resumed, or has other hours."
        case ChangeKind.PAYMENT_MISMATCH:
            return _mismatch, "A provider's money differs from the shop's books, or somebody has seen to it."
        case ChangeKind.NOTIFICATION_MADE:
            return _notification, "The shop's people were notified of something."
        case ChangeKind.EVENT_PUBLISHED:
            return _published, "A back end published an event of its own."
        case ChangeKind.CUSTOMER_ERASED:
            return _erased, "A customer's personal data was erased: forget what you keep of it."
        case ChangeKind.FEED_RESYNC:
            return _resync, "Events are missing before this one: look at how things stand. Every endpoint is sent it."
        case ChangeKind.ACCESS_REVOKED | ChangeKind.CONVERSATION_SEEN | ChangeKind.CONVERSATION_CHANGED:
            return None  # sign-outs and read receipts concern no other system
        case ChangeKind.ROW_CHANGED:
            return None  # what is watched is for screens; an [[emit]] tells systems
        case _:
            assert_never(kind)


EVENT_TYPES: Final = tuple(
    EventType(str(kind), builder[1]) for kind in ChangeKind if (builder := payload_builder_of(kind)) is not None
)


# --- One event --------------------------------------------------------------------------------------------------------


def deliveries_of(changes: list[Change], epoch: str, filters: tuple[str, ...]) -> Iterator[NewDelivery]:
    """The deliveries that an endpoint with these filters gets for rows of the feed, in order."""
    for change in changes:
        if matches(filters, change.kind) or change.kind == RESYNC:
            made = delivery_of(change, epoch)
            if made is not None:
                yield made


def delivery_of(change: Change, epoch: str) -> NewDelivery | None:
    """The event of a row; None for kinds that are not sent. A damaged row becomes `feed.resync`, as on screens."""
    try:
        kind = ChangeKind(change.kind)
    except ValueError:  # of a newer node
        return None
    builder = payload_builder_of(kind)
    if builder is None:
        return None
    event_id = event_id_of(epoch, change.seq)
    try:
        payload = builder[0](change)
        if payload is None:
            return None
        body = _body(event_id, change.kind, change.at, change.seq, payload.data)
        if len(body) > BODY_BYTES_MAX:
            omitted = {"id": change.entity_id, "omitted": f"It is larger than {BODY_BYTES_MAX} bytes."}
            body = _body(event_id, change.kind, change.at, change.seq, omitted)
    except UNREADABLE:
        return _resync_event(event_id, change.at, change.seq, "unreadable_row", change.entity_id or None)
    return NewDelivery(event_id, change.kind, payload.subject or None, change.seq, body.decode())


def missed_rows(epoch: str, after: int, through: int, at: str) -> NewDelivery:
    """A `feed.resync` in place of rows after `after` that were pruned before they became deliveries."""
    return _resync_event(f"evt_{epoch}_{after}_{through}", at, through, "history_pruned", None)


def sample_event(event_id: str, endpoint_id: str, at: str) -> NewDelivery:
    body = _body(event_id, TEST, at, 0, {"endpointId": endpoint_id, "text": "This is a test."})
    return NewDelivery(event_id, TEST, None, 0, body.decode())


def event_id_of(epoch: str, seq: int) -> str:
    """Contains no full stop, the separator of Standard Webhooks' signed content."""
    return f"evt_{epoch}_{seq}"


def _resync_event(event_id: str, at: str, seq: int, reason: str, subject: str | None) -> NewDelivery:
    return NewDelivery(event_id, RESYNC, subject, seq, _body(event_id, RESYNC, at, seq, {"reason": reason}).decode())


def _body(event_id: str, event: str, at: str, seq: int, data: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"id": event_id, "type": event, "timestamp": at, "seq": seq, "data": data})


# --- Parts ------------------------------------------------------------------------------------------------------------


def _after(change: Change) -> dict[str, Any]:
    """The new state. Raises ValueError if it is no object."""
    document = None if change.after is None else read_json(change.after)
    if not isinstance(document, dict):
        raise ValueError("it is no object")
    return document


def _previous(change: Change) -> dict[str, Any] | None:
    """The changed members with their former values; None for something new."""
    before = None if change.before is None else read_json(change.before)
    if not isinstance(before, dict):
        return None
    after = _after(change)
    return {name: value for name, value in before.items() if name not in after or after[name] != value}


def _by(change: Change) -> dict[str, Any]:
    return {"actor": change.actor, "reason": change.reason}
