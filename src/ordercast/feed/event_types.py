"""Types of the events' payloads: which fields each has, and which of them may be null.

TypedDicts, because payloads are encoded as they are: a Struct would be made for each event only to be taken apart. The
AsyncAPI document is made of them, and the client's types of that: a type's docstring, and the strings under its fields,
are what people read there. `event_examples` has an example of each event.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypedDict

from ordercast.commerce.catalogue import Product
from ordercast.commerce.notice import NoticeStep
from ordercast.commerce.notifications import Severity
from ordercast.commerce.orders import Order
from ordercast.commerce.reconciliation import MismatchKind
from ordercast.commerce.states import Fulfilment, OrderStatus, PaymentStatus
from ordercast.commerce.stats import Stats


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


class WholeOrder(Order, frozen=True, kw_only=True, rename="camel"):
    """The order as ``GET /api/orders/{id}`` answers it, and its place in the feed."""

    seq: int
    """Its place in the feed."""


class NewOrderPayloadOrder(TypedDict):
    """As much of an order as such a page shows."""

    id: str
    status: PaymentStatus
    """The payment's, ``paid`` once paid."""
    total: int | None
    customerName: str | None
    """Who ordered."""
    createdAt: str
    mobile: str | None
    customer_email: str | None
    """The address that was typed."""


class NewOrderPayload(TypedDict):
    """Exactly what the web shops' admin pages read."""

    type: Literal["new_order"]
    order: NewOrderPayloadOrder


class OrderStatusUpdatedPayload(OrderStamped):
    """An order has moved along its status flow."""

    oldStatus: OrderStatus
    """The state before."""
    newStatus: OrderStatus
    """The state after."""
    paymentStatus: PaymentStatus
    actor: str
    """Who moved it: a role and an id; to the buyer, a role."""
    reason: str | None


class PaymentUpdatePayload(Stamped):
    """The state of the payment of an order, or of a booking, has changed, or one of its sums."""

    orderId: NotRequired[str]
    """The order that is paid for."""
    bookingId: NotRequired[str]
    """The booking that is paid for."""
    number: int
    oldPaymentStatus: PaymentStatus
    """The payment's state before."""
    newPaymentStatus: PaymentStatus
    """The payment's state after."""
    total: int | None
    currency: str
    amountPaid: int
    """What has been captured, or handed over, in minor units."""
    amountRefunded: int
    amountRefunding: int
    """Promised back, and not confirmed by the payment provider yet."""


class PaymentMismatchPayload(Stamped):
    """The payment provider's books differ from the shop's: a card for the board, told again once it is resolved."""

    mismatchId: str
    """What to resolve it by."""
    orderId: str | None
    """The order that it is about, unless it is a booking."""
    bookingId: str | None
    """The booking that it is about, unless it is an order."""
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
    """What the buyer may see of a change of their order, with a sentence for people."""

    status: OrderStatus
    paymentStatus: PaymentStatus
    fulfilment: Fulfilment
    title: str
    text: str


class DeliveryDriver(TypedDict):
    """Who brings an order."""

    id: str
    name: NotRequired[str | None]


class DeliveryPosition(TypedDict):
    """Where a driver was, in degrees of WGS 84."""

    lat: float
    lng: float
    accuracy: NotRequired[float | None]
    at: str
    """When they were there (RFC 3339, UTC)."""


class DeliveryUpdatePayload(TypedDict):
    """A stage of a delivery. While the goods are on their way it also comes without an offset, as where the driver is
    at this moment: that form has no `id`, `seq`, `version`, `at` and `attempts`, and is never replayed.
    """

    id: NotRequired[str]
    """The event's own, unique."""
    seq: NotRequired[int]
    """Its place in the feed."""
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
    """When it should be there, by an estimate (RFC 3339, UTC)."""


class NewBookingPayload(Stamped):
    """Beside what a booking back end publishes under this name (`POST /emit-booking`): `bookingId` and `userId` stand
    in both.
    """

    bookingId: str
    number: int
    userId: str | None
    """The customer's; None to guests and carers."""
    status: str
    paymentStatus: str
    serviceId: str
    serviceName: str
    startsAt: str
    endsAt: str
    carerId: str
    carerName: str | None
    customerName: str | None
    """To a guest no more than hinted at."""
    total: int
    currency: str
    booking: Any
    """The whole booking, as the API answers it to the one who hears this."""


class BookingUpdatePayload(NewBookingPayload):
    """The booking as it has come to be, and what of it was otherwise before."""

    kind: str
    """``status_changed``, ``rescheduled``, ``payment_changed``, ``changed`` or ``imported``."""
    oldStatus: str | None
    """What it was before; null of what was imported."""
    oldPaymentStatus: str | None
    """What it was before; null of what was imported."""
    oldStartsAt: str | None
    """When it had been; null of what was imported."""
    oldCarerId: str | None
    """Who had it; null of what was imported."""
    actor: str
    """To customers and carers, a role."""
    reason: str | None


class ProductUpdatePayload(Stamped):
    """A product was edited; or its last piece went, or one came back."""

    productId: str
    actor: str
    reason: str | None
    before: Product | None
    """The product as it stood; null for a new one."""
    product: Product
    """The product as it has come to stand."""


class NotificationPayload(Stamped):
    """A word to somebody, kept until it is read."""

    notificationId: str
    """What to mark as seen."""
    title: str
    text: str
    titleBn: str
    textBn: str
    link: str
    severity: Severity
    orderId: str | None


class MessageSender(TypedDict):
    """As which participant of a conversation somebody wrote."""

    participant: str
    """``store``, ``customer``, or a role and an id: ``driver:drv_...``."""
    role: str


