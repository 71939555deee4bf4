"""Notifications for buyers, staff and drivers, kept until they are read.

A notification is stored as its kind and the data of that kind, and rendered when it is shown: so a database trigger can
write one, and a corrected sentence is corrected everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, assert_never

from . import sentences
from .letters import Language
from .people import STAFF, Actor, Role

SHOP: Final = "store"
"""The recipient of notifications for all staff; any other recipient is a user's id."""
GUEST_PREFIX: Final = "guest:"
"""Prefix of an order's id: the recipient of notifications for its guest, who has contact points but no list."""


class NotificationKind(StrEnum):
    ORDER_STATUS = "order_status"
    NEW_ORDERS = "new_orders"
    ORDERS_UNSEEN = "orders_unseen"
    """Not opened by staff for a while."""
    BOOKINGS_UNSEEN = "bookings_unseen"
    ORDER_CANCELLED = "order_cancelled"
    """Cancelled by its buyer."""
    PAYMENT_TROUBLE = "payment_trouble"
    DELIVERY_TROUBLE = "delivery_trouble"
    WEBHOOK_FAILED = "webhook_failed"
    """A payment provider's webhook that failed permanently."""
    BOOKING_REMINDER = "booking_reminder"
    """Begins soon; for its customer and its carer."""
    BOOKING_STATUS = "booking_status"
    """For its customer, and its carer if it was cancelled."""
    BOOKING_MOVED = "booking_moved"
    """Rescheduled; for its customer and its carer."""
    BOOKING_CANCELLED = "booking_cancelled"
    """Cancelled by its customer."""
    BOOKING_ASSIGNED = "booking_assigned"
    """For the carer who is assigned now."""
    BOOKING_TAKEN_BACK = "booking_taken_back"
    """For the carer who was assigned before."""
    ASSIGNED = "assigned"
    UNASSIGNED = "unassigned"
    WEBHOOK_DISABLED = "webhook_disabled"
    """Deliveries to one of the shop's webhook endpoints were switched off."""


class Topic(StrEnum):
    """What users subscribe to or mute."""

    ORDERS = "orders"
    DELIVERIES = "deliveries"
    PAYMENTS = "payments"
    BOOKINGS = "bookings"
    CHAT = "chat"
    REMINDERS = "reminders"
    SHOP = "shop"
    """For staff: what needs their attention."""


def topic_of(kind: NotificationKind) -> Topic:
    """The topic under which users subscribe to or mute this kind."""
    match kind:
        case NotificationKind.ORDER_STATUS:
            return Topic.ORDERS
        case NotificationKind.DELIVERY_TROUBLE | NotificationKind.ASSIGNED | NotificationKind.UNASSIGNED:
            return Topic.DELIVERIES
        case NotificationKind.PAYMENT_TROUBLE | NotificationKind.WEBHOOK_FAILED:
            return Topic.PAYMENTS
        case (
            NotificationKind.BOOKING_STATUS
            | NotificationKind.BOOKING_MOVED
            | NotificationKind.BOOKING_ASSIGNED
            | NotificationKind.BOOKING_TAKEN_BACK
        ):
            return Topic.BOOKINGS
        case NotificationKind.BOOKING_REMINDER:
            return Topic.REMINDERS
        case (
            NotificationKind.NEW_ORDERS
            | NotificationKind.ORDERS_UNSEEN
            | NotificationKind.ORDER_CANCELLED
            | NotificationKind.BOOKINGS_UNSEEN
            | NotificationKind.BOOKING_CANCELLED
            | NotificationKind.WEBHOOK_DISABLED
        ):
            return Topic.SHOP
        case _:
            assert_never(kind)


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class NotificationText:
    """A rendered notification: a title and a sentence, in English and Bengali, and the path of its page."""

    title: str
    text: str
    title_bn: str
    text_bn: str
    link: str

    def in_language(self, language: Language) -> tuple[str, str]:
        """Return the title and the sentence."""
        return (self.title_bn, self.text_bn) if language is Language.BENGALI else (self.title, self.text)


_Text = tuple[str, str]

