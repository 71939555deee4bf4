"""What the shop's people note about an order, for each other: beside it, so that a note is no change of the order."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from ordercast.commerce.people import Actor
from ordercast.commerce.timestamps import Timestamp

from . import columns
from .columns import entry, identifier, index, moment, table
from .noun import THEIR_ORDERS, Noun, PersonalData
from .statement import Statement, statements_in
from .transaction import Transaction

TABLE: Final = "order_notes"

order_notes = table(
    TABLE,
    entry(),
    # No foreign key: the order may live in another program's database.
    identifier("order_id"),
    columns.text("text"),
    columns.actor(),
    moment("created_at"),
    index("order_notes_by_order", "order_id", "entry"),
)

ADD: Final = Statement("""
    INSERT INTO order_notes (order_id, text, actor, created_at) VALUES (:order_id, :text, :actor, :created_at)
""")
# The newest: of more than anybody reads, the oldest are left out.
NEWEST: Final = Statement("""
    SELECT entry, text, actor, created_at FROM order_notes
    WHERE order_id = :order_id ORDER BY entry DESC LIMIT :limit
""")

NOUN: Final = Noun(
    name=TABLE,
    tables=(order_notes,),
    statements=statements_in(globals()),
    # Whatever was noted about somebody's order was noted about them.
    personal={TABLE: PersonalData(THEIR_ORDERS, ("order_id", "text", "created_at"), key="entry")},
)


class OrderNote(Struct, frozen=True, rename="camel"):
    """A note of the shop's people about an order."""

    text: str
    actor: str
    created_at: str


def add(transaction: Transaction, order_id: str, text: str, *, actor: Actor, now: Timestamp) -> OrderNote:
    transaction.run(ADD, order_id=order_id, text=text, actor=str(actor), created_at=now)
    return OrderNote(text, str(actor), now)


def newest(transaction: Transaction, order_id: str, limit: int) -> list[OrderNote]:
    return transaction.read(NEWEST, _note, TABLE, order_id=order_id, limit=limit)


def _note(row: tuple[Any, ...]) -> OrderNote:
    _entry, text, actor, created_at = row
    return OrderNote(text, actor, created_at)
