"""Units of work of the sweeper: which payments to compare, and what a comparison found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ordercast.commerce.moments import Moment
from ordercast.commerce.payment_books import COMPARED, Difference, MismatchKind
from ordercast.commerce.states import PaymentState, PaymentStatus

from . import mismatches
from .payments import PAYMENTS
from .transaction import Transaction

_AGREED: Final = "The books agree again."


@dataclass(frozen=True, slots=True)
class Compared:
    """A payment as we have it, of which nothing is being asked just now."""

    place: tuple[Moment, int]
    """When it was taken, and its entry in the ledger."""
    order_id: str
    provider: str
    reference: str
    version: int
    payment: PaymentState
    currency: str
    cards: dict[MismatchKind, str]
    """The order's open cards."""


def to_compare(transaction: Transaction, after: tuple[Moment, int], limit: int) -> list[Compared]:
    """The next payments behind that moment and entry of the ledger."""
    statement = transaction.sql.ledger.to_compare
    rows = transaction.all(statement, after_at=after[0], after_entry=after[1], limit=limit)
    return [_compared(row, mismatches.open_of(transaction, row[2])) for row in rows]


def _compared(row: tuple[Any, ...], cards: dict[MismatchKind, str]) -> Compared:
    at, entry, order_id, provider, reference, version, status, total, captured, refunded, refunding, currency = row
    payment = PaymentState(PaymentStatus(status), total, captured, refunded, refunding)
    return Compared((at, entry), order_id, provider, reference, version, payment, currency, cards)


def found(transaction: Transaction, compared: Compared, differences: Sequence[Difference], now: Moment) -> int:
    """Raise a card for each difference, and take off the board those that are no more; how many are new.

    An order that has changed since it was read is left for the next sweep: the books were compared with its past.
    """
    row = transaction.one(transaction.sql.orders.state, id=compared.order_id)
    if row is None or row[5] != compared.version:
        return 0
    differing = {difference.kind for difference in differences}
    for kind, card in compared.cards.items():
        if kind in COMPARED and kind not in differing:
            mismatches.resolve(transaction, card, PAYMENTS, _AGREED, now)
    return sum(
        mismatches.raise_card(
            transaction,
            compared.order_id,
            difference.kind,
            difference.sentence,
            provider=compared.provider,
            reference=compared.reference,
            actor=PAYMENTS,
            now=now,
            ours=difference.ours,
            theirs=difference.theirs,
        )
        for difference in differences
    )
