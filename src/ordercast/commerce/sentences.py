"""What a buyer is told of each state, in a sentence for people."""

from __future__ import annotations

from typing import Final

_SENTENCES: Final[dict[str, tuple[str, str]]] = {
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

_COLLECTED: Final = ("Collected", "Order {number} has been collected. Enjoy!")


def for_customer(status: str, fulfilment: str, number: str) -> tuple[str, str]:
    """Give a title and a sentence for an order in `status`; a delivered pickup order was collected."""
    title, text = _COLLECTED if (status, fulfilment) == ("delivered", "pickup") else _SENTENCES[status]
    return title, text.format(number=number)
