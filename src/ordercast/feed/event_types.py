"""The payload types of events: their fields, and which of them are nullable.

TypedDicts, as payloads are encoded as they are: a Struct would be built only to be encoded. The AsyncAPI document and
the client's types are generated from them, docstrings and field texts included. `event_examples` has an example of
each.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypedDict

from ordercast.commerce.catalogue import Availability, Product
from ordercast.commerce.notice import NoticeStep
from ordercast.commerce.notifications import Severity
from ordercast.commerce.orders import Order
from ordercast.commerce.reconciliation import MismatchKind
from ordercast.commerce.slots import WeekHours
from ordercast.commerce.states import Fulfilment, OrderStatus, PaymentStatus
from ordercast.commerce.stats import Stats


class Stamped(TypedDict):
    """The fields of every durable event whose form is not prescribed."""

    id: str
    """The event's unique id."""
    seq: int
    """Its position in the feed."""
    version: int
    """The version of what changed."""
    at: str


class OrderStamped(Stamped):
    orderId: str
    number: int


class WholeOrder(Order, frozen=True, kw_only=True, rename="camel"):
    """The order as ``GET /api/orders/{id}`` returns it, and its position in the feed."""

    seq: int
    """Its position in the feed."""


class NewOrderPayloadOrder(TypedDict):
    """The part of an order that such a page shows."""

    id: str
    status: PaymentStatus
    """The payment's status, ``paid`` once paid."""
    total: int | None
    customerName: str | None
    """The customer's name."""
    createdAt: str
    mobile: str | None
    customer_email: str | None
    """The mail address that the customer entered."""


class NewOrderPayload(TypedDict):
    """Exactly the form that web shops' admin pages read."""

    type: Literal["new_order"]
    order: NewOrderPayloadOrder


class OrderStatusUpdatedPayload(OrderStamped):
    """An order's status changed."""

    oldStatus: OrderStatus
    """The former status."""
    newStatus: OrderStatus
    """The new status."""
    paymentStatus: PaymentStatus
    promisedAt: NotRequired[str | None]
    actor: str
    """The actor: a role and an id; for the buyer, a role."""
    reason: str | None


class PaymentUpdatePayload(Stamped):
    """The payment of an order or booking changed its status or one of its sums."""

    orderId: NotRequired[str]
    """The order that is paid for."""
    bookingId: NotRequired[str]
    """The booking that is paid for."""
    number: int
    oldPaymentStatus: PaymentStatus
    """The former payment status."""
    newPaymentStatus: PaymentStatus
    """The new payment status."""
    total: int | None
    currency: str
    amountPaid: int
    """Captured or handed over so far, in minor units."""
    amountRefunded: int
    amountRefunding: int
    """Being refunded, not yet confirmed by the provider."""


class PaymentMismatchPayload(Stamped):
    """The provider's records differ from the shop's: a card for the board, sent again once it is resolved."""

    mismatchId: str
    """The id to resolve it by."""
    orderId: str | None
    """The order, unless it is a booking."""
    bookingId: str | None
    """The booking, unless it is an order."""
    provider: str
    reference: str | None
    kind: MismatchKind
    ours: int | str | bool | None
    theirs: int | str | bool | None
    text: str
    createdAt: str
    resolvedAt: str | None
    resolvedBy: str | None
    note: str | None


class CustomerOrderUpdatePayload(OrderStamped):
    """A change of an order as the buyer may see it, with a sentence to show."""

    status: OrderStatus
    paymentStatus: PaymentStatus
    fulfilment: Fulfilment
    promisedAt: NotRequired[str | None]
    title: str
    text: str


class DeliveryDriver(TypedDict):
    """The driver of an order."""

    id: str
    name: NotRequired[str | None]


class DeliveryPosition(TypedDict):
    """A driver's position in degrees (WGS 84)."""

    lat: float
    lng: float
    accuracy: NotRequired[float | None]
    at: str
    """The time of the position (RFC 3339, UTC)."""


class DeliveryUpdatePayload(TypedDict):
    """A stage of a delivery. While it is under way, the same event without `id`, `seq`, `version`, `at` and `attempts`
    carries the driver's position; that form has no offset and is never replayed.
    """

    id: NotRequired[str]
    """The event's unique id."""
    seq: NotRequired[int]
    """Its position in the feed."""
    version: NotRequired[int]
    """The order's."""
    at: NotRequired[str]
    orderId: str
    number: int
    stage: OrderStatus
    """The order's status."""
    driver: DeliveryDriver | None
    attempts: NotRequired[int]
    position: DeliveryPosition | None
    eta: str | None
    """The estimated time of arrival (RFC 3339, UTC)."""


class NewBookingPayload(Stamped):
    """A new booking. Booking back ends publish their own form under this name too (`POST /emit-booking`): `bookingId`
    and `userId` are in both.
    """

    bookingId: str
    number: int
    userId: str | None
    """The customer's id; null for guests and carers."""
    status: str
    paymentStatus: str
    serviceId: str
    serviceName: str
    startsAt: str
    endsAt: str
    carerId: str
    carerName: str | None
    customerName: str | None
    """Masked for guests."""
    total: int
    currency: str
    booking: Any
    """The booking as the API returns it to this recipient."""


