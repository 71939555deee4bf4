"""What writes notifications: the history of orders and deliveries. Nobody is told what they did themselves."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.notifications import SHOP, NotificationKind, Severity
from ordercast.commerce.people import Role
from ordercast.commerce.states import OrderStatus, PaymentStatus
from ordercast.db.schema.columns import names

from .making import FEED_COLUMNS

_COLUMNS: Final = "recipient, kind, order_id, data, severity, created_at"
_IN_TROUBLE: Final = names({PaymentStatus.FAILED, PaymentStatus.DISPUTED})
_WENT_WRONG: Final = names(
    {OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.CANCELLED, OrderStatus.DELIVERY_FAILED}
)

# A guest has no account, so nobody to keep it for; a customer whom another back end knows is in no table of ours.
_OF_A_CHANGE: Final = f"""
CREATE TRIGGER notifications_of_changes AFTER INSERT ON order_history WHEN NEW.from_status IS NOT NULL
BEGIN
  INSERT INTO notifications ({_COLUMNS})
    SELECT o.customer_id, '{NotificationKind.ORDER_STATUS}', o.id,
      json_object('number', o.number, 'status', NEW.to_status, 'fulfilment', o.fulfilment),
      CASE WHEN NEW.to_status IN ({_WENT_WRONG}) THEN '{Severity.WARNING}' ELSE '{Severity.INFO}' END, NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.from_status <> NEW.to_status AND o.customer_id IS NOT NULL
      AND NEW.actor <> '{Role.CUSTOMER}:' || o.customer_id
      AND NOT EXISTS (SELECT 1 FROM customers WHERE id = o.customer_id AND registered = 0);
  INSERT INTO notifications ({_COLUMNS})
    SELECT '{SHOP}', '{NotificationKind.ORDER_CANCELLED}', o.id, json_object('number', o.number),
      '{Severity.WARNING}', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.from_status <> NEW.to_status AND NEW.to_status = '{OrderStatus.CANCELLED}'
      AND NEW.actor = '{Role.CUSTOMER}:' || o.customer_id;
  INSERT INTO notifications ({_COLUMNS})
    SELECT '{SHOP}', '{NotificationKind.DELIVERY_TROUBLE}', o.id,
      json_object('number', o.number, 'attempts', o.attempts), '{Severity.WARNING}', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.from_status <> NEW.to_status
      AND NEW.to_status = '{OrderStatus.DELIVERY_FAILED}';
  INSERT INTO notifications ({_COLUMNS})
    SELECT '{SHOP}', '{NotificationKind.PAYMENT_TROUBLE}', o.id,
      json_object('number', o.number, 'paymentStatus', NEW.to_payment_status), '{Severity.ERROR}', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.from_payment_status <> NEW.to_payment_status
      AND NEW.to_payment_status IN ({_IN_TROUBLE});
END
"""  # noqa: S608 - made of names alone

_OF_A_DELIVERY: Final = f"""
CREATE TRIGGER notifications_of_deliveries AFTER INSERT ON deliveries
BEGIN
  INSERT INTO notifications ({_COLUMNS})
    SELECT NEW.driver_id, '{NotificationKind.ASSIGNED}', o.id, json_object('number', o.number),
      '{Severity.INFO}', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.stage = '{OrderStatus.DRIVER_ASSIGNED}' AND NEW.driver_id IS NOT NULL
      AND o.actor <> '{Role.DRIVER}:' || NEW.driver_id;
  INSERT INTO notifications ({_COLUMNS})
    SELECT NEW.former_driver_id, '{NotificationKind.UNASSIGNED}', o.id, json_object('number', o.number),
      '{Severity.WARNING}', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.former_driver_id IS NOT NULL
      AND o.actor <> '{Role.DRIVER}:' || NEW.former_driver_id;
END
"""  # noqa: S608 - made of names alone

_TOLD: Final = f"""
CREATE TRIGGER notifications_told AFTER INSERT ON notifications
BEGIN
  INSERT INTO feed ({FEED_COLUMNS})
    VALUES ('notification.made', NEW.id, 1, 'service:shop', NULL, NEW.created_at, NULL,
      json_object('recipient', NEW.recipient, 'kind', NEW.kind, 'orderId', NEW.order_id, 'data', json(NEW.data),
        'severity', NEW.severity));
END
"""  # noqa: S608 - made of names alone

_FORGOTTEN: Final = """
CREATE TRIGGER notifications_forgotten AFTER DELETE ON notifications
BEGIN
  DELETE FROM notification_reads WHERE notification_id = OLD.id;
END
"""

NOTIFICATION_TRIGGERS: Final[dict[str, str]] = {
    "notifications_of_changes": _OF_A_CHANGE.strip(),
    "notifications_of_deliveries": _OF_A_DELIVERY.strip(),
    "notifications_told": _TOLD.strip(),
    "notifications_forgotten": _FORGOTTEN.strip(),
}
