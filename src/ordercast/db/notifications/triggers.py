"""Triggers that insert notifications about orders and deliveries. Nobody is notified of their own action."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.commerce.notifications import GUEST_PREFIX, SHOP, NotificationKind, Severity
from ordercast.commerce.people import Role
from ordercast.commerce.states import OrderStatus, PaymentStatus
from ordercast.db.dialects import Trigger
from ordercast.db.sql import literals
from ordercast.db.trigger_helpers import feed_row
from ordercast.db.types import ChangeKind

from .booking_triggers import BOOKING_NOTIFICATIONS

_COLUMNS: Final = "recipient, kind, order_id, data, severity, created_at"
_IN_TROUBLE: Final = literals({PaymentStatus.FAILED, PaymentStatus.DISPUTED})
_WENT_WRONG: Final = literals(
    {OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.CANCELLED, OrderStatus.DELIVERY_FAILED}
)
_MOVED: Final = "NEW.from_status <> NEW.to_status"


def _insert_notification(recipient: str, kind: NotificationKind, data: str, severity: str, when: str) -> str:
    """SQL that inserts a notification about the order `o` of the new row, if `when`."""
    return cleandoc(f"""
        INSERT INTO notifications ({_COLUMNS})
          SELECT {recipient}, '{kind}', o.id, {data},
            {severity}, NEW.at
          FROM orders o
          WHERE o.id = NEW.order_id AND {when}
    """)


_NUMBER: Final = "'number', o.number"
_BY_CUSTOMER: Final = f"'{Role.CUSTOMER}:' || o.customer_id"
_BY_BUYER: Final = f"({_BY_CUSTOMER}, '{Role.GUEST}')"
# A guest, who has a tracking token, has no account to keep it for; a customer of another back end is in no table.
_HAS_ACCOUNT: Final = "(o.tracking_hash IS NULL OR EXISTS (SELECT 1 FROM customers WHERE id = o.customer_id))"

# A guest may have subscribed to push with the tracking token.
_IS_GUESTS: Final = (
    f"o.tracking_hash IS NOT NULL AND EXISTS (SELECT 1 FROM contact_points WHERE user_id = '{GUEST_PREFIX}' || o.id)"
)
_STATUS: Final = f"@json_object({_NUMBER}, 'status', NEW.to_status, 'fulfilment', o.fulfilment)"
_STATUS_SEVERITY: Final = (
    f"CASE WHEN NEW.to_status IN ({_WENT_WRONG}) THEN '{Severity.WARNING}' ELSE '{Severity.INFO}' END"
)

_OF_CHANGES: Final = (
    _insert_notification(
        f"'{GUEST_PREFIX}' || o.id",
        NotificationKind.ORDER_STATUS,
        _STATUS,
        _STATUS_SEVERITY,
        f"{_MOVED} AND NEW.actor <> '{Role.GUEST}' AND {_IS_GUESTS}",
    ),
    _insert_notification(
        "o.customer_id",
        NotificationKind.ORDER_STATUS,
        _STATUS,
        _STATUS_SEVERITY,
        f"{_MOVED} AND o.customer_id IS NOT NULL AND NEW.actor <> {_BY_CUSTOMER} AND {_HAS_ACCOUNT}",
    ),
    _insert_notification(
        f"'{SHOP}'",
        NotificationKind.ORDER_CANCELLED,
        f"@json_object({_NUMBER})",
        f"'{Severity.WARNING}'",
        f"{_MOVED} AND NEW.to_status = '{OrderStatus.CANCELLED}' AND NEW.actor IN {_BY_BUYER}",
    ),
    _insert_notification(
        f"'{SHOP}'",
        NotificationKind.DELIVERY_TROUBLE,
        f"@json_object({_NUMBER}, 'attempts', o.attempts)",
        f"'{Severity.WARNING}'",
        f"{_MOVED} AND NEW.to_status = '{OrderStatus.DELIVERY_FAILED}'",
    ),
    _insert_notification(
        f"'{SHOP}'",
        NotificationKind.PAYMENT_TROUBLE,
        f"@json_object({_NUMBER}, 'paymentStatus', NEW.to_payment_status)",
        f"'{Severity.ERROR}'",
        f"NEW.from_payment_status <> NEW.to_payment_status AND NEW.to_payment_status IN ({_IN_TROUBLE})",
    ),
)

NOTES_OF_DELIVERIES: Final = (
    _insert_notification(
        "NEW.driver_id",
        NotificationKind.ASSIGNED,
        f"@json_object({_NUMBER})",
        f"'{Severity.INFO}'",
        f"NEW.stage = '{OrderStatus.DRIVER_ASSIGNED}' AND NEW.driver_id IS NOT NULL"
        f" AND o.actor <> '{Role.DRIVER}:' || NEW.driver_id",
    ),
    _insert_notification(
        "NEW.former_driver_id",
        NotificationKind.UNASSIGNED,
        f"@json_object({_NUMBER})",
        f"'{Severity.WARNING}'",
        f"NEW.former_driver_id IS NOT NULL AND o.actor <> '{Role.DRIVER}:' || NEW.former_driver_id",
    ),
)
"""Run by the delivery's own trigger: of two triggers, each database would run its own choice first."""

_DOCUMENT: Final = """@json_object('recipient', NEW.recipient, 'kind', NEW.kind, 'orderId', NEW.order_id,
    'data', @json_of(NEW.data), 'severity', NEW.severity)"""
_FEED_ROW: Final = feed_row(
    ChangeKind.NOTIFICATION_MADE,
    "NEW.id",
    actor="'service:shop'",
    at="NEW.created_at",
    after=f"@json_text({_DOCUMENT})",
)

TRIGGERS: Final = (
    Trigger(
        "notifications_of_changes", "AFTER INSERT", "order_history", _OF_CHANGES, when="NEW.from_status IS NOT NULL"
    ),
    BOOKING_NOTIFICATIONS,
    Trigger("notifications_told", "AFTER INSERT", "notifications", (_FEED_ROW,)),
    Trigger(
        "notifications_forgotten",
        "AFTER DELETE",
        "notifications",
        ("DELETE FROM notification_reads WHERE notification_id = OLD.id",),
    ),
)
