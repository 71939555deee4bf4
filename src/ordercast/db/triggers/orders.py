"""Orders and their history: every change is numbered, written down and told."""

from __future__ import annotations

from typing import Final

from ordercast.db.documents import TOLD_COLUMNS, order_document
from ordercast.db.schema import EXTERNAL_ACTOR, NOW_SQL

from .making import FEED_COLUMNS, refused

_HISTORY_COLUMNS: Final = (
    "order_id, version, from_status, to_status, from_payment_status, to_payment_status, actor, reason, at"
)
_TOLD_CHANGED: Final = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in TOLD_COLUMNS)

_ORDER_PLACED: Final = f"""
CREATE TRIGGER orders_placed AFTER INSERT ON orders
BEGIN
  INSERT INTO order_history ({_HISTORY_COLUMNS})
    VALUES (NEW.id, NEW.version, NULL, NEW.status, NULL, NEW.payment_status, NEW.actor, NEW.reason, NEW.updated_at);
  INSERT INTO feed ({FEED_COLUMNS})
    VALUES ('order.placed', NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at, NULL, {order_document("NEW")});
END
"""  # noqa: S608 - made of column names alone

# The inner UPDATE changes nothing that is told, so the trigger's own condition keeps it from firing again, whatever
# the connection's recursive_triggers. What is then told is read from the row as it has come to stand.
_ORDER_CHANGED: Final = f"""
CREATE TRIGGER orders_changed AFTER UPDATE ON orders WHEN {_TOLD_CHANGED}
BEGIN
  UPDATE orders
    SET version = OLD.version + 1, actor = '{EXTERNAL_ACTOR}', reason = NULL, updated_at = {NOW_SQL}
    WHERE number = NEW.number AND NEW.version <= OLD.version;
  INSERT INTO order_history ({_HISTORY_COLUMNS})
    SELECT id, version, OLD.status, status, OLD.payment_status, payment_status, actor, reason, updated_at
    FROM orders WHERE number = NEW.number;
  INSERT INTO feed ({FEED_COLUMNS})
    SELECT
      CASE
        WHEN OLD.status <> status THEN 'order.status_changed'
        WHEN OLD.payment_status <> payment_status THEN 'order.payment_changed'
        ELSE 'order.changed'
      END,
      id, version, actor, reason, updated_at, {order_document("OLD")}, {order_document("orders")}
    FROM orders WHERE number = NEW.number;
END
"""  # noqa: S608 - made of column names alone

ORDER_TRIGGERS: Final[dict[str, str]] = {
    "orders_placed": _ORDER_PLACED.strip(),
    "orders_changed": _ORDER_CHANGED.strip(),
    "orders_kept": refused("orders_kept", "DELETE ON orders", "an order is cancelled, never deleted"),
    "orders_named_once": refused(
        "orders_named_once",
        "UPDATE ON orders WHEN OLD.id IS NOT NEW.id OR OLD.number IS NOT NEW.number",
        "an order keeps its id and number",
    ),
    "history_kept": refused("history_kept", "DELETE ON order_history", "history is only ever added to"),
    "history_unchanged": refused("history_unchanged", "UPDATE ON order_history", "history is only ever added to"),
}
