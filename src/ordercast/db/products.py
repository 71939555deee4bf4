"""Units of work on products, stock and the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import cleandoc
from typing import Any, Final

import msgspec

from ordercast.commerce.catalogue import Product
from ordercast.commerce.errors import EditConflict, InvalidField, NotFound, TooFewLeft
from ordercast.commerce.money import PRICE_MINOR_MAX
from ordercast.commerce.people import Actor
from ordercast.commerce.timestamps import Timestamp

from . import columns, meta
from .columns import (
    check,
    entry,
    flag,
    given_moment,
    identifier,
    index,
    integer,
    line,
    moment,
    table,
    text,
    version,
    word,
)
from .dialects import Trigger
from .domains import COUNT_MAX
from .noun import Impersonal, Noun
from .statement import Statement, statements_in
from .transaction import Transaction
from .trigger_helpers import FEED_COLUMNS, IMPORTING, changed, feed_row, refused
from .types import ChangeKind

TABLE: Final = "products"
STOCK_KEEPER: Final = "service:stock"
"""The actor when an order takes the last piece."""

products = table(
    TABLE,
    identifier("id", prefix="prd", primary_key=True),
    line("slug", unique=True),
    line("name"),
    line("name_bn", default=""),
    text("description", default=""),
    text("description_bn", default=""),
    integer("price", check("price_bounds", f"price BETWEEN 0 AND {PRICE_MINOR_MAX}")),
    columns.currency("BDT"),
    integer("stock", check("stock_not_negative", "stock >= 0")),
    word("tax_class", default="standard"),
    line("image", default=""),
    given_moment("sold_out_until", optional=True),
    flag("active", True),
    version(),
    # Pieces sold. Orders move pieces between `stock` and `sold`; only counting changes their sum.
    integer("sold", default=0),
    columns.actor(),
    columns.reason(),
    moment("updated_at"),
    index("products_for_sale", "id", where="active = 1"),
    index("products_by_tax_class", "tax_class", where="active = 1"),
    # On the sum, which orders do not change: separate bounds could refuse a return.
    check("stock_within_bounds", f"stock + sold BETWEEN -{COUNT_MAX} AND {COUNT_MAX}"),
    check("stock_is_count", f"stock <= {2 * COUNT_MAX}"),
)

product_history = table(
    "product_history",
    entry(),
    identifier("product_id"),
    version(None),
    columns.document("before", optional=True),
    columns.document("after"),
    columns.actor(given=True),
    columns.reason(),
    given_moment("at"),
    index("product_history_by_product", "product_id", "entry"),
)

# --- Statements -------------------------------------------------------------------------------------------------------

_PRODUCT: Final = """
    SELECT id, slug, name, name_bn, description, description_bn, price, currency, stock, tax_class, image,
      sold_out_until, active, version
    FROM products
"""
BY_ID: Final = Statement(f"{_PRODUCT} WHERE id = :id")
BY_ID_FOR_UPDATE: Final = Statement(f"{_PRODUCT} WHERE id = :id @for_update")
BY_IDS: Final = Statement(f"{_PRODUCT} WHERE id IN (@json_texts(:ids))")
# Locked in one order, against deadlocks.
BY_IDS_FOR_UPDATE: Final = Statement(f"{_PRODUCT} WHERE id IN (@json_texts(:ids)) ORDER BY id @for_update")
UNLOCKED: Final = Statement(f"{_PRODUCT} WHERE id IN (@json_texts(:ids)) @for_update @postgresql(SKIP LOCKED)")
ALL_AFTER: Final = Statement(f"{_PRODUCT} WHERE id > :after ORDER BY id LIMIT :limit")
FOR_SALE_AFTER: Final = Statement(f"{_PRODUCT} WHERE id > :after AND active = 1 ORDER BY id LIMIT :limit")
RESERVE: Final = Statement("""
    UPDATE products SET stock = products.stock - taken.quantity, sold = products.sold + taken.quantity
    FROM (@json_rows(:rows, id ordercast_id, quantity bigint)) AS taken
    WHERE products.id = taken.id
""")
ADD: Final = Statement("""
    INSERT INTO products (id, slug, name, name_bn, description, description_bn, price, currency, stock, tax_class,
      image, sold_out_until, active, version, actor, reason, updated_at)
    VALUES (:id, :slug, :name, :name_bn, :description, :description_bn, :price, :currency, :stock, :tax_class,
      :image, :sold_out_until, :active, :version, :actor, :reason, :updated_at)
    ON CONFLICT (slug) DO NOTHING
