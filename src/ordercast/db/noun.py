"""What each noun declares for code that handles all of them; ``nouns`` lists them."""

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
"""Of the ledger."""


class PersonalData(NamedTuple):
    """The personal data of customers in a table."""

    whose: str
    """SQL condition: the customer's rows."""
    shown: tuple[str, ...]
    """The exported columns, without hashes and others' names."""
    left: Mapping[str, str] | None = None
    """SQL of the columns' values after erasure; None if the rows are deleted."""
    touched: str = "TRUE"
    """SQL condition: the rows that erasure changes."""
    key: str = "id"
    """The key column by which an export is paged."""
    identifies: bool = False
    """Whether its texts identify a person: copies are searched for them."""

    @property
    def goes_with_orders(self) -> bool:
        """Whether rows are found by their orders."""
        return self.whose in {THEIR_ORDERS, THEIR_PAYABLES}

    @property
    def goes_with_bookings(self) -> bool:
        """Whether by their bookings too."""
        return self.whose == THEIR_PAYABLES

    @property
    def owner(self) -> str:
        """The column of the order's id."""
        return "payable_id" if self.whose == THEIR_PAYABLES else "order_id"


class Copies(NamedTuple):
    """A table of document copies, searched for a customer's data at erasure."""

    erased: str
    """What erasure does with them."""


class Impersonal(NamedTuple):
    """A table without customers' data."""

    holds: str


Personal: TypeAlias = PersonalData | Copies | Impersonal


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """A noun: its tables, statements, triggers and personal data."""

    name: str
    tables: tuple[Table, ...] = ()
    statements: Mapping[str, Statement] = field(default_factory=dict)
    triggers: tuple[Trigger, ...] = ()
    personal: Mapping[str, Personal] = field(default_factory=dict)
    """Personal data by table. A test requires an entry for each table."""
