"""What a noun of the shop tells of itself to those who ask all of them; ``nouns`` lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from .columns import Table
from .dialects import Trigger
from .statement import Statement

ERASED_ACTOR: Final = "customer:erased"
THEIR_ORDERS: Final = "order_id IN (SELECT id FROM orders WHERE customer_id = :customer_id)"
THEIR_PAYABLES: Final = (
    "payable_id IN (SELECT id FROM orders WHERE customer_id = :customer_id"
    " UNION ALL SELECT id FROM bookings WHERE customer_id = :customer_id)"
)
"""Of the ledger of payments."""


class PersonalData(NamedTuple):
    """What one table holds of a customer."""

    whose: str
    """SQL: which rows are theirs."""
    shown: tuple[str, ...]
    """The columns that an export tells; hashes, and what names other people, are none of them."""
    left: Mapping[str, str] | None = None
    """SQL of what stands in a column after they were erased; None where the rows go."""
    touched: str = "TRUE"
    """SQL: which of those rows erasing concerns at all."""
    key: str = "id"
    """The column by which an export goes through those rows, a page at a time."""
    identifies: bool = False
    """Whether somebody is known by its texts: they are looked for in the copies."""

    @property
    def goes_with_orders(self) -> bool:
        """Whether they are found by the orders that they belong to."""
        return self.whose in {THEIR_ORDERS, THEIR_PAYABLES}

    @property
    def goes_with_bookings(self) -> bool:
        """Whether by bookings too."""
        return self.whose == THEIR_PAYABLES

    @property
    def owner(self) -> str:
        """The column that names such an order."""
        return "payable_id" if self.whose == THEIR_PAYABLES else "order_id"


class Copies(NamedTuple):
    """A table of documents, which are searched for what is a customer's."""

    erased: str
    """What becomes of them."""


class Impersonal(NamedTuple):
    """A table that holds nothing of a customer."""

    holds: str


Personal: TypeAlias = PersonalData | Copies | Impersonal


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """A thing that the shop knows of, with all that the database does for it."""

    name: str
    tables: tuple[Table, ...] = ()
    statements: Mapping[str, Statement] = field(default_factory=dict)
    triggers: tuple[Trigger, ...] = ()
    personal: Mapping[str, Personal] = field(default_factory=dict)
    """What of each table is personal data. A test wants one of the three for every table."""
