"""What is paid for: an order or a booking, as far as its payment is concerned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .noun import Noun
from .statement import Statement, statements_in
from .transaction import Transaction

FIND: Final = Statement("SELECT 'order', number, total, currency FROM orders WHERE id = :id")

NOUN: Final = Noun(name="payables", statements=statements_in(globals()))


@dataclass(frozen=True, slots=True)
class Payable:
    """`number` is what people say aloud, `total` minor units of `currency`."""

    noun: str
    number: int
    total: int
    currency: str


def find(transaction: Transaction, payable_id: str) -> Payable | None:
    """What has that id, if anything does that is paid for here."""
    row = transaction.one(FIND, id=payable_id)
    return None if row is None else Payable(*row)
