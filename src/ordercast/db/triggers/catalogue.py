"""Products: every edit is numbered, written down and told; so is the moment when the last piece goes, or comes back."""

from __future__ import annotations

from typing import Final

from ordercast.db.documents import PRODUCT_COLUMNS, product_document
from ordercast.db.schema import EXTERNAL_ACTOR, NOW_SQL

from .making import FEED_COLUMNS, IMPORTING, refused

STOCK_KEEPER: Final = "service:stock"
"""Who is said to have acted where an order took the last piece."""

_HISTORY_COLUMNS: Final = "product_id, version, before, after, actor, reason, at"

# Orders move pieces between `stock` and `sold`: each is told as an order, and would drown the catalogue's own news.
_EDITED: Final = " OR ".join(
    [
        "OLD.stock + OLD.sold <> NEW.stock + NEW.sold",
        *(f"OLD.{column} IS NOT NEW.{column}" for column in PRODUCT_COLUMNS if column not in {"stock", "version"}),
    ]
)
_SOLD_OUT_OR_BACK: Final = "(OLD.stock = 0) <> (NEW.stock = 0)"

# A whole catalogue that is brought in is no news.
_ADDED: Final = f"""
CREATE TRIGGER products_added AFTER INSERT ON products
BEGIN
  INSERT INTO product_history ({_HISTORY_COLUMNS})
    VALUES (NEW.id, NEW.version, NULL, {product_document("NEW")}, NEW.actor, NEW.reason, NEW.updated_at);
  INSERT INTO feed ({FEED_COLUMNS})
    SELECT 'product.added', NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at, NULL, {product_document("NEW")}
    WHERE NOT EXISTS (SELECT 1 FROM meta WHERE name = '{IMPORTING}');
END
"""  # noqa: S608 - made of column names alone

# The inner UPDATE edits nothing, so it does not fire this again.
_CHANGED: Final = f"""
CREATE TRIGGER products_edited AFTER UPDATE ON products WHEN {_EDITED}
BEGIN
  UPDATE products
    SET version = OLD.version + 1, actor = '{EXTERNAL_ACTOR}', reason = NULL, updated_at = {NOW_SQL}
    WHERE id = NEW.id AND NEW.version <= OLD.version;
  INSERT INTO product_history ({_HISTORY_COLUMNS})
    SELECT id, version, {product_document("OLD")}, {product_document("products")}, actor, reason, updated_at
    FROM products WHERE id = NEW.id;
  INSERT INTO feed ({FEED_COLUMNS})
    SELECT 'product.changed', id, version, actor, reason, updated_at,
      {product_document("OLD")}, {product_document("products")}
    FROM products WHERE id = NEW.id;
END
"""  # noqa: S608 - made of column names alone

_SOLD: Final = f"""
CREATE TRIGGER products_sold_out AFTER UPDATE OF stock ON products WHEN {_SOLD_OUT_OR_BACK} AND NOT ({_EDITED})
BEGIN
  INSERT INTO feed ({FEED_COLUMNS})
    VALUES ('product.changed', NEW.id, NEW.version, '{STOCK_KEEPER}', NULL, {NOW_SQL},
      {product_document("OLD")}, {product_document("NEW")});
END
"""  # noqa: S608 - made of column names alone

CATALOGUE_TRIGGERS: Final[dict[str, str]] = {
    "products_added": _ADDED.strip(),
    "products_edited": _CHANGED.strip(),
    "products_sold_out": _SOLD.strip(),
    "products_kept": refused(
        "products_kept",
        "DELETE ON products WHEN EXISTS (SELECT 1 FROM order_lines WHERE product_id = OLD.id)",
        "product_sold: what was sold is made inactive, never deleted",
    ),
    "products_named_once": refused(
        "products_named_once", "UPDATE ON products WHEN OLD.id IS NOT NEW.id", "product_sold: a product keeps its id"
    ),
    "product_history_kept": refused(
        "product_history_kept", "DELETE ON product_history", "history is only ever added to"
    ),
    "product_history_unchanged": refused(
        "product_history_unchanged", "UPDATE ON product_history", "history is only ever added to"
    ),
}
