"""Looking at products, and the shop's work on its catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ordercast.commerce.catalogue import Product
from ordercast.commerce.errors import EditConflict, InvalidField, NotFound, TooFewLeft
from ordercast.commerce.moments import Moment
from ordercast.commerce.people import Actor

from .transaction import Transaction
from .triggers.making import IMPORTING

TABLE: Final = "products"


def product_of(row: tuple[Any, ...]) -> Product:
    """A product from its columns, in the order of its fields. Raises msgspec.ValidationError."""
    values = (*row[:-2], bool(row[-2]), row[-1])
    return msgspec.convert(dict(zip(Product.__struct_encode_fields__, values, strict=True)), Product)


def _row(product: Product, actor: Actor, reason: str | None, now: Moment) -> dict[str, Any]:
    written = {"active": int(product.active), "actor": str(actor), "reason": reason, "updated_at": now}
    return msgspec.structs.asdict(product) | written


def find(transaction: Transaction, product_id: str) -> Product | None:
    return transaction.read_one(transaction.sql.products.by_id, product_of, TABLE, id=product_id)


def page(transaction: Transaction, after: str, limit: int, *, every: bool = False) -> list[Product]:
    """The next products by id after `after` ("" for the first): those for sale, or `every` one."""
    sql = transaction.sql.products
    statement = sql.every_after if every else sql.for_sale_after
    return transaction.page(statement, product_of, TABLE, after=after, limit=limit)


def seed(transaction: Transaction, products: Iterable[Product], actor: Actor, now: Moment) -> None:
    """Bring in a catalogue, of which nobody is told; a product whose slug is known keeps its price and stock."""
    rows = [_row(product, actor, None, now) for product in products]
    transaction.run(transaction.sql.meta.keep, name=IMPORTING, value=str(actor))
    transaction.many(transaction.sql.products.add, rows)
    transaction.run(transaction.sql.meta.forget, name=IMPORTING)


def add(transaction: Transaction, product: Product, actor: Actor, now: Moment) -> None:
    """Keep a new product. Raises InvalidField for a slug that is known."""
    if transaction.run(transaction.sql.products.add, **_row(product, actor, None, now)) == 0:
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
    now: Moment,
) -> Product:
    """Change some of a product's fields, and its stock by so many pieces.

    Raises NotFound, EditConflict, TooFewLeft, and InvalidField for a slug that another has.
    """
    found = transaction.one(transaction.sql.products.by_id_to_change, id=product_id)
    if found is None:
        raise NotFound("product")
    before = transaction.decoded(found, product_of, TABLE)
    if before.version != expected_version:
        row = transaction.one(transaction.sql.products.last_edit, id=product_id)
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
            transaction.sql.products.edit,
            product_id=product_id,
            **{f"new_{name}": value for name, value in values.items()},
        )
    except transaction.refusals:
        if after.slug == before.slug:
            raise
        raise InvalidField("slug", f"There is a product {after.slug!r} already.") from None
    return msgspec.structs.replace(after, version=before.version + 1)


def history(transaction: Transaction, product_id: str, *, after: int, limit: int) -> list[tuple[Any, ...]]:
    """The next edits behind the entry `after`, oldest first: each its entry, and what ``statements.catalogue._HISTORY``
    names.
    """
    return transaction.all(transaction.sql.products.history, product_id=product_id, after=after, limit=limit)
