"""Orders and their history: every change is numbered, written down and told."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.commerce.people import Role
from ordercast.commerce.transitions import FAILING, RESTOCKING
from ordercast.db.columns import names
from ordercast.db.dialects import Dialect, Refusal, Trigger
from ordercast.db.documents import TOLD_COLUMNS, order_document
from ordercast.db.personal import ERASED_ACTOR
from ordercast.db.schema import order_history
from ordercast.db.trigger_helpers import FEED_COLUMNS, changed, refused, same

from .deliveries import DELIVERY_MOVED
from .order_rules import order_rules

_HISTORY_COLUMNS: Final = (
    "order_id, version, from_status, to_status, from_payment_status, to_payment_status, actor, reason, at"
)
_ENDS: Final = f"OLD.status <> NEW.status AND NEW.status IN ({names(RESTOCKING)})"


def order_triggers(dialect: Dialect) -> list[Trigger]:
    return [*order_rules(dialect), _placed(), _changed(dialect), _lines_take_stock(dialect), *_KEPT]


# --- What is written down and told ------------------------------------------------------------------------------------


def _placed() -> Trigger:
    body = (
        Refusal(
            "order_promotion: there is no such promotion",
            "NEW.promo_code IS NOT NULL AND NOT EXISTS (SELECT 1 FROM promotions WHERE code = NEW.promo_code)",
        ),
        cleandoc(f"""
            UPDATE promotions SET uses = uses + 1
              WHERE code = NEW.promo_code AND NEW.status NOT IN ({names(RESTOCKING)})
        """),
        cleandoc(f"""
            INSERT INTO order_history ({_HISTORY_COLUMNS})
              VALUES (NEW.id, NEW.version, NULL, NEW.status, NULL, NEW.payment_status, NEW.actor, NEW.reason,
                NEW.updated_at)
        """),
        cleandoc(f"""
            INSERT INTO feed ({FEED_COLUMNS})
              VALUES (CASE NEW.status WHEN 'pending' THEN 'order.placed' ELSE 'order.imported' END,
                NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at, NULL, {order_document("NEW")})
        """),
    )
    return Trigger("orders_placed", "AFTER INSERT", "orders", body)


def _changed(dialect: Dialect) -> Trigger:
    # The inner UPDATE changes nothing that is told, so the trigger's own condition keeps it from firing again, whatever
    # SQLite's recursive_triggers. What is then told is read from the row as it has come to stand.
    failed_again = f"OLD.status <> NEW.status AND NEW.status IN ({names(FAILING)}) AND NEW.attempts = OLD.attempts"
    body = (
        cleandoc(f"""
            UPDATE orders
              SET version = OLD.version + 1, actor = {dialect.external_actor}, reason = NULL,
                updated_at = {dialect.now}, attempts = attempts + CASE WHEN {failed_again} THEN 1 ELSE 0 END
              WHERE number = NEW.number AND NEW.version <= OLD.version
        """),
        *_GIVE_BACK,
        DELIVERY_MOVED,
        cleandoc(f"""
            INSERT INTO order_history ({_HISTORY_COLUMNS})
              SELECT id, version, OLD.status, status, OLD.payment_status, payment_status, actor, reason, updated_at
              FROM orders WHERE number = NEW.number
        """),
        cleandoc(f"""
            INSERT INTO feed ({FEED_COLUMNS})
              SELECT
                CASE
                  WHEN OLD.status <> status THEN 'order.status_changed'
                  WHEN OLD.payment_status <> payment_status
                    OR OLD.captured <> captured OR OLD.refunded <> refunded OR OLD.refunding <> refunding
                    THEN 'order.payment_changed'
                  ELSE 'order.changed'
                END,
                id, version, actor, reason, updated_at,
                {order_document("OLD")}, {order_document("orders")}
              FROM orders WHERE number = NEW.number
        """),
    )
    return Trigger("orders_changed", "AFTER UPDATE", "orders", body, when=changed(TOLD_COLUMNS))


# Given back here, so that it is whoever ends the order; and once, for no move leads on from such an end. Before the
# feed's row, which stays the last that a change of an order writes. Uses that another program has set back do not keep
# an order from ending.
_PIECES: Final = "SELECT sum(quantity) FROM order_lines WHERE order_number = NEW.number AND product_id = products.id"
_GIVE_BACK: Final = (
    cleandoc(f"""
        UPDATE products
          SET stock = stock + ({_PIECES}), sold = sold - ({_PIECES})
          WHERE {_ENDS} AND id IN (SELECT product_id FROM order_lines WHERE order_number = NEW.number)
    """),
    f"UPDATE promotions SET uses = uses - 1\n  WHERE code = NEW.promo_code AND uses > 0 AND {_ENDS}",
)

# --- Lines ------------------------------------------------------------------------------------------------------------


def _lines_take_stock(dialect: Dialect) -> Trigger:
    # A writer that has taken the pieces itself, as ours does for a whole group at once, says so on the line.
    status = dialect.held("SELECT status FROM orders WHERE number = NEW.order_number")
    body = (
        Refusal(
            "order_lines: what was given back cannot be sold again by the same order",
            f"({status}) IN ({names(RESTOCKING)})",
        ),
        "UPDATE products SET stock = stock - NEW.quantity, sold = sold + NEW.quantity WHERE id = NEW.product_id",
        "UPDATE order_lines SET reserved = 1 WHERE order_number = NEW.order_number AND position = NEW.position",
    )
    return Trigger("lines_take_stock", "AFTER INSERT", "order_lines", body, when="NEW.reserved = 0")


# --- What stays as it was written -------------------------------------------------------------------------------------

# The one change that history takes: a customer who is erased leaves it as a person, and with them what they wrote.
_BY_CUSTOMER: Final = f"{Role.CUSTOMER}:"
_KEPT_COLUMNS: Final = [name for name in order_history.c.keys() if name not in {"actor", "reason"}]  # noqa: SIM118
_FORGETS: Final = (
    f"substr(OLD.actor, 1, {len(_BY_CUSTOMER)}) = '{_BY_CUSTOMER}' AND NEW.actor = '{ERASED_ACTOR}'"
    f" AND NEW.reason IS NULL AND {same(_KEPT_COLUMNS)}"
)
_SOLD: Final = "order_lines: what was sold stays written"
_ADDED_TO: Final = "history is only ever added to"

_KEPT: Final = [
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
]
