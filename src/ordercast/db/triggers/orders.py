"""Orders and their history: every change is numbered, written down and told."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.people import Role
from ordercast.commerce.transitions import FAILING, GIVING_BACK
from ordercast.db.dialects import SQLITE
from ordercast.db.documents import TOLD_COLUMNS, order_document
from ordercast.db.personal import ERASED_ACTOR
from ordercast.db.schema import EXTERNAL_ACTOR, NOW_SQL, order_history
from ordercast.db.schema.columns import names

from .deliveries import DELIVERY_MOVED
from .making import FEED_COLUMNS, refused, same
from .order_rules import ORDER_RULES

_HISTORY_COLUMNS: Final = (
    "order_id, version, from_status, to_status, from_payment_status, to_payment_status, actor, reason, at"
)
_TOLD_CHANGED: Final = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in TOLD_COLUMNS)

_ORDER_PLACED: Final = f"""
CREATE TRIGGER orders_placed AFTER INSERT ON orders
BEGIN
  SELECT RAISE(ABORT, 'order_promotion: there is no such promotion')
    WHERE NEW.promo_code IS NOT NULL AND NOT EXISTS (SELECT 1 FROM promotions WHERE code = NEW.promo_code);
  UPDATE promotions SET uses = uses + 1
    WHERE code = NEW.promo_code AND NEW.status NOT IN ({names(GIVING_BACK)});
  INSERT INTO order_history ({_HISTORY_COLUMNS})
    VALUES (NEW.id, NEW.version, NULL, NEW.status, NULL, NEW.payment_status, NEW.actor, NEW.reason, NEW.updated_at);
  INSERT INTO feed ({FEED_COLUMNS})
    VALUES (CASE NEW.status WHEN 'pending' THEN 'order.placed' ELSE 'order.imported' END,
      NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at, NULL, {order_document("NEW", SQLITE)});
END
"""  # noqa: S608 - made of column names alone

# Given back here, so that it is whoever ends the order; and once, for no move leads on from such an end. Before the
# feed's row, which stays the last that a change of an order writes. Uses that another program has set back do not keep
# an order from ending.
_PIECES: Final = "SELECT sum(quantity) FROM order_lines WHERE order_number = NEW.number AND product_id = products.id"
_GIVE_BACK: Final = f"""
  UPDATE products
    SET stock = stock + ({_PIECES}), sold = sold - ({_PIECES})
    WHERE OLD.status <> NEW.status AND NEW.status IN ({names(GIVING_BACK)})
      AND id IN (SELECT product_id FROM order_lines WHERE order_number = NEW.number);
  UPDATE promotions SET uses = max(uses - 1, 0)
    WHERE code = NEW.promo_code AND OLD.status <> NEW.status AND NEW.status IN ({names(GIVING_BACK)});
"""  # noqa: S608 - made of column names alone

_FAILED_AGAIN: Final = f"OLD.status <> NEW.status AND NEW.status IN ({names(FAILING)}) AND NEW.attempts = OLD.attempts"

# The inner UPDATE changes nothing that is told, so the trigger's own condition keeps it from firing again, whatever
# the connection's recursive_triggers. What is then told is read from the row as it has come to stand.
_ORDER_CHANGED: Final = f"""
CREATE TRIGGER orders_changed AFTER UPDATE ON orders WHEN {_TOLD_CHANGED}
BEGIN
  UPDATE orders
    SET version = OLD.version + 1, actor = '{EXTERNAL_ACTOR}', reason = NULL, updated_at = {NOW_SQL},
      attempts = attempts + ({_FAILED_AGAIN})
    WHERE number = NEW.number AND NEW.version <= OLD.version;
  {_GIVE_BACK.strip()}
  {DELIVERY_MOVED}
  INSERT INTO order_history ({_HISTORY_COLUMNS})
    SELECT id, version, OLD.status, status, OLD.payment_status, payment_status, actor, reason, updated_at
    FROM orders WHERE number = NEW.number;
  INSERT INTO feed ({FEED_COLUMNS})
    SELECT
      CASE
        WHEN OLD.status <> status THEN 'order.status_changed'
        WHEN OLD.payment_status <> payment_status
          OR OLD.captured <> captured OR OLD.refunded <> refunded OR OLD.refunding <> refunding
          THEN 'order.payment_changed'
        ELSE 'order.changed'
      END,
      id, version, actor, reason, updated_at, {order_document("OLD", SQLITE)}, {order_document("orders", SQLITE)}
    FROM orders WHERE number = NEW.number;
END
"""  # noqa: S608 - made of column names alone

# A writer that has taken the pieces itself, as ours does for a whole group at once, says so on the line.
_LINE_TAKES_STOCK: Final = f"""
CREATE TRIGGER lines_take_stock AFTER INSERT ON order_lines WHEN NEW.reserved = 0
BEGIN
  SELECT RAISE(ABORT, 'order_lines: what was given back cannot be sold again by the same order')
    WHERE (SELECT status FROM orders WHERE number = NEW.order_number) IN ({names(GIVING_BACK)});
  UPDATE products SET stock = stock - NEW.quantity, sold = sold + NEW.quantity WHERE id = NEW.product_id;
  UPDATE order_lines SET reserved = 1 WHERE order_number = NEW.order_number AND position = NEW.position;
END
"""  # noqa: S608 - made of column names alone

# The one change that history takes: a customer who is erased leaves it as a person, and with them what they wrote.
_KEPT_COLUMNS: Final = [name for name in order_history.c.keys() if name not in {"actor", "reason"}]  # noqa: SIM118
_FORGETS: Final = (
    f"OLD.actor GLOB '{Role.CUSTOMER}:*' AND NEW.actor = '{ERASED_ACTOR}' AND NEW.reason IS NULL"
    f" AND {same(_KEPT_COLUMNS)}"
)

ORDER_TRIGGERS: Final[dict[str, str]] = {
    **ORDER_RULES,
    "orders_placed": _ORDER_PLACED.strip(),
    "orders_changed": _ORDER_CHANGED.strip(),
    "orders_keep_promotion": refused(
        "orders_keep_promotion",
        "UPDATE ON orders WHEN OLD.promo_code IS NOT NEW.promo_code",
        "order_promotion: an order keeps its promotion",
    ),
    "lines_take_stock": _LINE_TAKES_STOCK.strip(),
    "lines_kept": refused("lines_kept", "DELETE ON order_lines", "order_lines: what was sold stays written"),
    "lines_unchanged": refused(
        "lines_unchanged",
        "UPDATE ON order_lines WHEN OLD.product_id IS NOT NEW.product_id OR OLD.quantity IS NOT NEW.quantity"
        " OR OLD.order_number IS NOT NEW.order_number OR OLD.reserved > NEW.reserved",
        "order_lines: what was sold stays written",
    ),
    "orders_kept": refused("orders_kept", "DELETE ON orders", "an order is cancelled, never deleted"),
    "orders_named_once": refused(
        "orders_named_once",
        "UPDATE ON orders WHEN OLD.id IS NOT NEW.id OR OLD.number IS NOT NEW.number",
        "an order keeps its id and number",
    ),
    "history_kept": refused("history_kept", "DELETE ON order_history", "history is only ever added to"),
    "history_unchanged": refused(
        "history_unchanged", f"UPDATE ON order_history WHEN NOT ({_FORGETS})", "history is only ever added to"
    ),
}
