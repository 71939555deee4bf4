"""Sentences for buyers about each state, in English and Bengali."""

from __future__ import annotations

from typing import Final

_Text = tuple[str, str]

_ENGLISH: Final[dict[str, _Text]] = {
    "pending": ("Order received", "We have received order {number}."),
    "processing": ("Order accepted", "The shop is preparing order {number}."),
    "ready_for_pickup": ("Ready for pickup", "Order {number} is ready: come and collect it."),
    "ready_for_delivery": ("Ready for delivery", "Order {number} is packed and waits for a driver."),
    "driver_assigned": ("Driver found", "A driver will collect order {number} soon."),
    "picked_up": ("Picked up", "The driver has order {number}."),
    "in_transit": ("On its way", "Order {number} is on its way to you."),
    "delivered": ("Delivered", "Order {number} has been delivered. Enjoy!"),
    "delivery_failed": ("Delivery failed", "We could not deliver order {number}; the shop will be in touch."),
    "returning": ("On its way back", "Order {number} is on its way back to the shop."),
    "returned": ("Returned", "Order {number} is back at the shop."),
    "rejected": ("Not accepted", "The shop could not accept order {number}. Nothing will be charged."),
    "expired": ("Expired", "Order {number} was not accepted in time. Nothing will be charged."),
    "cancelled": ("Cancelled", "Order {number} has been cancelled."),
    "on_hold": ("On hold", "Order {number} is on hold for a moment."),
}
_BENGALI: Final[dict[str, _Text]] = {
    "pending": ("অর্ডার পেয়েছি", "আমরা অর্ডার {number} পেয়েছি।"),
    "processing": ("অর্ডার গৃহীত", "দোকান অর্ডার {number} প্রস্তুত করছে।"),
    "ready_for_pickup": ("সংগ্রহের জন্য প্রস্তুত", "অর্ডার {number} প্রস্তুত: এসে নিয়ে যান।"),
    "ready_for_delivery": ("ডেলিভারির জন্য প্রস্তুত", "অর্ডার {number} প্যাক করা হয়েছে, ড্রাইভারের অপেক্ষায়।"),
    "driver_assigned": ("ড্রাইভার পাওয়া গেছে", "একজন ড্রাইভার শিগগিরই অর্ডার {number} নিয়ে আসবেন।"),
    "picked_up": ("তুলে নেওয়া হয়েছে", "অর্ডার {number} এখন ড্রাইভারের কাছে।"),
    "in_transit": ("পথে আছে", "অর্ডার {number} আপনার পথে।"),
    "delivered": ("পৌঁছে গেছে", "অর্ডার {number} পৌঁছে দেওয়া হয়েছে। উপভোগ করুন!"),
    "delivery_failed": ("ডেলিভারি ব্যর্থ", "অর্ডার {number} পৌঁছানো যায়নি; দোকান যোগাযোগ করবে।"),
    "returning": ("ফেরত আসছে", "অর্ডার {number} দোকানে ফেরত যাচ্ছে।"),
    "returned": ("ফেরত এসেছে", "অর্ডার {number} দোকানে ফেরত এসেছে।"),
    "rejected": ("গৃহীত হয়নি", "দোকান অর্ডার {number} নিতে পারেনি। কোনো টাকা কাটা হবে না।"),
    "expired": ("মেয়াদ শেষ", "অর্ডার {number} সময়মতো গৃহীত হয়নি। কোনো টাকা কাটা হবে না।"),
    "cancelled": ("বাতিল", "অর্ডার {number} বাতিল করা হয়েছে।"),
    "on_hold": ("স্থগিত", "অর্ডার {number} কিছুক্ষণের জন্য স্থগিত।"),
}
_SENTENCES: Final = {"en": _ENGLISH, "bn": _BENGALI}

_COLLECTED: Final[dict[str, _Text]] = {
    "en": ("Collected", "Order {number} has been collected. Enjoy!"),
    "bn": ("সংগ্রহ করা হয়েছে", "অর্ডার {number} সংগ্রহ করা হয়েছে। উপভোগ করুন!"),
}


# Used when only the payment changed.
_PAYMENT: Final[dict[str, _Text]] = {
    "unpaid": ("Not paid yet", "Order {number} has not been paid yet."),
    "authorized": ("Payment authorized", "The payment of order {number} is authorized."),
    "paid": ("Paid", "The payment of order {number} has been received."),
    "partially_refunded": ("Partly refunded", "A part of the payment of order {number} has been given back."),
    "refunded": ("Refunded", "The payment of order {number} has been given back."),
    "failed": ("Payment failed", "The payment of order {number} did not go through; the shop will be in touch."),
    "voided": ("Nothing charged", "Nothing was charged for order {number}."),
    "disputed": ("Payment disputed", "Your bank has asked about the payment of order {number}."),
}


_NEW_TIME: Final = ("Another time", "The shop has another time for order {number}.")
_REFUND_RETURNED: Final = ("Refund came back", "A refund of order {number} came back; the shop will be in touch.")


def for_payer(payment_status: str, number: int | str, *, is_refund_returned: bool = False) -> _Text:
    """The title and sentence for a payment's status."""
    title, text = _REFUND_RETURNED if is_refund_returned else _PAYMENT[payment_status]
    return title, text.format(number=number)


def for_customer(status: str, fulfilment: str, number: int | str, *, language: str = "en") -> _Text:
    """The title and sentence for an order's status; a pickup order is collected, not delivered."""
    is_collected = (status, fulfilment) == ("delivered", "pickup")
    title, text = _COLLECTED[language] if is_collected else _SENTENCES[language][status]
    return title, text.format(number=number)


def for_new_time(number: int | str) -> _Text:
    """The title and sentence where the promised time alone changed."""
    title, text = _NEW_TIME
    return title, text.format(number=number)
