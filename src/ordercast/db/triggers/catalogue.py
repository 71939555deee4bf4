"""Products: every edit is numbered, written down and told; so is the moment when the last piece goes, or comes back."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.db.dialects import Dialect, Trigger
from ordercast.db.documents import PRODUCT_COLUMNS, product_document

from .making import FEED_COLUMNS, IMPORTING, changed, refused

STOCK_KEEPER: Final = "service:stock"
"""Who is said to have acted where an order took the last piece."""

_HISTORY_COLUMNS: Final = "product_id, version, before, after, actor, reason, at"

# Orders move pieces between `stock` and `sold`: each is told as an order, and would drown the catalogue's own news.
_EDITED: Final = (
    "OLD.stock + OLD.sold <> NEW.stock + NEW.sold OR "
    + changed(column for column in PRODUCT_COLUMNS if column not in {"stock", "version"})
)  # fmt: skip
_SOLD_OUT_OR_BACK: Final = "(OLD.stock = 0) <> (NEW.stock = 0)"
_ADDED_TO: Final = "history is only ever added to"


def catalogue_triggers(dialect: Dialect) -> list[Trigger]:
    return [
        _added(dialect),
        _edited(dialect),
        _sold_out(dialect),
        refused(
            "products_kept",
            "DELETE",
            "products",
            "product_sold: what was sold is made inactive, never deleted",
            when="EXISTS (SELECT 1 FROM order_lines WHERE product_id = OLD.id)",
        ),
        refused(
            "products_named_once",
            "UPDATE",
            "products",
            "product_sold: a product keeps its id",
            when="OLD.id IS DISTINCT FROM NEW.id",
        ),
        refused("product_history_kept", "DELETE", "product_history", _ADDED_TO),
        refused("product_history_unchanged", "UPDATE", "product_history", _ADDED_TO),
    ]


def _added(dialect: Dialect) -> Trigger:
    # A whole catalogue that is brought in is no news.
    document = product_document("NEW", dialect)
    history = cleandoc(f"""
        INSERT INTO product_history ({_HISTORY_COLUMNS})
          VALUES (NEW.id, NEW.version, NULL, {document}, NEW.actor, NEW.reason, NEW.updated_at)
    """)
    told = cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          SELECT 'product.added', NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at, NULL, {document}
          WHERE NOT EXISTS (SELECT 1 FROM meta WHERE name = '{IMPORTING}')
    """)
    return Trigger("products_added", "AFTER INSERT", "products", (history, told))


def _edited(dialect: Dialect) -> Trigger:
    # The inner UPDATE edits nothing, so it does not fire this again.
    before, after = product_document("OLD", dialect), product_document("products", dialect)
    numbered = cleandoc(f"""
        UPDATE products
          SET version = OLD.version + 1, actor = {dialect.external_actor}, reason = NULL, updated_at = {dialect.now}
          WHERE id = NEW.id AND NEW.version <= OLD.version
    """)
    history = cleandoc(f"""
        INSERT INTO product_history ({_HISTORY_COLUMNS})
          SELECT id, version, {before}, {after}, actor, reason, updated_at
          FROM products WHERE id = NEW.id
    """)
    told = cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          SELECT 'product.changed', id, version, actor, reason, updated_at,
            {before}, {after}
          FROM products WHERE id = NEW.id
    """)
    return Trigger("products_edited", "AFTER UPDATE", "products", (numbered, history, told), when=_EDITED)


def _sold_out(dialect: Dialect) -> Trigger:
    told = cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          VALUES ('product.changed', NEW.id, NEW.version, '{STOCK_KEEPER}', NULL, {dialect.now},
            {product_document("OLD", dialect)}, {product_document("NEW", dialect)})
    """)
    when = f"{_SOLD_OUT_OR_BACK} AND NOT ({_EDITED})"
    return Trigger("products_sold_out", "AFTER UPDATE OF stock", "products", (told,), when=when)
