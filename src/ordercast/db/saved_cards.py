"""Cards that customers keep: the provider's names for them, and what of them may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ordercast.commerce.errors import InvalidField, NotFound
from ordercast.commerce.payments import SavedCard
from ordercast.commerce.timestamps import Timestamp

from . import payment_tasks
from .transaction import Transaction
from .types import Conflict

CARDS_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class KeptCard:
    id: str
    customer_id: str
    provider: str
    card: SavedCard
    created_at: str


def add(transaction: Transaction, customer_id: str, provider: str, card: SavedCard, now: Timestamp) -> None:
    """Keep a card; one that the customer keeps already stays under its first id."""
    transaction.one(
        transaction.sql.cards.add,
        customer_id=customer_id,
        provider=provider,
        reference=card.reference,
        owner=card.owner,
        brand=card.brand,
        last4=card.last4,
        created_at=now,
    )


def of_customer(transaction: Transaction, customer_id: str) -> list[KeptCard]:
    """A customer's cards, oldest first."""
    rows = transaction.all(transaction.sql.cards.of_customer, customer_id=customer_id, limit=CARDS_MAX)
    return [_kept(row) for row in rows]


def find(transaction: Transaction, method_id: str, customer_id: str, provider: str) -> SavedCard:
    """A card that `customer_id` may pay with. Raises InvalidField; another's card is not told from none."""
    row = transaction.one(transaction.sql.cards.one, id=method_id, customer_id=customer_id)
    if row is None:
        raise InvalidField("paymentInfo.savedMethodId", "You have no such saved card.")
    kept = _kept(row)
    if kept.provider != provider:
        raise InvalidField("paymentInfo.savedMethodId", "This card was saved with another payment provider.")
    return kept.card


def owner_of(transaction: Transaction, customer_id: str, provider: str) -> str | None:
    """The provider's name for the customer, if it keeps a card of theirs."""
    return next((kept.card.owner for kept in of_customer(transaction, customer_id) if kept.provider == provider), None)


def remove(transaction: Transaction, method_id: str, customer_id: str, now: Timestamp) -> None:
    """Keep a card no longer, and have its provider forget it too. Raises NotFound."""
    row = transaction.one(transaction.sql.cards.one, id=method_id, customer_id=customer_id)
    if row is None:
        raise NotFound("saved card")
    kept = _kept(row)
    if transaction.run(transaction.sql.cards.remove, id=method_id, customer_id=customer_id) == 0:
        raise Conflict
    payment_tasks.forget_card(transaction, kept.id, kept.provider, kept.card, now)


def _kept(row: tuple[Any, ...]) -> KeptCard:
    id_, customer_id, provider, reference, owner, brand, last4, created_at = row
    return KeptCard(id_, customer_id, provider, SavedCard(reference, owner, brand, last4), created_at)
