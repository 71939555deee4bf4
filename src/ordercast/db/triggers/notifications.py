"""What writes notifications: the history of orders and deliveries. Nobody is told what they did themselves."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.commerce.notifications import SHOP, NotificationKind, Severity
from ordercast.commerce.people import Role
from ordercast.commerce.states import OrderStatus, PaymentStatus
from ordercast.db.columns import names
from ordercast.db.dialects import Dialect, Trigger
from ordercast.db.trigger_helpers import FEED_COLUMNS

_COLUMNS: Final = "recipient, kind, order_id, data, severity, created_at"
_IN_TROUBLE: Final = names({PaymentStatus.FAILED, PaymentStatus.DISPUTED})
_WENT_WRONG: Final = names(
    {OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.CANCELLED, OrderStatus.DELIVERY_FAILED}
)
_MOVED: Final = "NEW.from_status <> NEW.to_status"


def notification_triggers(dialect: Dialect) -> list[Trigger]:
    return [_of_changes(dialect), _told(dialect), _FORGOTTEN]


def _note(recipient: str, kind: NotificationKind, data: str, severity: str, when: str) -> str:
    """Write one about the order `o` of the new row, if `when`."""
    return cleandoc(f"""
        INSERT INTO notifications ({_COLUMNS})
          SELECT {recipient}, '{kind}', o.id, {data},
            {severity}, NEW.at
          FROM orders o
          WHERE o.id = NEW.order_id AND {when}
    """)


def _of_changes(dialect: Dialect) -> Trigger:
    number = "'number', o.number"
    by_customer = f"'{Role.CUSTOMER}:' || o.customer_id"
    # A guest, who has a tracking token, has no account to keep it for; a customer of another back end is in no table.
    has_account = "(o.tracking_hash IS NULL OR EXISTS (SELECT 1 FROM customers WHERE id = o.customer_id))"
    notes = (
        _note(
            "o.customer_id",
            NotificationKind.ORDER_STATUS,
            dialect.object_of([number, "'status', NEW.to_status", "'fulfilment', o.fulfilment"]),
            f"CASE WHEN NEW.to_status IN ({_WENT_WRONG}) THEN '{Severity.WARNING}' ELSE '{Severity.INFO}' END",
            f"{_MOVED} AND o.customer_id IS NOT NULL AND NEW.actor <> {by_customer} AND {has_account}",
        ),
        _note(
            f"'{SHOP}'",
            NotificationKind.ORDER_CANCELLED,
            dialect.object_of([number]),
            f"'{Severity.WARNING}'",
            f"{_MOVED} AND NEW.to_status = '{OrderStatus.CANCELLED}' AND NEW.actor = {by_customer}",
        ),
        _note(
            f"'{SHOP}'",
            NotificationKind.DELIVERY_TROUBLE,
            dialect.object_of([number, "'attempts', o.attempts"]),
            f"'{Severity.WARNING}'",
            f"{_MOVED} AND NEW.to_status = '{OrderStatus.DELIVERY_FAILED}'",
        ),
        _note(
            f"'{SHOP}'",
            NotificationKind.PAYMENT_TROUBLE,
            dialect.object_of([number, "'paymentStatus', NEW.to_payment_status"]),
            f"'{Severity.ERROR}'",
            f"NEW.from_payment_status <> NEW.to_payment_status AND NEW.to_payment_status IN ({_IN_TROUBLE})",
        ),
    )
    when = "NEW.from_status IS NOT NULL"
    return Trigger("notifications_of_changes", "AFTER INSERT", "order_history", notes, when)


def notes_of_deliveries(dialect: Dialect) -> tuple[str, ...]:
    """Part of the trigger that tells of a delivery: of two triggers each database chooses the first by its own law."""
    number = "'number', o.number"
    return (
        _note(
            "NEW.driver_id",
            NotificationKind.ASSIGNED,
            dialect.object_of([number]),
            f"'{Severity.INFO}'",
            f"NEW.stage = '{OrderStatus.DRIVER_ASSIGNED}' AND NEW.driver_id IS NOT NULL"
            f" AND o.actor <> '{Role.DRIVER}:' || NEW.driver_id",
        ),
        _note(
            "NEW.former_driver_id",
            NotificationKind.UNASSIGNED,
            dialect.object_of([number]),
            f"'{Severity.WARNING}'",
            f"NEW.former_driver_id IS NOT NULL AND o.actor <> '{Role.DRIVER}:' || NEW.former_driver_id",
        ),
    )


def _told(dialect: Dialect) -> Trigger:
    pairs = [
        "'recipient', NEW.recipient",
        "'kind', NEW.kind",
        "'orderId', NEW.order_id",
        f"'data', {dialect.json_of('NEW.data')}",
        "'severity', NEW.severity",
    ]
    told = cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          VALUES ('notification.made', NEW.id, 1, 'service:shop', NULL, NEW.created_at, NULL,
            {dialect.json_text(dialect.object_of(pairs))})
    """)
    return Trigger("notifications_told", "AFTER INSERT", "notifications", (told,))


_FORGOTTEN: Final = Trigger(
    "notifications_forgotten",
    "AFTER DELETE",
    "notifications",
    ("DELETE FROM notification_reads WHERE notification_id = OLD.id",),
)