class BookingUpdatePayload(NewBookingPayload):
    """The changed booking, and the former values."""

    kind: str
    """``status_changed``, ``rescheduled``, ``payment_changed``, ``changed`` or ``imported``."""
    oldStatus: str | None
    """The former value; null for imported bookings."""
    oldPaymentStatus: str | None
    """The former value; null for imported bookings."""
    oldStartsAt: str | None
    """The former time; null for imported bookings."""
    oldCarerId: str | None
    """The former carer; null for imported bookings."""
    actor: str
    """A role only for customers and carers."""
    reason: str | None


class ProductUpdatePayload(Stamped):
    """A product was edited, sold out, or is available again."""

    productId: str
    actor: str
    reason: str | None
    before: Product | None
    """The former product; null for a new one."""
    product: Product
    """The changed product."""


class AvailabilityUpdatePayload(Stamped):
    """A product can be had again, or not any more, or is described or priced otherwise: for buyers."""

    productId: str
    availability: Availability
    """Whether it can be had, and whether few are left; how many is not told."""
    soldOutUntil: str | None
    """When the shop has said that it is sold out until then."""


class OpeningUpdatePayload(Stamped):
    """The shop was paused or resumed, or has other hours: for buyers."""

    hours: WeekHours | None
    """By the shop's clock; null for a shop that is always open."""
    paused: bool
    """Whether somebody paused it; the pause is over at `pausedUntil`."""
    pausedUntil: str | None
    """When the pause ends; null for until somebody resumes."""
    pauseReason: str | None
    """For buyers."""


class ShopUpdatePayload(OpeningUpdatePayload):
    """The shop was paused or resumed, or has other hours."""

    actor: str


class NotificationPayload(Stamped):
    """A notification, kept until it is read."""

    notificationId: str
    """The id to mark as read."""
    title: str
    text: str
    titleBn: str
    textBn: str
    link: str
    severity: Severity
    orderId: str | None


class MessageSender(TypedDict):
    """The sender of a message."""

    participant: str
    """The participant: ``store``, ``customer``, or a role and an id, as ``driver:drv_...``."""
    role: str


class MessagePayload(Stamped):
    """A message, as the API returns it; `id` and `version` are the message's."""

    conversationId: str
    position: int
    """Its position in the conversation, counted from one without gaps."""
    clientId: str | None
    sender: MessageSender
    text: str
    attachments: list[Any]
    createdAt: str
    editedAt: str | None
    deletedAt: str | None
    """When it was deleted; the text is empty then."""


class UnseenPayload(Stamped):
    """Staff have not opened it for a while; each escalation step is one event."""

    number: int
    """The number that people use."""
    step: NoticeStep
    """The step: the board rings louder, staff are notified or mailed, or only this event is sent, for the shop's
    systems.
    """
    committedAt: str
    """Its time (RFC 3339, UTC)."""
    sentAt: str | None
    """When it was first written to a staff socket; null if none was connected."""
    receivedAt: str | None
    """When a screen first painted it."""


class OrderUnseenPayload(UnseenPayload):
    """Staff have not opened an order for a while; each escalation step is one event."""

    orderId: str


class BookingUnseenPayload(UnseenPayload):
    """Staff have not opened a booking for a while; each escalation step is one event."""

    bookingId: str


class SeenPayload(Stamped):
    """A participant received or read more messages; neither position goes back."""

    conversationId: str
    participant: str
    """The participant: ``store``, ``customer``, or a role and an id, as ``driver:drv_...``."""
    role: str
    delivered: int
    """The position of the last message on one of their screens."""
    seen: int
    """The position of the last message they have read."""
    unread: int
    """The number of others' messages after that."""


# --- Fleeting ---------------------------------------------------------------------------------------------------------


class PresentParticipant(TypedDict):
    """A present participant."""

    participant: str
    """The participant: ``store``, ``customer``, or a role and an id."""
    role: str
    people: int
    """The number of people behind it: two clerks of the shop, or the customer and a guest with the link."""


class ParticipantsPayload(TypedDict):
    """Who is present in a conversation; the newest event is the state."""

    conversationId: str
    participants: list[PresentParticipant] | None
    """The present participants; null if they are too many."""
    count: int
    """The number of present participants."""
    joined: list[str] | None
    """Who came since the last event."""
    left: list[str] | None
    """Who left since the last event."""


class TypingPayload(TypedDict):
    """A participant types, or has stopped."""

    conversationId: str
    participant: str
    """The participant: ``store``, ``customer``, or a role and an id."""
    role: str
    typing: bool
    """False: stopped."""
    expiresInSeconds: float
    """Treat it as stopped after so long without another event."""


# --- Of one socket ----------------------------------------------------------------------------------------------------


class ResyncPayload(TypedDict):
    """Missed events cannot be replayed: reload what is on the screen."""

    reason: str
    """A code; the reference of events lists them."""


