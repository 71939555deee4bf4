"""The payloads of events. Field names are those that front ends read already; see the reference of events."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from ordercast.commerce import sentences
from ordercast.commerce.catalogue import availability_of
from ordercast.commerce.conversations import role_of
from ordercast.commerce.masking import public_actor
from ordercast.commerce.notice import NoticeStep
from ordercast.commerce.notifications import NotificationKind, render
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Change, ChangeKind, read_json

from . import event_types
from .event_types import (
    AvailabilityUpdatePayload,
    BookingUnseenPayload,
    CustomerOrderUpdatePayload,
    DeliveryUpdatePayload,
    MessagePayload,
    NotificationPayload,
    OpeningUpdatePayload,
    OrderStamped,
    OrderStatusUpdatedPayload,
    OrderUnseenPayload,
    PaymentUpdatePayload,
    ProductUpdatePayload,
    SeenPayload,
    ShopUpdatePayload,
    UnseenPayload,
)
from .gaps import UnroutableRow


def decode(raw: msgspec.Raw | None) -> Any:
    """Decode a JSON column of a feed row. Raises ValueError."""
    return None if raw is None else read_json(raw)


_AMOUNTS = ("amountPaid", "amountRefunded", "amountRefunding")
_PAYMENT_FIELDS = ("paymentStatus", *_AMOUNTS)


class OrderChange(msgspec.Struct, frozen=True):
    """An order before and after one committed change."""

    change: Change
    before: dict[str, Any] | None
    after: dict[str, Any]
    event_id: str = ""

    @classmethod
    def of(cls, change: Change) -> OrderChange | None:
        """Parse a feed row; None if it is not about an order. Raises ValueError for a damaged order."""
        if not change.kind.startswith("order."):
            return None
        if change.after is None:
            raise UnroutableRow("there is no order in it")
        return cls(change, _checked(decode(change.before)), _checked(decode(change.after)))

    def with_event_id(self, event_id: str) -> OrderChange:
        return OrderChange(self.change, self.before, self.after, event_id)

    def is_placed(self) -> bool:
        return self.change.kind == ChangeKind.ORDER_PLACED

    def has_new_status(self) -> bool:
        return self._differs("status")

    def has_new_payment(self) -> bool:
        return self.before is not None and has_new_payment(self.before, self.after)

    def is_edited(self) -> bool:
        """Whether another field than the two states changed, or the order was imported."""
        if self.change.kind == ChangeKind.ORDER_IMPORTED:
            return True
        return self.before is not None and not self.has_new_status() and not self.has_new_payment()

    def concerns_customer(self) -> bool:
        has_moved = self.has_new_status() or self._differs("paymentStatus")
        is_told = has_moved or self._differs("amountRefunded") or self.is_claimed() or self.has_new_time()
        return self.is_placed() or is_told

    def has_new_time(self) -> bool:
        """Whether another time was promised."""
        return self.before is not None and self.before.get("promisedAt") != self.after.get("promisedAt")

    def is_claimed(self) -> bool:
        """Whether a customer claimed a guest's order."""
        return self.before is not None and self.before.get("customerId") != self.after.get("customerId")

    def _differs(self, field: str) -> bool:
        return self.before is not None and bool(self.before[field] != self.after[field])


def _checked(order: Any) -> Any:
    """Validate an order's document or None. Raises UnroutableRow.

    A mirrored order may have fewer fields.
    """
    if order is None:
        return None
    total = order["total"]
    if not (
        type(order["id"]) is type(order["status"]) is type(order["paymentStatus"]) is str
        and type(order["number"]) is int
        and (type(total) is int or total is None)
        and type(order["customerInfo"]) is dict
    ):
        raise UnroutableRow("it is no order")
    return order


def new_order(change: OrderChange) -> event_types.NewOrderPayload:
    """The form that web shops' admin pages read; ``status`` is the payment's, ``paid`` once paid."""
    order = change.after
    return {
        "type": "new_order",
        "order": {
            "id": order["id"],
            "status": order["paymentStatus"],
            "total": order["total"],
            "customerName": order["customerInfo"]["name"],
            "createdAt": order["createdAt"],
            "mobile": order["customerInfo"]["mobile"],
            "customer_email": order["customerInfo"]["email"],
        },
    }


