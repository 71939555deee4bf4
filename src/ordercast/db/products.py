"""Looking at products, and adding to the catalogue."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ordercast.commerce.catalogue import Product

from .transaction import Transaction


def find(transaction: Transaction, product_id: str) -> Product | None:
    row = transaction.one(transaction.sql.products.by_id, id=product_id)
    return None if row is None else Product(*row)


def page(transaction: Transaction, after: str, limit: int) -> list[Product]:
    """The next products by id after `after` ("" for the first)."""
    return [Product(*row) for row in transaction.all(transaction.sql.products.after, after=after, limit=limit)]


def add(transaction: Transaction, products: Iterable[Product]) -> None:
    """Keep new products; one whose slug is known keeps its price and stock."""
    transaction.many(transaction.sql.products.add, [msgspec.structs.asdict(product) for product in products])
