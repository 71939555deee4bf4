"""Order and payment statuses, their labels and legacy names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from .errors import UnknownStatus
from .ids import OrderId
from .timestamps import Timestamp


class OrderStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    READY_FOR_PICKUP = "ready_for_pickup"
    READY_FOR_DELIVERY = "ready_for_delivery"
    DRIVER_ASSIGNED = "driver_assigned"
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    RETURNING = "returning"
    RETURNED = "returned"
    ON_HOLD = "on_hold"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class PaymentStatus(StrEnum):
    UNPAID = "unpaid"
    AUTHORIZED = "authorized"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"
    VOIDED = "voided"
    DISPUTED = "disputed"


class Fulfilment(StrEnum):
    DELIVERY = "delivery"
    PICKUP = "pickup"


class PaymentMethod(StrEnum):
    CASH = "cash"
    CARD = "card"
    SAVED_CARD = "saved_card"


@dataclass(frozen=True, slots=True)
class PaymentState:
    """An order's payment, in minor units of the order's currency: ``refunded + refunding <= captured <= total``."""

    status: PaymentStatus
    total: int = 0
    captured: int = 0
    refunded: int = 0
    refunding: int = 0
    """Being refunded, not yet confirmed by the provider."""


@dataclass(frozen=True, slots=True)
class OrderState:
    """The part of an order that decisions read."""

    noun: ClassVar[str] = "order"
    a_noun: ClassVar[str] = "an order"

    id: OrderId
    status: OrderStatus
    payment_status: PaymentStatus
    payment_method: PaymentMethod
    fulfilment: Fulfilment
    version: int
    held_from: OrderStatus | None = None
    driver_id: str | None = None
    customer_id: str | None = None
    attempts: int = 0
    changed_by: str = ""
    """The last actor, as history records one."""
    changed_at: str = ""
    total: int = 0
    captured: int = 0
    refunded: int = 0
    refunding: int = 0
    currency: str = ""
    requested_time: Timestamp | None = None
    """When the buyer wants to have it, if not as soon as possible."""

    @property
    def payment(self) -> PaymentState:
        return PaymentState(self.payment_status, self.total, self.captured, self.refunded, self.refunding)


LABELS: Final[dict[OrderStatus, dict[str, str]]] = {
    OrderStatus.PENDING: {"en": "Waiting for the shop", "bn": "দোকানের অপেক্ষায়"},
    OrderStatus.PROCESSING: {"en": "Being prepared", "bn": "প্রস্তুত হচ্ছে"},
    OrderStatus.READY_FOR_PICKUP: {"en": "Ready for pickup", "bn": "সংগ্রহের জন্য প্রস্তুত"},
    OrderStatus.READY_FOR_DELIVERY: {"en": "Ready for delivery", "bn": "ডেলিভারির জন্য প্রস্তুত"},
    OrderStatus.DRIVER_ASSIGNED: {"en": "Driver assigned", "bn": "ড্রাইভার নির্ধারিত"},
    OrderStatus.PICKED_UP: {"en": "Picked up by the driver", "bn": "ড্রাইভার তুলে নিয়েছেন"},
    OrderStatus.IN_TRANSIT: {"en": "On its way", "bn": "পথে আছে"},
    OrderStatus.DELIVERED: {"en": "Delivered", "bn": "পৌঁছে গেছে"},
    OrderStatus.DELIVERY_FAILED: {"en": "Delivery failed", "bn": "ডেলিভারি ব্যর্থ"},
    OrderStatus.RETURNING: {"en": "Coming back to the shop", "bn": "দোকানে ফেরত আসছে"},
    OrderStatus.RETURNED: {"en": "Returned to the shop", "bn": "দোকানে ফেরত এসেছে"},
    OrderStatus.ON_HOLD: {"en": "On hold", "bn": "স্থগিত"},
    OrderStatus.REJECTED: {"en": "Rejected by the shop", "bn": "দোকান প্রত্যাখ্যান করেছে"},
    OrderStatus.EXPIRED: {"en": "Expired", "bn": "মেয়াদ শেষ"},
    OrderStatus.CANCELLED: {"en": "Cancelled", "bn": "বাতিল"},
}

# Labels of pickup orders, which end at the counter.
PICKUP_LABELS: Final[dict[OrderStatus, dict[str, str]]] = {
    OrderStatus.DELIVERED: {"en": "Collected", "bn": "সংগ্রহ করা হয়েছে"},
}

# Accepted on input and in migrations, never returned. Where the fulfilment decides, both are listed.
LEGACY_NAMES: Final[dict[str, OrderStatus | dict[Fulfilment, OrderStatus]]] = {
    "new": OrderStatus.PENDING,
    "accepted": OrderStatus.PROCESSING,
    "packing": OrderStatus.PROCESSING,
    "ready": {
        Fulfilment.PICKUP: OrderStatus.READY_FOR_PICKUP,
        Fulfilment.DELIVERY: OrderStatus.READY_FOR_DELIVERY,
    },
    "out_for_delivery": OrderStatus.IN_TRANSIT,
    "completed": OrderStatus.DELIVERED,
}

_BY_NAME: Final = {str(status): status for status in OrderStatus}


def resolve_status(name: str, fulfilment: Fulfilment) -> OrderStatus:
    """Parse a status by its current or legacy name. Raises UnknownStatus."""
    found = _BY_NAME.get(name) or LEGACY_NAMES.get(name)
    if found is None:
        raise UnknownStatus(name)
    return found[fulfilment] if isinstance(found, dict) else found


def statuses_called(name: str) -> tuple[OrderStatus, ...]:
    """All statuses that a current or legacy name stands for. Raises UnknownStatus."""
    return tuple(dict.fromkeys(resolve_status(name, fulfilment) for fulfilment in Fulfilment))
