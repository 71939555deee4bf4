"""The nouns of the shop: a new one is a new module, named here. What all of them have is collected from this list."""

from __future__ import annotations

from typing import Final

from . import (
    deliveries,
    drivers,
    erasures,
    events,
    feed,
    idempotency,
    ledger,
    meta,
    mirrored,
    mismatches,
    notifications,
    orders,
    payment_tasks,
    payments,
    products,
    promotions,
    sandbox,
    saved_cards,
    sessions,
    shop,
    stats,
)
from .noun import Impersonal, Noun, PersonalData
from .statement import Statement

_PEOPLE: Final = Noun(
    name="people",
    personal={
        "customers": PersonalData(
            "id = :customer_id",
            ("id", "email", "name", "mobile", "created_at"),
            {"email": "'erased:' || id", "name": "''", "mobile": "''"},
            identifies=True,
        ),
        "accounts": PersonalData(
            "id = :customer_id AND role = 'customer'",
            ("id", "email", "name", "role", "active", "created_at"),
            identifies=True,
        ),
        "sign_ins": PersonalData("account_id = :customer_id", ("id", "created_at", "rotated_at", "expires_at")),
        "revocations": Impersonal("names of people and tokens that are refused, which must outlive them"),
    },
)
NOUNS: Final[tuple[Noun, ...]] = (
    _PEOPLE,
    orders.NOUN,
    deliveries.NOUN,
    drivers.NOUN,
    ledger.NOUN,
    saved_cards.NOUN,
    payment_tasks.NOUN,
    mismatches.NOUN,
    payments.NOUN,
    sandbox.NOUN,
    notifications.NOUN,
    products.NOUN,
    promotions.NOUN,
    shop.NOUN,
    mirrored.NOUN,
    erasures.NOUN,
    stats.NOUN,
    feed.NOUN,
    events.NOUN,
    idempotency.NOUN,
    sessions.NOUN,
    meta.NOUN,
)

PERSONAL_DATA: Final = {
    table: holding for noun in NOUNS for table, holding in noun.personal.items() if isinstance(holding, PersonalData)
}
"""What is known of a customer, by table, in the order in which it is erased."""


def statements() -> dict[str, Statement]:
    """All statements, each by its noun's name and its own."""
    return {f"{noun.name}.{name}": statement for noun in NOUNS for name, statement in noun.statements.items()}