class ReadyPayload(TypedDict):
    """Sent after each CONNECT with a token: the replay is complete, and new events follow."""

    position: str
    """The feed's position: what is fetched after this is complete."""
    identity: str
    """The identity of this socket."""


class RowPayload(TypedDict):
    """The fields of the events of watched tables."""

    id: str
    """The event's unique id."""
    seq: int
    """Its position in the feed."""
    at: str
    watch: str
    """The watch that it is of, as `watch` answered."""
    table: str
    """The table, as it was asked for."""
    rowId: str
    """A text that no other row of the table has: its key."""
    key: dict[str, Any]
    """The key's columns."""


class RowEnteredPayload(RowPayload):
    """A row is new among those that are watched: it was inserted, or came to be one of them."""

    row: Any
    """What the mapping file tells of it."""


class RowChangedPayload(RowPayload):
    """A row that is watched was changed, and is still one of them."""

    row: Any
    """What the mapping file tells of it, as it is now."""


class RowLeftPayload(RowPayload):
    """A row is no longer among those that are watched: it was deleted, or is another's or otherwise now."""


class WatchingPayload(TypedDict):
    """A watch by `watch_order`, `watch_conversation` or `watch` began, or a room was joined by `join_room`
    or `watch_shop`.
    """

    orderId: NotRequired[str]
    conversationId: NotRequired[str]
    room: NotRequired[str]
    """The room that was joined."""
    watch: NotRequired[str]
    """Of rows of a table: what their events say they are of."""
    table: NotRequired[str]
    """The table of those."""
    position: str
    """The position of the snapshot; later changes follow."""


class RoomLeftPayload(TypedDict):
    """The socket is in a room no more that it had joined by `join_room`."""

    room: str
    """The room that it left."""
    reason: Literal["not_allowed", "unanswered"]
    """The room's rule says no now, or it could not be asked for too long."""
    message: str
    """A sentence to show."""


class AuthExpiringPayload(TypedDict):
    """The socket's token expires soon: send `auth_refresh`."""

    expiresAt: int | float | None
    """Seconds since 1970."""
    expiresInSeconds: int
    """The remaining seconds."""


class AuthIgnoredPayload(TypedDict):
    """The handshake has a token in a place that is not read, so this socket has no identity."""

    code: Literal["token_not_read"]
    place: str
    """The place of the token."""
    message: str
    """Where tokens are read."""


class AuthExpiredPayload(TypedDict):
    """The socket's token has expired; it is disconnected next."""

    code: Literal["token_expired"]
    message: str
    """A sentence to show."""


class AuthRevokedPayload(TypedDict):
    """The socket's token was revoked; it is disconnected next."""

    code: Literal["token_revoked"]
    message: str
    """A sentence to show."""


PAYLOADS: Final[dict[str, Any]] = {
    "new_order": NewOrderPayload,
    "newOrder": WholeOrder,
    "order_update": WholeOrder,
    "orderStatusUpdated": OrderStatusUpdatedPayload,
    "payment_update": PaymentUpdatePayload,
    "payment_mismatch": PaymentMismatchPayload,
    "customer_order_update": CustomerOrderUpdatePayload,
    "delivery_update": DeliveryUpdatePayload,
    "new_booking": (NewBookingPayload, dict[str, Any]),
    "booking_update": (BookingUpdatePayload, dict[str, Any]),
    "product_update": ProductUpdatePayload,
    "shop_update": ShopUpdatePayload,
    "availability_update": AvailabilityUpdatePayload,
    "opening_update": OpeningUpdatePayload,
    "notification": NotificationPayload,
    "order_unseen": OrderUnseenPayload,
    "booking_unseen": BookingUnseenPayload,
    "stats": Stats,
    "message": MessagePayload,
    "message_update": MessagePayload,
    "seen": SeenPayload,
    "participants": ParticipantsPayload,
    "typing": TypingPayload,
    "row_entered": RowEnteredPayload,
    "row_changed": RowChangedPayload,
    "row_left": RowLeftPayload,
    "resync": ResyncPayload,
    "ready": ReadyPayload,
    "watching": WatchingPayload,
    "room_left": RoomLeftPayload,
    "auth_expiring": AuthExpiringPayload,
    "auth_ignored": AuthIgnoredPayload,
    "auth_expired": AuthExpiredPayload,
    "auth_revoked": AuthRevokedPayload,
}
"""Payload types by event name; a union if there are several."""

TEXTS: Final = {
    "new_order": "An order was placed: the small notice that existing dashboards read.",
    "newOrder": "An order was placed: the whole order.",
    "order_update": "Something else of an order than its two states was changed, such as its address: the whole order.",
    "new_booking": "A booking was made here; or a back end published one of its own, as any object.",
    "booking_update": "A booking was moved, paid or changed here; or a back end published its own, as any object.",
    "message": "A message was written: as the API answers it, under its own `id`.",
    "message_update": "A message was edited or deleted: as it stands now, under a higher `version`.",
    "stats": "Today's figures, as ``GET /api/stats`` answers them: soon after each change of them.",
}
"""Descriptions of events whose type has none."""