class MessagePayload(Stamped):
    """A message of a conversation, as the API answers it: `id` and `version` are its own."""

    conversationId: str
    position: int
    """Its place in the conversation, counted from one without a gap."""
    clientId: str | None
    sender: MessageSender
    text: str
    attachments: list[Any]
    createdAt: str
    editedAt: str | None
    deletedAt: str | None
    """Where it is not null, the text is empty."""


class UnseenPayload(Stamped):
    """Nobody of the shop has opened it for a while: what is done about it with this event, each step once."""

    number: int
    """What people call it by."""
    step: NoticeStep
    """The board rings louder, the shop is notified, mailed, or nothing beside this event, for its own systems."""
    committedAt: str
    """The moment on it (RFC 3339, UTC)."""
    sentAt: str | None
    """When it was first written to a socket of the shop's people; null where none was there."""
    receivedAt: str | None
    """When a screen first said that it had painted it."""


class OrderUnseenPayload(UnseenPayload):
    """Nobody of the shop has opened an order for a while: what is done about it with this event, each step once."""

    orderId: str


class BookingUnseenPayload(UnseenPayload):
    """Nobody of the shop has opened a booking for a while: what is done about it with this event, each step once."""

    bookingId: str


class SeenPayload(Stamped):
    """A participant has read further, or has had more messages on a screen: neither ever goes back."""

    conversationId: str
    participant: str
    """``store``, ``customer``, or a role and an id: ``driver:drv_...``."""
    role: str
    delivered: int
    """Up to which position messages came to a screen of theirs."""
    seen: int
    """Up to which position they have read."""
    unread: int
    """How many of the others' messages lie behind that."""


# --- Fleeting ---------------------------------------------------------------------------------------------------------


class PresentParticipant(TypedDict):
    """Who speaks in a conversation, and is there."""

    participant: str
    """``store``, ``customer``, or a role and an id."""
    role: str
    people: int
    """How many people are behind it: two of the shop's clerks, or the customer and whoever has the guest's link."""


class ParticipantsPayload(TypedDict):
    """Who has a conversation open; the newest is how it is."""

    conversationId: str
    participants: list[PresentParticipant] | None
    """Who is present; null where there are too many to be named."""
    count: int
    """How many participants are present."""
    joined: list[str] | None
    """Who came since the event before."""
    left: list[str] | None
    """Who went since the event before."""


class TypingPayload(TypedDict):
    """Somebody is typing in a conversation, or has stopped."""

    conversationId: str
    participant: str
    """Who: ``store``, ``customer``, or a role and an id."""
    role: str
    typing: bool
    """False: has stopped."""
    expiresInSeconds: float
    """For how long it is good: whoever hears nothing more goes by it no longer."""


# --- Of one socket ----------------------------------------------------------------------------------------------------


class ResyncPayload(TypedDict):
    """What was missed cannot be replayed: fetch anew what is on the screen."""

    reason: str
    """A word for programs; the reference of events lists them."""


class ReadyPayload(TypedDict):
    """After each CONNECT of a socket with a token: what it missed has been told, and what is new follows."""

    position: str
    """Where the feed stands: what is fetched later than this is complete."""
    identity: str
    """As whom the server knows this socket."""


class WatchingPayload(TypedDict):
    """A watch by `watch_order` or `watch_conversation` has begun."""

    orderId: NotRequired[str]
    conversationId: NotRequired[str]
    position: str
    """The position of the snapshot, behind which changes follow."""


class AuthExpiringPayload(TypedDict):
    """The socket's token expires soon: send `auth_refresh`."""

    expiresAt: int | float | None
    """Seconds since 1970."""
    expiresInSeconds: int
    """How much is left of it."""


class AuthIgnoredPayload(TypedDict):
    """A token was offered where none is read, and this socket is nobody's."""

    code: Literal["token_not_read"]
    place: str
    """Where it was offered."""
    message: str
    """A sentence that says where tokens are read."""


class AuthExpiredPayload(TypedDict):
    """The socket's token has expired; it is disconnected next."""

    code: Literal["token_expired"]
    message: str
    """A sentence for people."""


class AuthRevokedPayload(TypedDict):
    """The socket's token was revoked; it is disconnected next."""

    code: Literal["token_revoked"]
    message: str
    """A sentence for people."""


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
    "notification": NotificationPayload,
    "order_unseen": OrderUnseenPayload,
    "booking_unseen": BookingUnseenPayload,
    "stats": Stats,
    "message": MessagePayload,
    "message_update": MessagePayload,
    "seen": SeenPayload,
    "participants": ParticipantsPayload,
    "typing": TypingPayload,
    "resync": ResyncPayload,
    "ready": ReadyPayload,
    "watching": WatchingPayload,
    "auth_expiring": AuthExpiringPayload,
    "auth_ignored": AuthIgnoredPayload,
    "auth_expired": AuthExpiredPayload,
    "auth_revoked": AuthRevokedPayload,
}
"""By the event's name; of several, where it is one of them."""

TEXTS: Final = {
    "new_order": "An order was placed: the small notice that existing dashboards read.",
    "newOrder": "An order was placed: the whole order.",
    "order_update": "Something else of an order than its two states was changed, such as its address: the whole order.",
    "new_booking": "A booking was made here; or a back end told of one of its own, by any object.",
    "booking_update": "A booking was moved, paid or changed here; or a back end told of one of its own, by any object.",
    "message": "A message was written: as the API answers it, under its own `id`.",
    "message_update": "A message was edited or deleted: as it stands now, under a higher `version`.",
    "stats": "Today's figures, as ``GET /api/stats`` answers them: soon after each change of them.",
}
"""What an event says, where its type's docstring does not."""
