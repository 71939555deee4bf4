"""Saved cards: the provider's ids, and what may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ordercast.commerce.errors import InvalidField, NotFound
from ordercast.commerce.payments import SavedCard
from ordercast.commerce.timestamps import Timestamp

from . import columns, payment_tasks
from .columns import index, table
from .errors import WriteConflict
from .noun import Noun, PersonalData
from .statement import Statement, statements_in
from .transaction import Transaction

CARDS_MAX: Final = 50

payment_methods = table(
    "payment_methods",
    columns.identifier("id", prefix="pm", primary_key=True),
    columns.identifier("customer_id"),
    columns.word("provider"),
    # The provider's ids of card and customer; nothing else of a card is stored.
    columns.line("reference"),
    columns.line("owner"),
    columns.line("brand", optional=True),
    columns.word("last4", optional=True),
    columns.moment("created_at"),
    index("payment_methods_once", "customer_id", "provider", "reference", unique=True),
    index("payment_methods_by_customer", "customer_id", "id"),
    rowid=False,
)

# --- Statements -------------------------------------------------------------------------------------------------------

ADD: Final = Statement("""
    INSERT INTO payment_methods (customer_id, provider, reference, owner, brand, last4, created_at)
    VALUES (:customer_id, :provider, :reference, :owner, :brand, :last4, :created_at)
    ON CONFLICT DO NOTHING RETURNING id
""")
_CARD: Final = """
    SELECT id, customer_id, provider, reference, owner, brand, last4, created_at
    FROM payment_methods WHERE customer_id = :customer_id
"""
OF_CUSTOMER: Final = Statement(f"{_CARD} ORDER BY id LIMIT :limit")
ONE: Final = Statement(f"{_CARD} AND id = :id")
REMOVE: Final = Statement("DELETE FROM payment_methods WHERE id = :id AND customer_id = :customer_id")

NOUN: Final = Noun(
    name="saved_cards",
    tables=(payment_methods,),
    statements=statements_in(globals()),
    personal={
        # Deleted by `remove`, at the provider too.
        "payment_methods": PersonalData(
            "customer_id = :customer_id",
            ("id", "provider", "reference", "brand", "last4", "created_at"),
            {},
            identifies=True,
        ),
    },
)

# --- Units of work ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredCard:
    id: str
    customer_id: str
    provider: str
    card: SavedCard
    created_at: str


def add(transaction: Transaction, customer_id: str, provider: str, card: SavedCard, now: Timestamp) -> None:
    """Save a card; an existing one keeps its id."""
    transaction.one(
        ADD,
        customer_id=customer_id,
        provider=provider,
        reference=card.reference,
        owner=card.owner,
        brand=card.brand,
        last4=card.last4,
        created_at=now,
    )


def of_customer(transaction: Transaction, customer_id: str) -> list[StoredCard]:
    """A customer's saved cards, oldest first."""
    rows = transaction.all(OF_CUSTOMER, customer_id=customer_id, limit=CARDS_MAX)
    return [_kept(row) for row in rows]


def find(transaction: Transaction, method_id: str, customer_id: str, provider: str) -> SavedCard:
    """Find a card that `customer_id` may pay with. Raises InvalidField, alike for others' cards and none."""
    row = transaction.one(ONE, id=method_id, customer_id=customer_id)
    if row is None:
        raise InvalidField("paymentInfo.savedMethodId", "You have no such saved card.")
    kept = _kept(row)
    if kept.provider != provider:
        raise InvalidField("paymentInfo.savedMethodId", "This card was saved with another payment provider.")
    return kept.card


def owner_of(transaction: Transaction, customer_id: str, provider: str) -> str | None:
    """The provider's id of the customer, if a card is saved."""
    return next((kept.card.owner for kept in of_customer(transaction, customer_id) if kept.provider == provider), None)


def remove(transaction: Transaction, method_id: str, customer_id: str, now: Timestamp) -> None:
    """Delete a card, and insert the task for the provider. Raises NotFound."""
    row = transaction.one(ONE, id=method_id, customer_id=customer_id)
    if row is None:
        raise NotFound("saved card")
    kept = _kept(row)
    if transaction.run(REMOVE, id=method_id, customer_id=customer_id) == 0:
        raise WriteConflict
    payment_tasks.forget_card(transaction, kept.id, kept.provider, kept.card, now)


def _kept(row: tuple[Any, ...]) -> StoredCard:
    id_, customer_id, provider, reference, owner, brand, last4, created_at = row
    return StoredCard(id_, customer_id, provider, SavedCard(reference, owner, brand, last4), created_at)
