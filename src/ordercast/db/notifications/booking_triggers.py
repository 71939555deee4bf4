"""Triggers that insert notifications about bookings. Nobody is notified of their own action."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.commerce.booking_states import BookingStatus
from ordercast.commerce.notifications import SHOP, NotificationKind, Severity
from ordercast.commerce.people import Role
from ordercast.commerce.states import PaymentStatus
from ordercast.db.dialects import Trigger
from ordercast.db.sql import literals

_NUMBER: Final = "'bookingId', b.id, 'number', b.number"
_STATUS: Final = f"@json_object({_NUMBER}, 'status', NEW.to_status)"
_IS_NEW: Final = "NEW.from_status IS NULL"
_MOVED: Final = "NEW.from_status <> NEW.to_status"
_IN_TROUBLE: Final = literals({PaymentStatus.FAILED, PaymentStatus.DISPUTED})
_CANCELLED: Final = f"NEW.to_status = '{BookingStatus.CANCELLED}'"
_CHANGED_TIME: Final = "NEW.from_starts_at IS NOT NULL"
_CHANGED_CARER: Final = "NEW.from_carer_id IS NOT NULL"

# A guest has no account; a customer of another back end is not in the table.
_HAS_ACCOUNT: Final = "(b.tracking_hash IS NULL OR EXISTS (SELECT 1 FROM customers WHERE id = b.customer_id))"
_FOR_CUSTOMER: Final = (
    f"b.customer_id IS NOT NULL AND NEW.actor <> '{Role.CUSTOMER}:' || b.customer_id AND {_HAS_ACCOUNT}"
)
_FOR_CARER: Final = f"NEW.actor <> '{Role.CARER}:' || NEW.carer_id"
_BY_CUSTOMER: Final = f"(NEW.actor = '{Role.GUEST}' OR NEW.actor = '{Role.CUSTOMER}:' || b.customer_id)"


_SEVERITIES: Final = {
    NotificationKind.BOOKING_CANCELLED: Severity.WARNING,
    NotificationKind.BOOKING_TAKEN_BACK: Severity.WARNING,
    NotificationKind.PAYMENT_TROUBLE: Severity.ERROR,
}


def _insert_notification(
    recipient: str, kind: NotificationKind, when: str, *, data: str = f"@json_object({_NUMBER})"
) -> str:
    """SQL that inserts a notification about the booking `b` of the new row, if `when`; a warning if it was cancelled or
    reassigned.
    """
    otherwise = f"CASE WHEN {_CANCELLED} THEN '{Severity.WARNING}' ELSE '{Severity.INFO}' END"
    severity = f"'{_SEVERITIES[kind]}'" if kind in _SEVERITIES else otherwise
    return cleandoc(f"""
        INSERT INTO notifications (recipient, kind, data, severity, created_at)
          SELECT {recipient}, '{kind}', {data}, {severity}, NEW.at
          FROM bookings b
          WHERE b.id = NEW.booking_id AND {when}
    """)


_NOTIFICATIONS: Final = (
    _insert_notification(
        "b.customer_id", NotificationKind.BOOKING_STATUS, f"{_MOVED} AND {_FOR_CUSTOMER}", data=_STATUS
    ),
    _insert_notification("b.customer_id", NotificationKind.BOOKING_MOVED, f"{_CHANGED_TIME} AND {_FOR_CUSTOMER}"),
    _insert_notification(
        "NEW.carer_id", NotificationKind.BOOKING_ASSIGNED, f"({_IS_NEW} OR {_CHANGED_CARER}) AND {_FOR_CARER}"
    ),
    _insert_notification("NEW.from_carer_id", NotificationKind.BOOKING_TAKEN_BACK, _CHANGED_CARER),
    _insert_notification(
        "NEW.carer_id",
        NotificationKind.BOOKING_STATUS,
        f"{_MOVED} AND {_CANCELLED} AND {_FOR_CARER}",
        data=_STATUS,
    ),
    _insert_notification(
        "NEW.carer_id",
        NotificationKind.BOOKING_MOVED,
        f"{_CHANGED_TIME} AND NOT ({_CHANGED_CARER}) AND {_FOR_CARER}",
    ),
    _insert_notification(
        f"'{SHOP}'", NotificationKind.BOOKING_CANCELLED, f"{_MOVED} AND {_CANCELLED} AND {_BY_CUSTOMER}"
    ),
    _insert_notification(
        f"'{SHOP}'",
        NotificationKind.PAYMENT_TROUBLE,
        f"NEW.from_payment_status <> NEW.to_payment_status AND NEW.to_payment_status IN ({_IN_TROUBLE})",
        data=f"@json_object({_NUMBER}, 'paymentStatus', NEW.to_payment_status)",
    ),
)

BOOKING_NOTIFICATIONS: Final = Trigger("notifications_of_bookings", "AFTER INSERT", "booking_history", _NOTIFICATIONS)
