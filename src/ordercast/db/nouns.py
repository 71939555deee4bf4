"""The nouns of the shop: a new one is a new module, named here. What all of them have is collected from this list."""

from __future__ import annotations

from typing import Final

from . import drivers, events, feed, idempotency, meta, products, promotions, sessions, shop
from .noun import Noun
from .statement import Statement

NOUNS: Final[tuple[Noun, ...]] = (
    products.NOUN,
    drivers.NOUN,
    events.NOUN,
    feed.NOUN,
    idempotency.NOUN,
    sessions.NOUN,
    promotions.NOUN,
    shop.NOUN,
    meta.NOUN,
)


def statements() -> dict[str, Statement]:
    """All statements, each by its noun's name and its own."""
    return {f"{noun.name}.{name}": statement for noun in NOUNS for name, statement in noun.statements.items()}
