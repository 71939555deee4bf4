"""Triggers of orders: each change is numbered, recorded in history, and written to the feed."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.commerce.people import Role
from ordercast.commerce.transitions import FAILING, RESTOCKING
from ordercast.db.conversations.subject_triggers import FOLLOW_ORDER
from ordercast.db.deliveries import DELIVERY_MOVED
from ordercast.db.dialects import Refusal, Trigger
from ordercast.db.noun import ERASED_ACTOR
from ordercast.db.sql import literals
from ordercast.db.trigger_helpers import FEED_COLUMNS, changed, refused, same
from ordercast.db.types import ChangeKind

from .document import PUBLISHED_COLUMNS, order_document
from .rules import RULES
from .table import order_history

_HISTORY_COLUMNS: Final = (
    "order_id, version, from_status, to_status, from_payment_status, to_payment_status, actor, reason, at, promised_at"
)
_ENDS: Final = f"OLD.status <> NEW.status AND NEW.status IN ({literals(RESTOCKING)})"


# --- History and feed -------------------------------------------------------------------------------------------------

_OLD, _NEW, _NOW = order_document("OLD"), order_document("NEW"), order_document("orders")

_PLACED: Final = (
    Refusal(
        "order_promotion: there is no such promotion",
        "NEW.promo_code IS NOT NULL AND NOT EXISTS (SELECT 1 FROM promotions WHERE code = NEW.promo_code)",
    ),
    cleandoc(f"""
        UPDATE promotions SET uses = uses + 1
          WHERE code = NEW.promo_code AND NEW.status NOT IN ({literals(RESTOCKING)})
    """),
    cleandoc(f"""
        INSERT INTO order_history ({_HISTORY_COLUMNS})
          VALUES (NEW.id, NEW.version, NULL, NEW.status, NULL, NEW.payment_status, NEW.actor, NEW.reason,
            NEW.updated_at, NEW.promised_at)
    """),
    cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          VALUES (
            CASE NEW.status WHEN 'pending' THEN '{ChangeKind.ORDER_PLACED}' ELSE '{ChangeKind.ORDER_IMPORTED}' END,
            NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at, NULL, {_NEW})
    """),
)

# Returns stock here, whoever ends the order, and once, as such an end is final. Before the feed row, which must be a
# change's last. Uses reset by another program do not block it.
_PIECES: Final = "SELECT sum(quantity) FROM order_lines WHERE order_number = NEW.number AND product_id = products.id"
_GIVE_BACK: Final = (
    cleandoc(f"""
        UPDATE products
          SET stock = stock + ({_PIECES}), sold = sold - ({_PIECES})
          WHERE {_ENDS} AND id IN (SELECT product_id FROM order_lines WHERE order_number = NEW.number)
    """),
    f"UPDATE promotions SET uses = uses - 1\n  WHERE code = NEW.promo_code AND uses > 0 AND {_ENDS}",
)

_FAILS: Final = f"OLD.status <> NEW.status AND NEW.status IN ({literals(FAILING)})"
# The inner UPDATE changes no published column, so the trigger does not fire again, whatever SQLite's
# recursive_triggers. The feed row is then made from the resulting row.
_CHANGED: Final = (
    cleandoc(f"""
        UPDATE orders
          SET version = OLD.version + 1, actor = @external_actor, reason = NULL, updated_at = @now,
            attempts = attempts + CASE WHEN {_FAILS} AND NEW.attempts = OLD.attempts THEN 1 ELSE 0 END
          WHERE number = NEW.number AND NEW.version <= OLD.version
    """),
    # For writers that do not set it.
    cleandoc(f"""
        UPDATE orders SET status_since = updated_at
          WHERE number = NEW.number AND OLD.status <> NEW.status AND {same(["status_since"])}
    """),
    *_GIVE_BACK,
    DELIVERY_MOVED,
    FOLLOW_ORDER,
    cleandoc(f"""
        INSERT INTO order_history ({_HISTORY_COLUMNS})
          SELECT id, version, OLD.status, status, OLD.payment_status, payment_status, actor, reason, updated_at,
            promised_at
          FROM orders WHERE number = NEW.number
    """),
    cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          SELECT
            CASE
              WHEN OLD.status <> status THEN '{ChangeKind.ORDER_STATUS_CHANGED}'
              WHEN OLD.payment_status <> payment_status
                OR OLD.captured <> captured OR OLD.refunded <> refunded OR OLD.refunding <> refunding
                THEN '{ChangeKind.ORDER_PAYMENT_CHANGED}'
              ELSE '{ChangeKind.ORDER_CHANGED}'
            END,
            id, version, actor, reason, updated_at, {_OLD}, {_NOW}
          FROM orders WHERE number = NEW.number
    """),
)

# --- Lines ------------------------------------------------------------------------------------------------------------

# A writer that took the stock itself, as ours does for a batch, sets the line's flag.
_LINES_TAKE_STOCK: Final = (
    Refusal(
        "order_lines: what was given back cannot be sold again by the same order",
        f"(SELECT status FROM orders WHERE number = NEW.order_number @postgresql(FOR SHARE))"
        f" IN ({literals(RESTOCKING)})",
    ),
    "UPDATE products SET stock = stock - NEW.quantity, sold = sold + NEW.quantity WHERE id = NEW.product_id",
    "UPDATE order_lines SET reserved = 1 WHERE order_number = NEW.order_number AND position = NEW.position",
)

# --- What stays as it was written -------------------------------------------------------------------------------------

# The only change of history: erasing a customer removes person and reason.
_BY_CUSTOMER: Final = f"{Role.CUSTOMER}:"
_KEPT_COLUMNS: Final = [name for name in order_history.columns if name not in {"actor", "reason"}]
_FORGETS: Final = (
    f"(substr(OLD.actor, 1, {len(_BY_CUSTOMER)}) = '{_BY_CUSTOMER}' OR OLD.actor = '{Role.GUEST}')"
    f" AND NEW.actor = '{ERASED_ACTOR}' AND NEW.reason IS NULL AND {same(_KEPT_COLUMNS)}"
)
_SOLD: Final = "order_lines: what was sold stays written"
_ADDED_TO: Final = "history is only ever added to"

TRIGGERS: Final = (
    *RULES,
    Trigger("orders_placed", "AFTER INSERT", "orders", _PLACED),
    Trigger("orders_changed", "AFTER UPDATE", "orders", _CHANGED, when=changed(PUBLISHED_COLUMNS)),
    Trigger("lines_take_stock", "AFTER INSERT", "order_lines", _LINES_TAKE_STOCK, when="NEW.reserved = 0"),
    refused(
        "orders_keep_promotion",
        "UPDATE",
        "orders",
        "order_promotion: an order keeps its promotion",
        when=changed(["promo_code"]),
    ),
    refused("lines_kept", "DELETE", "order_lines", _SOLD),
    refused(
        "lines_unchanged",
        "UPDATE",
        "order_lines",
        _SOLD,
        when=f"{changed(['product_id', 'quantity', 'order_number'])} OR OLD.reserved > NEW.reserved",
    ),
    refused("orders_kept", "DELETE", "orders", "an order is cancelled, never deleted"),
    refused(
        "orders_named_once", "UPDATE", "orders", "an order keeps its id and number", when=changed(["id", "number"])
    ),
    refused("history_kept", "DELETE", "order_history", _ADDED_TO),
    refused("history_unchanged", "UPDATE", "order_history", _ADDED_TO, when=f"NOT ({_FORGETS})"),
)