def whole_order(change: OrderChange) -> dict[str, Any]:
    return {**change.after, "seq": change.change.seq}


def status_updated(change: OrderChange) -> OrderStatusUpdatedPayload:
    assert change.before is not None
    return {
        **_stamp(change),
        "oldStatus": change.before["status"],
        "newStatus": change.after["status"],
        "paymentStatus": change.after["paymentStatus"],
        "promisedAt": change.after.get("promisedAt"),
        "actor": change.change.actor,
        "reason": change.change.reason,
    }


def public_status_updated(change: OrderChange) -> OrderStatusUpdatedPayload:
    """As `status_updated` for the buyer: with the actor's role only, without staff's reasons."""
    actor, reason = public_actor(change.change.actor, change.change.reason)
    return {**status_updated(change), "actor": actor, "reason": reason}


def payment_updated(change: OrderChange) -> PaymentUpdatePayload:
    assert change.before is not None
    return cast("PaymentUpdatePayload", {**_stamp(change), **payment_change(change.before, change.after)})


def payment_change(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The payment fields of `payment_update`, for an order or a booking."""
    return {
        "oldPaymentStatus": before["paymentStatus"],
        "newPaymentStatus": after["paymentStatus"],
        "total": after["total"],
        "currency": after["currency"],
        "amountPaid": after["amountPaid"],
        "amountRefunded": after["amountRefunded"],
        "amountRefunding": after["amountRefunding"],
    }


def has_new_payment(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether the payment's state or one of its sums changed."""
    return any(before[field] != after[field] for field in _PAYMENT_FIELDS)


def payment_mismatch(change: Change) -> dict[str, Any]:
    """A raised or resolved mismatch; `mismatchId` is its id."""
    card = decode(change.after)
    return {"seq": change.seq, "version": change.version, "at": change.at, "mismatchId": card.pop("id"), **card}


def for_customer(change: OrderChange) -> CustomerOrderUpdatePayload:
    """The change as the buyer may see it: no actor, no reason, nothing of others."""
    order = change.after
    if change.has_new_time() and change.is_edited() and not change.is_claimed():
        title, text = sentences.for_new_time(order["number"])
    elif change.before is not None and not change.has_new_status() and not change.is_claimed():
        has_returned = order.get("amountRefunded", 0) < change.before.get("amountRefunded", 0)
        title, text = sentences.for_payer(order["paymentStatus"], order["number"], is_refund_returned=has_returned)
    else:
        title, text = sentences.for_customer(order["status"], order["fulfilment"], order["number"])
    return {
        **_stamp(change),
        "status": order["status"],
        "paymentStatus": order["paymentStatus"],
        "fulfilment": order["fulfilment"],
        "promisedAt": order.get("promisedAt"),
        "title": title,
        "text": text,
    }


def delivery_moved(change: Change, moved: dict[str, Any], event_id: str) -> DeliveryUpdatePayload:
    """The delivery as staff, buyer and driver may see it: driver, position, estimated arrival."""
    return {
        "id": event_id,
        "seq": change.seq,
        "version": change.version,
        "at": change.at,
        "orderId": moved["orderId"],
        "number": moved["number"],
        "stage": moved["stage"],
        "driver": moved["driver"],
        "attempts": moved["attempts"],
        "position": moved["position"],
        "eta": moved["eta"],
    }


def product_updated(change: Change, event_id: str) -> ProductUpdatePayload:
    """The changed product; ``before`` is None for a new one."""
    return {
        "id": event_id,
        "seq": change.seq,
        "productId": change.entity_id,
        "version": change.version,
        "at": change.at,
        "actor": change.actor,
        "reason": change.reason,
        "before": decode(change.before),
        "product": decode(change.after),
    }


def availability_changed(change: Change, event_id: str) -> AvailabilityUpdatePayload | None:
    """What buyers are told of the changed product; None of one that was not for sale, and is not now."""
    product = msgspec.convert(decode(change.after), _ForSale)
    before = decode(change.before)
    if not product.active and not (before or {}).get("active"):
        return None
    availability = availability_of(**msgspec.structs.asdict(product), at=Timestamp(change.at))
    return {
        "id": event_id,
        "seq": change.seq,
        "version": change.version,
        "at": change.at,
        "productId": change.entity_id,
        "availability": availability,
        "soldOutUntil": product.sold_out_until,
    }


class _ForSale(msgspec.Struct, rename="camel"):
    stock: int
    active: bool = True
    sold_out_until: str | None = None


def opening_changed(change: Change, event_id: str) -> ShopUpdatePayload:
    """`opening_for_shoppers`, and who did it."""
    return {**opening_for_shoppers(change, event_id), "actor": change.actor}


def opening_for_shoppers(change: Change, event_id: str) -> OpeningUpdatePayload:
    """The shop's hours and pause as they are kept; whether it is open is a question of the time."""
    kept = decode(change.after)
    return {
        "id": event_id,
        "seq": change.seq,
        "version": change.version,
        "at": change.at,
        "hours": kept["hours"],
        "paused": kept["paused"],
        "pausedUntil": kept["pausedUntil"],
        "pauseReason": kept["pauseReason"],
    }


def notification(change: Change, made: dict[str, Any], event_id: str) -> NotificationPayload:
    """The rendered notification, as in the list; ``notificationId`` is the id to mark as read."""
    text = render(NotificationKind(made["kind"]), made["data"], made["orderId"])
    return {
        "id": event_id,
        "seq": change.seq,
        "version": change.version,
        "at": change.at,
        "notificationId": change.entity_id,
        "title": text.title,
        "text": text.text,
        "titleBn": text.title_bn,
        "textBn": text.text_bn,
        "link": text.link,
        "severity": made["severity"],
        "orderId": made["orderId"],
    }


def message(change: Change, document: dict[str, Any]) -> MessagePayload:
    """The message as the API returns it to everybody, so without the name of the staff member."""
    participant = document["participant"]
    return {
        "id": document["id"],
        "seq": change.seq,
        "version": change.version,
        "at": change.at,
        "conversationId": change.entity_id,
        "position": _whole_number(document["position"]),
        "clientId": document["clientId"],
        "sender": {"participant": participant, "role": role_of(participant)},
        "text": document["text"],
        "attachments": document["attachments"],
        "createdAt": document["createdAt"],
        "editedAt": document["editedAt"],
        "deletedAt": document["deletedAt"],
    }


def seen(change: Change, document: dict[str, Any], event_id: str) -> SeenPayload:
    """A participant's read position; `version` is that position, which never falls."""
    participant = document["participant"]
    return {
        "id": event_id,
        "seq": change.seq,
        "version": change.version,
        "at": change.at,
        "conversationId": change.entity_id,
        "participant": participant,
        "role": role_of(participant),
        "delivered": _whole_number(document["delivered"]),
        "seen": _whole_number(document["seen"]),
        "unread": _whole_number(document["unread"]),
    }


def _whole_number(value: Any) -> int:
    if type(value) is not int:
        raise UnroutableRow("its position is none")
    return value


def order_unseen(change: Change, event_id: str) -> OrderUnseenPayload:
    """An order that staff have not opened for a while, and the escalation step."""
    return {**_unseen(change, event_id), "orderId": change.entity_id}


def booking_unseen(change: Change, event_id: str) -> BookingUnseenPayload:
    """As `order_unseen`, for a booking."""
    return {**_unseen(change, event_id), "bookingId": change.entity_id}


def _unseen(change: Change, event_id: str) -> UnseenPayload:
    document = msgspec.convert(decode(change.after), _Unseen)
    return {
        "id": event_id,
        "seq": change.seq,
        "version": change.version,
        "at": change.at,
        "number": document.number,
        "step": document.step,
        "committedAt": document.committed_at,
        "sentAt": document.sent_at,
        "receivedAt": document.received_at,
    }


class _Unseen(msgspec.Struct, rename="camel"):
    number: int
    step: NoticeStep
    committed_at: str
    sent_at: str | None
    received_at: str | None


def _stamp(change: OrderChange) -> OrderStamped:
    """The fields of every durable event: id, position in the feed, the order's version."""
    return {
        "id": change.event_id,
        "seq": change.change.seq,
        "orderId": change.after["id"],
        "number": change.after["number"],
        "version": change.change.version,
        "at": change.change.at,
    }