""")
# Checks the version, against lost updates.
EDIT: Final = Statement("""
    UPDATE products SET slug = :new_slug, name = :new_name, name_bn = :new_name_bn, description = :new_description,
      description_bn = :new_description_bn, price = :new_price, currency = :new_currency, stock = :new_stock,
      tax_class = :new_tax_class, image = :new_image, sold_out_until = :new_sold_out_until, active = :new_active,
      version = version + 1, actor = :new_actor, reason = :new_reason, updated_at = :new_updated_at
    WHERE id = :product_id
""")
SOLD_OUT: Final = Statement("""
    UPDATE products SET sold_out_until = :new_sold_out_until, version = version + 1, actor = :new_actor, reason = NULL,
      updated_at = :new_updated_at
    WHERE id = :product_id
""")
LAST_EDIT: Final = Statement("SELECT actor, updated_at FROM products WHERE id = :id")
HISTORY: Final = Statement("""
    SELECT entry, version, before, after, actor, reason, at
    FROM product_history WHERE product_id = :product_id AND entry > :after ORDER BY entry LIMIT :limit
""")

# --- Triggers ---------------------------------------------------------------------------------------------------------
# Each edit is numbered, recorded in history and published; so are selling out and being available again.

_MEMBERS: Final = dict(zip(Product.__struct_encode_fields__, Product.__struct_fields__, strict=True))
_COLUMNS: Final = tuple(_MEMBERS.values())


def product_document(row: str) -> str:
    """SQL for a product's document; `row` as for ``orders.document``."""
    pairs = (
        f"'{key}', {f'@json_truth({row}.active)' if column == 'active' else f'{row}.{column}'}"
        for key, column in _MEMBERS.items()
    )
    return f"@json_text(@json_object({', '.join(pairs)}))"


_HISTORY_COLUMNS: Final = "product_id, version, before, after, actor, reason, at"
_OLD, _NEW, _NOW = product_document("OLD"), product_document("NEW"), product_document("products")

# A loaded catalogue is not published.
_ADDED: Final = (
    cleandoc(f"""
        INSERT INTO product_history ({_HISTORY_COLUMNS})
          VALUES (NEW.id, NEW.version, NULL, {_NEW}, NEW.actor, NEW.reason, NEW.updated_at)
    """),
    cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          SELECT '{ChangeKind.PRODUCT_ADDED}', NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at, NULL, {_NEW}
          WHERE NOT EXISTS (SELECT 1 FROM meta WHERE name = '{IMPORTING}')
    """),
)

# Moves between `stock` and `sold` are orders' changes, not the catalogue's.
_IS_EDITED: Final = "OLD.stock + OLD.sold <> NEW.stock + NEW.sold OR " + changed(
    column for column in _COLUMNS if column not in {"stock", "version"}
)
# The inner UPDATE changes no such column, so this does not fire again.
_EDITED: Final = (
    cleandoc("""
        UPDATE products
          SET version = OLD.version + 1, actor = @external_actor, reason = NULL, updated_at = @now
          WHERE id = NEW.id AND NEW.version <= OLD.version
    """),
    cleandoc(f"""
        INSERT INTO product_history ({_HISTORY_COLUMNS})
          SELECT id, version, {_OLD}, {_NOW}, actor, reason, updated_at
          FROM products WHERE id = NEW.id
    """),
    cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          SELECT '{ChangeKind.PRODUCT_CHANGED}', id, version, actor, reason, updated_at,
            {_OLD}, {_NOW}
          FROM products WHERE id = NEW.id
    """),
)
_SOLD_OUT: Final = feed_row(
    ChangeKind.PRODUCT_CHANGED,
    "NEW.id",
    version="NEW.version",
    actor=f"'{STOCK_KEEPER}'",
    at="@now",
    before=_OLD,
    after=_NEW,
)
_SOLD_OUT_OR_BACK: Final = "(OLD.stock = 0) <> (NEW.stock = 0)"
_ADDED_TO: Final = "history is only ever added to"

_TRIGGERS: Final = (
    Trigger("products_added", "AFTER INSERT", "products", _ADDED),
    Trigger("products_edited", "AFTER UPDATE", "products", _EDITED, when=_IS_EDITED),
    Trigger(
        "products_sold_out",
        "AFTER UPDATE OF stock",
        "products",
        (_SOLD_OUT,),
        when=f"{_SOLD_OUT_OR_BACK} AND NOT ({_IS_EDITED})",
    ),
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
)

