"""The sandbox provider's records. They share the shop's database and nothing else: an order's payment is known there by
the sandbox's reference only. Empty in a shop with a real provider.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from ordercast.commerce.money import Money
from ordercast.commerce.timestamps import Timestamp

from . import columns
from .columns import index, table
from .noun import Impersonal, Noun
from .statement import Statement, statements_in
from .transaction import Transaction

TABLE: Final = "sandbox_payments"

sandbox_payments = table(
    "sandbox_payments",
    columns.line("reference", primary_key=True),
    columns.line("key", unique=True),
    # The sandbox card's public name: a sandbox has no secrets.
    columns.word("card"),
    columns.currency(),
    columns.amount("authorized"),
    columns.amount("captured"),
    columns.amount("refunded"),
    columns.flag("held", False),
    columns.flag("disputed", False),
    # Idempotency keys that took effect.
    columns.json_array("asked"),
    columns.given_moment("created_at"),
    rowid=False,
    may_be_emptied=True,
)

sandbox_notices = table(
    "sandbox_notices",
    columns.identifier("id", primary_key=True),
    columns.document("body"),
    columns.given_moment("due_at"),
    index("sandbox_notices_due", "due_at"),
    rowid=False,
    may_be_emptied=True,
)

# --- Statements -------------------------------------------------------------------------------------------------------

OPEN: Final = Statement("""
    INSERT INTO sandbox_payments (reference, key, card, currency, authorized, captured, refunded, held, disputed, asked,
      created_at)
    VALUES (:reference, :key, :card, :currency, :authorized, :captured, :refunded, :held, :disputed, :asked,
      :created_at)
    ON CONFLICT (key) DO NOTHING
""")
_ENTRY: Final = """
    SELECT reference, key, card, currency, authorized, captured, refunded, held, disputed, asked
    FROM sandbox_payments
"""
BY_KEY: Final = Statement(f"{_ENTRY} WHERE key = :key")
BY_REFERENCE: Final = Statement(f"{_ENTRY} WHERE reference = :reference")
BY_REFERENCE_FOR_UPDATE: Final = Statement(f"{_ENTRY} WHERE reference = :reference @for_update")
SAVE: Final = Statement("""
    UPDATE sandbox_payments SET captured = :new_captured, refunded = :new_refunded, held = :new_held,
      disputed = :new_disputed, asked = :new_asked
    WHERE reference = :of_reference
""")
ANNOUNCE: Final = Statement("INSERT INTO sandbox_notices (id, body, due_at) VALUES (:id, :body, :due_at)")
DUE_EVENTS: Final = Statement("""
    SELECT id, body FROM sandbox_notices WHERE due_at <= :now ORDER BY due_at LIMIT :limit
""")

DROP_EVENT: Final = Statement("DELETE FROM sandbox_notices WHERE id = :id")

NOUN: Final = Noun(
    name="sandbox",
    tables=(sandbox_payments, sandbox_notices),
    statements=statements_in(globals()),
    personal={
        "sandbox_payments": Impersonal("of the make-believe provider"),
        "sandbox_notices": Impersonal("of the make-believe provider"),
    },
)

# --- Units of work ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """A payment of the sandbox; sums in minor units. `applied_keys` are the idempotency keys that took effect."""

    reference: str
    key: str
    card: str
    currency: str
    authorized: int
    captured: int
    refunded: int = 0
    is_held: bool = False
    is_disputed: bool = False
    applied_keys: tuple[str, ...] = ()

    @property
    def amount(self) -> Money:
        """The authorized amount."""
        return Money(self.authorized, self.currency)


def open_entry(
    transaction: Transaction, key: str, card: str, amount: Money, *, captured: int, is_held: bool, now: Timestamp
) -> Entry:
    """Insert a payment; one with the same `key` is returned as it is now."""
    transaction.run(
        OPEN,
        reference="sbx_" + hashlib.blake2b(key.encode(), digest_size=12).hexdigest(),
        key=key,
        card=card,
        currency=amount.currency,
        authorized=amount.minor,
        captured=captured,
        refunded=0,
        held=int(is_held),
        disputed=0,
        asked="[]",
        created_at=now,
    )
    found = by_key(transaction, key)
    assert found is not None
    return found


def by_key(transaction: Transaction, key: str) -> Entry | None:
    return transaction.read_one(BY_KEY, _entry, TABLE, key=key)


def by_reference(transaction: Transaction, reference: str) -> Entry | None:
    return transaction.read_one(BY_REFERENCE, _entry, TABLE, reference=reference)


def change_once(
    transaction: Transaction, reference: str, key: str, change: Callable[[Entry], Entry]
) -> tuple[Entry | None, bool]:
    """Change an entry once per `key`; return it and whether it was changed now. Raises the errors of `change`, and then
    keeps nothing.
    """
    entry = transaction.read_one(BY_REFERENCE_FOR_UPDATE, _entry, TABLE, reference=reference)
    if entry is None or key in entry.applied_keys:
        return entry, False
    changed = replace(change(entry), applied_keys=(*entry.applied_keys, key))
    transaction.run(
        SAVE,
        of_reference=reference,
        new_captured=changed.captured,
        new_refunded=changed.refunded,
        new_held=int(changed.is_held),
        new_disputed=int(changed.is_disputed),
        new_asked=msgspec.json.encode(changed.applied_keys).decode(),
    )
    return changed, True


def schedule_event(transaction: Transaction, notice_id: str, body: bytes, due_at: Timestamp) -> None:
    """Schedule an event for delivery at `due_at`."""
    transaction.run(ANNOUNCE, id=notice_id, body=body.decode(), due_at=due_at)


def due_events(transaction: Transaction, now: Timestamp, limit: int) -> list[tuple[str, bytes]]:
    """The events due now: ids and bodies."""
    rows = transaction.all(DUE_EVENTS, now=now, limit=limit)
    return [(id_, body.encode()) for id_, body in rows]


def drop_event(transaction: Transaction, notice_id: str) -> None:
    transaction.run(DROP_EVENT, id=notice_id)


def _entry(row: tuple[Any, ...]) -> Entry:
    reference, key, card, currency, authorized, captured, refunded, held, disputed, applied_keys = msgspec.convert(
        row, _Row
    )
    return Entry(
        reference,
        key,
        card,
        currency,
        authorized,
        captured,
        refunded,
        is_held=bool(held),
        is_disputed=bool(disputed),
        applied_keys=msgspec.json.decode(applied_keys, type=tuple[str, ...]),
    )


_Row = tuple[str, str, str, str, int, int, int, int, int, str]
