"""Types of the events' payloads: which fields each has, and which of them may be null.

TypedDicts, because payloads are encoded as they are: a Struct would be made for each event only to be taken apart. The
client's ``events.ts`` and the reference of events are held against them by a test.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypedDict


class Stamped(TypedDict):
    """What every durable event carries that is not exactly prescribed."""

    id: str
    """The event's own, unique."""
    seq: int
    """Its place in the feed."""
    version: int
    """Of what changed."""
    at: str


class OrderStamped(Stamped):
    orderId: str
    number: int


class NewOrderPayloadOrder(TypedDict):
    id: str
    status: str
    """The payment's, ``paid`` once paid."""
    total: int | None
    customerName: str | None
    createdAt: str
    mobile: str | None
    customer_email: str | None


class NewOrderPayload(TypedDict):
    """Exactly what the web shops' admin pages read."""

    type: Literal["new_order"]
    order: NewOrderPayloadOrder


class OrderStatusUpdatedPayload(OrderStamped):
    oldStatus: str
    newStatus: str
    paymentStatus: str
    actor: str
    """To the buyer, a role."""
    reason: str | None


class PaymentUpdatePayload(OrderStamped):
    oldPaymentStatus: str
    newPaymentStatus: str
    total: int | None
    currency: str
    amountPaid: int
    amountRefunded: int
    amountRefunding: int


class PaymentMismatchPayload(Stamped):
    mismatchId: str
    orderId: str
    provider: str
    reference: str | None
    kind: str
    ours: int | str | bool | None
    theirs: int | str | bool | None
    text: str
    createdAt: str
    resolvedAt: str | None
    resolvedBy: str | None
    note: str | None


class CustomerOrderUpdatePayload(OrderStamped):
    status: str
    paymentStatus: str
    fulfilment: str
    title: str
    text: str


class DeliveryUpdatePayload(OrderStamped):
    stage: str
    driver: dict[str, Any] | None
    attempts: int
    position: dict[str, Any] | None
    eta: str | None


class ProductUpdatePayload(Stamped):
    productId: str
    actor: str
    reason: str | None
    before: Any
    """None for a new product."""
    product: Any


class NotificationPayload(Stamped):
    notificationId: str
    title: str
    text: str
    titleBn: str
    textBn: str
    link: str
    severity: str
    orderId: str | None


class ResyncPayload(TypedDict):
    reason: str


PAYLOADS: Final = {
    "new_order": NewOrderPayload,
    "orderStatusUpdated": OrderStatusUpdatedPayload,
    "payment_update": PaymentUpdatePayload,
    "payment_mismatch": PaymentMismatchPayload,
    "customer_order_update": CustomerOrderUpdatePayload,
    "delivery_update": DeliveryUpdatePayload,
    "product_update": ProductUpdatePayload,
    "notification": NotificationPayload,
    "resync": ResyncPayload,
}
"""By the event's name. `newOrder` and `order_update` are the whole order, as the API answers it."""