# Title and sentence, in English and Bengali.
_TEXTS: Final[dict[NotificationKind, tuple[_Text, _Text]]] = {
    NotificationKind.ORDER_CANCELLED: (
        ("Cancelled by the buyer", "Order {number} was cancelled by its buyer."),
        ("ক্রেতা বাতিল করেছেন", "ক্রেতা অর্ডার {number} বাতিল করেছেন।"),
    ),
    NotificationKind.PAYMENT_TROUBLE: (
        ("Payment trouble", "The payment of order {number} is now {paymentStatus}."),
        ("পেমেন্টে সমস্যা", "অর্ডার {number}-এর পেমেন্টে সমস্যা হয়েছে।"),
    ),
    NotificationKind.DELIVERY_TROUBLE: (
        ("Delivery failed", "Order {number} could not be delivered (attempt {attempts})."),
        ("ডেলিভারি ব্যর্থ", "অর্ডার {number} পৌঁছানো যায়নি (চেষ্টা {attempts})।"),
    ),
    NotificationKind.WEBHOOK_FAILED: (
        (
            "A payment message had no effect",
            "{provider}'s message {eventId} ({type}) could not be taken in: see why, and try it again ({webhookId}).",
        ),
        (
            "পেমেন্টের একটি বার্তা কাজে লাগেনি",
            "{provider}-এর বার্তা {eventId} ({type}) নেওয়া যায়নি: কারণ দেখুন, এবং আবার চেষ্টা করুন ({webhookId})।",
        ),
    ),
    NotificationKind.ASSIGNED: (
        ("A delivery for you", "Order {number} waits for you at the shop."),
        ("আপনার জন্য ডেলিভারি", "অর্ডার {number} দোকানে আপনার অপেক্ষায়।"),
    ),
    NotificationKind.BOOKING_REMINDER: (
        ("A booking begins soon", "Booking {number}, {service}: {when}."),
        ("বুকিং শুরু হতে যাচ্ছে", "বুকিং {number}, {serviceBn}: {whenBn}।"),
    ),
    NotificationKind.BOOKING_MOVED: (
        ("Booking at another time", "Booking {number} was moved to another time."),
        ("বুকিংয়ের সময় বদলেছে", "বুকিং {number} অন্য সময়ে নেওয়া হয়েছে।"),
    ),
    NotificationKind.BOOKING_CANCELLED: (
        ("Cancelled by the customer", "Booking {number} was cancelled by its customer."),
        ("গ্রাহক বাতিল করেছেন", "গ্রাহক বুকিং {number} বাতিল করেছেন।"),
    ),
    NotificationKind.BOOKING_ASSIGNED: (
        ("A booking for you", "Booking {number} is yours."),
        ("আপনার জন্য বুকিং", "বুকিং {number} আপনার।"),
    ),
    NotificationKind.BOOKING_TAKEN_BACK: (
        ("No longer yours", "Booking {number} was given to somebody else."),
        ("আর আপনার নয়", "বুকিং {number} অন্য কাউকে দেওয়া হয়েছে।"),
    ),
    NotificationKind.WEBHOOK_DISABLED: (
        ("Webhook switched off", "Nothing is sent to {place} any more: it has failed for too long, or wants no more."),
        ("ওয়েবহুক বন্ধ হয়েছে", "{place}-এ আর কিছু পাঠানো হচ্ছে না: অনেকক্ষণ ধরে ব্যর্থ হয়েছে, অথবা আর নিতে চায় না।"),
    ),
    NotificationKind.UNASSIGNED: (
        ("No longer yours", "Order {number} was taken back; you need not deliver it."),
        ("আর আপনার নয়", "অর্ডার {number} ফেরত নেওয়া হয়েছে; এটি পৌঁছাতে হবে না।"),
    ),
}
_BOOKING_PAYMENT: Final[tuple[_Text, _Text]] = (
    ("Payment trouble", "The payment of booking {number} is now {paymentStatus}."),
    ("পেমেন্টে সমস্যা", "বুকিং {number}-এর পেমেন্টে সমস্যা হয়েছে।"),
)
_BOOKING_STATUS: Final[dict[str, tuple[_Text, _Text]]] = {
    "requested": (
        ("Booking received", "Booking {number} waits for its confirmation."),
        ("বুকিং পেয়েছি", "বুকিং {number} নিশ্চিতকরণের অপেক্ষায়।"),
    ),
    "confirmed": (
        ("Booking confirmed", "Booking {number} is confirmed."),
        ("বুকিং নিশ্চিত", "বুকিং {number} নিশ্চিত করা হয়েছে।"),
    ),
    "in_progress": (("Booking begun", "Booking {number} has begun."), ("বুকিং শুরু", "বুকিং {number} শুরু হয়েছে।")),
    "completed": (
        ("Booking completed", "Booking {number} is completed. Thank you!"),
        ("বুকিং সম্পন্ন", "বুকিং {number} সম্পন্ন হয়েছে। ধন্যবাদ!"),
    ),
    "cancelled": (
        ("Booking cancelled", "Booking {number} has been cancelled."),
        ("বুকিং বাতিল", "বুকিং {number} বাতিল করা হয়েছে।"),
    ),
    "no_show": (
        ("Nobody was there", "At the time of booking {number} nobody was there."),
        ("কেউ উপস্থিত ছিলেন না", "বুকিং {number}-এর সময় কেউ উপস্থিত ছিলেন না।"),
    ),
}
_ONE_NEW: Final[tuple[_Text, _Text]] = (
    ("New order", "Order {first} waits for an answer."),
    ("নতুন অর্ডার", "অর্ডার {first} উত্তরের অপেক্ষায়।"),
)
_MANY_NEW: Final[tuple[_Text, _Text]] = (
    ("New orders", "{count} new orders wait for an answer, {first} to {last}."),
    ("নতুন অর্ডার", "{count}টি নতুন অর্ডার উত্তরের অপেক্ষায়, {first} থেকে {last}।"),
)
_ONE_UNSEEN: Final[tuple[_Text, _Text]] = (
    ("Nobody has seen an order", "Order {first} waits, and nobody has opened it."),
    ("একটি অর্ডার কেউ দেখেননি", "অর্ডার {first} অপেক্ষায়, কেউ খোলেননি।"),
)
_MANY_UNSEEN: Final[tuple[_Text, _Text]] = (
    ("Nobody has seen some orders", "{count} orders wait, {first} to {last}, and nobody has opened them."),
    ("কয়েকটি অর্ডার কেউ দেখেননি", "{count}টি অর্ডার অপেক্ষায়, {first} থেকে {last}, কেউ খোলেননি।"),
)


