"""Units of work on the sandbox provider's own books. They share the shop's file and nothing else: an order's payment is
known there by the sandbox's name for it alone, as it would be at a provider's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from ordercast.commerce.money import Money
from ordercast.commerce.timestamps import Timestamp

from .transaction import Transaction

TABLE: Final = "sandbox_payments"


@dataclass(frozen=True, slots=True)
class Entry:
    """One payment in the sandbox's books; sums in minor units. `asked` are the keys of what was done to it."""

    reference: str
    key: str
    card: str
    currency: str
    authorized: int
    captured: int
    refunded: int = 0
    is_held: bool = False
    is_disputed: bool = False
    asked: tuple[str, ...] = ()

    @property
    def amount(self) -> Money:
        """What was asked for."""
        return Money(self.authorized, self.currency)


def open_entry(
    transaction: Transaction, key: str, card: str, amount: Money, *, captured: int, is_held: bool, now: Timestamp
) -> Entry:
    """Take a payment; one that was taken with `key` before is answered as it now is."""
    transaction.run(
        transaction.sql.sandbox.open,
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
    return transaction.read_one(transaction.sql.sandbox.by_key, _entry, TABLE, key=key)


def by_reference(transaction: Transaction, reference: str) -> Entry | None:
    return transaction.read_one(transaction.sql.sandbox.by_reference, _entry, TABLE, reference=reference)


def change_once(
    transaction: Transaction, reference: str, key: str, change: Callable[[Entry], Entry]
) -> tuple[Entry | None, bool]:
    """Change an entry, unless `key` has done so before: the entry as it then is, and whether it was changed now.

    Raises what `change` does, and then nothing is kept.
    """
    entry = transaction.read_one(transaction.sql.sandbox.by_reference_to_change, _entry, TABLE, reference=reference)
    if entry is None or key in entry.asked:
        return entry, False
    changed = replace(change(entry), asked=(*entry.asked, key))
    transaction.run(
        transaction.sql.sandbox.save,
        of_reference=reference,
        new_captured=changed.captured,
        new_refunded=changed.refunded,
        new_held=int(changed.is_held),
        new_disputed=int(changed.is_disputed),
        new_asked=msgspec.json.encode(changed.asked).decode(),
    )
    return changed, True


def announce(transaction: Transaction, notice_id: str, body: bytes, due_at: Timestamp) -> None:
    """Have an event told from `due_at` on."""
    transaction.run(transaction.sql.sandbox.announce, id=notice_id, body=body.decode(), due_at=due_at)


def due_events(transaction: Transaction, now: Timestamp, limit: int) -> list[tuple[str, bytes]]:
    """Events that are to be told by now: their ids and bodies."""
    rows = transaction.all(transaction.sql.sandbox.due_events, now=now, limit=limit)
    return [(id_, body.encode()) for id_, body in rows]


def drop_event(transaction: Transaction, notice_id: str) -> None:
    transaction.run(transaction.sql.sandbox.drop_event, id=notice_id)


def _entry(row: tuple[Any, ...]) -> Entry:
    reference, key, card, currency, authorized, captured, refunded, held, disputed, asked = msgspec.convert(row, _Row)
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
        asked=msgspec.json.decode(asked, type=tuple[str, ...]),
    )


_Row = tuple[str, str, str, str, int, int, int, int, int, str]