NOUN: Final = Noun(
    name="products",
    tables=(products, product_history),
    statements=statements_in(globals()),
    triggers=_TRIGGERS,
    personal={
        "products": Impersonal("the catalogue"),
        "product_history": Impersonal("what became of the catalogue, and who of the shop did it"),
    },
)

# --- Units of work ----------------------------------------------------------------------------------------------------


def product_of(row: tuple[Any, ...]) -> Product:
    """Convert a row in the order of fields. Raises msgspec.ValidationError."""
    values = (*row[:-2], bool(row[-2]), row[-1])
    return msgspec.convert(dict(zip(Product.__struct_encode_fields__, values, strict=True)), Product)


def _row(product: Product, actor: Actor, reason: str | None, now: Timestamp) -> dict[str, Any]:
    written = {"active": int(product.active), "actor": str(actor), "reason": reason, "updated_at": now}
    return msgspec.structs.asdict(product) | written


def find(transaction: Transaction, product_id: str) -> Product | None:
    return transaction.read_one(BY_ID, product_of, TABLE, id=product_id)


def page(transaction: Transaction, after: str, limit: int, *, every: bool = False) -> list[Product]:
    """A page of products by id after `after` ("" for the first): those for sale, or `every` one."""
    return transaction.page(ALL_AFTER if every else FOR_SALE_AFTER, product_of, TABLE, after=after, limit=limit)


def seed(transaction: Transaction, catalogue: Iterable[Product], actor: Actor, now: Timestamp) -> None:
    """Load a catalogue without publishing it; a known slug keeps its price and stock."""
    rows = [_row(product, actor, None, now) for product in catalogue]
    transaction.run(meta.KEEP, name=IMPORTING, value=str(actor))
    transaction.many(ADD, rows)
    transaction.run(meta.FORGET, name=IMPORTING)


def add(transaction: Transaction, product: Product, actor: Actor, now: Timestamp) -> None:
    """Insert a product. Raises InvalidField for a known slug."""
    if transaction.run(ADD, **_row(product, actor, None, now)) == 0:
        raise InvalidField("slug", f"There is a product {product.slug!r} already.")


def edit(
    transaction: Transaction,
    product_id: str,
    changes: dict[str, Any],
    *,
    stock_by: int,
    reason: str | None,
    expected_version: int,
    actor: Actor,
    now: Timestamp,
) -> Product:
    """Edit a product, and change its stock by so many pieces.

    Raises NotFound, EditConflict, TooFewLeft, and InvalidField for another's slug.
    """
    found = transaction.one(BY_ID_FOR_UPDATE, id=product_id)
    if found is None:
        raise NotFound("product")
    before = transaction.decoded(found, product_of, TABLE)
    if before.version != expected_version:
        row = transaction.one(LAST_EDIT, id=product_id)
        raise EditConflict("product", before.version, expected_version, *(row or ("", "")))
    after = msgspec.structs.replace(before, **changes, stock=before.stock + stock_by)
    if after == before:
        return before
    if after.stock < 0:
        raise TooFewLeft(before.stock, -stock_by)
    values = _row(after, actor, reason, now)
    del values["id"], values["version"]
    try:
        transaction.run(
            EDIT,
            product_id=product_id,
            **{f"new_{name}": value for name, value in values.items()},
        )
    except transaction.refusals:
        if after.slug == before.slug:
            raise
        raise InvalidField("slug", f"There is a product {after.slug!r} already.") from None
    return msgspec.structs.replace(after, version=before.version + 1)


def set_sold_out(
    transaction: Transaction, product_id: str, until: Timestamp | None, *, actor: Actor, now: Timestamp
) -> Product:
    """Have a product sold out until then, or sold again; its stock stays. Raises NotFound."""
    found = transaction.one(BY_ID_FOR_UPDATE, id=product_id)
    if found is None:
        raise NotFound("product")
    before = transaction.decoded(found, product_of, TABLE)
    if before.sold_out_until == until:
        return before
    values = {"new_sold_out_until": until, "new_actor": str(actor), "new_updated_at": now}
    transaction.run(SOLD_OUT, product_id=product_id, **values)
    return msgspec.structs.replace(before, sold_out_until=until, version=before.version + 1)


def history(transaction: Transaction, product_id: str, *, after: int, limit: int) -> list[tuple[Any, ...]]:
    """The next edits after `after`, oldest first, as `HISTORY`."""
    return transaction.all(HISTORY, product_id=product_id, after=after, limit=limit)