_ONE_BOOKING_UNSEEN: Final[tuple[_Text, _Text]] = (
    ("Nobody has seen a booking", "Booking {first} waits, and nobody has opened it."),
    ("একটি বুকিং কেউ দেখেননি", "বুকিং {first} অপেক্ষায়, কেউ খোলেননি।"),
)
_MANY_BOOKINGS_UNSEEN: Final[tuple[_Text, _Text]] = (
    ("Nobody has seen some bookings", "{count} bookings wait, {first} to {last}, and nobody has opened them."),
    ("কয়েকটি বুকিং কেউ দেখেননি", "{count}টি বুকিং অপেক্ষায়, {first} থেকে {last}, কেউ খোলেননি।"),
)
# For one, and for many.
_COUNTED: Final[dict[NotificationKind, tuple[tuple[_Text, _Text], tuple[_Text, _Text]]]] = {
    NotificationKind.NEW_ORDERS: (_ONE_NEW, _MANY_NEW),
    NotificationKind.ORDERS_UNSEEN: (_ONE_UNSEEN, _MANY_UNSEEN),
    NotificationKind.BOOKINGS_UNSEEN: (_ONE_BOOKING_UNSEEN, _MANY_BOOKINGS_UNSEEN),
}


_DIGEST: Final[dict[Language, _Text]] = {
    Language.ENGLISH: ("{count} notifications", "They came during your quiet hours."),
    Language.BENGALI: ("{count}টি বিজ্ঞপ্তি", "এগুলো আপনার নীরব সময়ে এসেছে।"),
}


def render_digest(count: int, language: Language) -> tuple[str, str]:
    """Return the title and sentence of a digest: `count` notifications held during quiet hours."""
    title, text = _DIGEST[language]
    return title.format(count=count), text


def render(kind: NotificationKind, data: Mapping[str, Any], order_id: str | None) -> NotificationText:
    """Render a notification; `data` is what was stored with that kind."""
    if kind is NotificationKind.ORDER_STATUS:
        given = data["status"], data["fulfilment"], data["number"]
        texts = sentences.for_customer(*given), sentences.for_customer(*given, language="bn")
        return NotificationText(*texts[0], *texts[1], link=f"/track/{order_id}")
    if kind is NotificationKind.BOOKING_STATUS:
        english, bengali = _BOOKING_STATUS[data["status"]]
    elif kind is NotificationKind.PAYMENT_TROUBLE and "bookingId" in data:
        english, bengali = _BOOKING_PAYMENT
    elif (counted := _COUNTED.get(kind)) is not None:
        english, bengali = counted[0] if data["count"] == 1 else counted[1]
    else:
        english, bengali = _TEXTS[kind]
    return NotificationText(
        english[0], english[1].format(**data), bengali[0], bengali[1].format(**data), _link(kind, order_id)
    )


_WITHOUT_PAGE: Final = frozenset(
    {
        NotificationKind.UNASSIGNED,
        NotificationKind.BOOKING_REMINDER,
        NotificationKind.BOOKING_STATUS,
        NotificationKind.BOOKING_MOVED,
        NotificationKind.BOOKING_ASSIGNED,
        NotificationKind.BOOKING_TAKEN_BACK,
    }
)


def _link(kind: NotificationKind, order_id: str | None) -> str:
    if kind is NotificationKind.ASSIGNED:
        return f"/track/{order_id}"
    # A driver who lost the order may not view it; bookings have no page yet.
    return "/" if kind in _WITHOUT_PAGE else "/admin"


def recipients_for(actor: Actor) -> tuple[str, ...]:
    """The recipients whose notifications an actor sees; none without an account."""
    if actor.role in (Role.GUEST, Role.SERVICE) or not actor.id:
        return ()
    if actor.role in STAFF:
        return (SHOP, actor.id)
    # An external user's id may be any text: it must not pass as the shop or a guest.
    return () if actor.id == SHOP or actor.id.startswith(GUEST_PREFIX) else (actor.id,)
