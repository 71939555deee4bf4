"""Where a provider's money differs from ours: one for each thing, until somebody has seen to it."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.commerce.errors import NotFound
from ordercast.commerce.people import Actor
from ordercast.commerce.reconciliation import MismatchKind
from ordercast.commerce.timestamps import Timestamp

from .lenient_json import read_json
from .transaction import Transaction

TABLE: Final = "payment_mismatches"

NEWEST: Final = "~"  # sorts behind every id


class PaymentMismatch(Struct, frozen=True, rename="camel"):
    """`ours` and `theirs` say what differs, sums in minor units; `text` says it for people."""

    id: str
    order_id: str
    provider: str
    reference: str | None
    kind: MismatchKind
    ours: int | str | bool | None
    theirs: int | str | bool | None
    text: str
    created_at: str
    resolved_at: str | None
    resolved_by: str | None
    note: str | None


def raise_discrepancy(
    transaction: Transaction,
    order_id: str,
    kind: MismatchKind,
    sentence: str,
    *,
    provider: str,
    reference: str | None,
    actor: Actor,
    now: Timestamp,
    ours: int | str | bool | None = None,
    theirs: int | str | bool | None = None,
) -> bool:
    """Raise one; False where one of that kind is open for the order already."""
    raised = transaction.one(
        transaction.sql.mismatches.add,
        order_id=order_id,
        provider=provider,
        reference=reference,
        kind=kind,
        ours=_json(ours),
        theirs=_json(theirs),
        sentence=sentence,
        actor=str(actor),
        created_at=now,
    )
    return raised is not None


def resolve(
    transaction: Transaction, mismatch_id: str, actor: Actor, note: str | None, now: Timestamp
) -> PaymentMismatch:
    """Resolve one; one that is resolved already stays as it is. Raises NotFound."""
    transaction.run(transaction.sql.mismatches.resolve, mismatch_id=mismatch_id, at=now, by=str(actor), new_note=note)
    row = transaction.one(transaction.sql.mismatches.by_id, id=mismatch_id)
    if row is None:
        raise NotFound("mismatch")
    return transaction.decoded(row, _mismatch, TABLE)


def open_of(transaction: Transaction, order_id: str) -> dict[MismatchKind, str]:
    """The open ones of an order: their ids by kind."""
    statement = transaction.sql.mismatches.open_of_order
    return dict(transaction.read(statement, lambda row: (MismatchKind(row[1]), row[0]), TABLE, order_id=order_id))


def page(transaction: Transaction, before: str, limit: int, *, resolved_too: bool) -> list[PaymentMismatch]:
    """The newest below the id `before` (NEWEST for the first page)."""
    statements = transaction.sql.mismatches
    statement = statements.before if resolved_too else statements.open_before
    return transaction.page(statement, _mismatch, TABLE, by="before", before=before, limit=limit)


def _json(value: int | str | bool | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _mismatch(row: tuple[Any, ...]) -> PaymentMismatch:
    id_, order_id, provider, reference, kind, ours, theirs, *rest = row
    sums = (None if text is None else read_json(text) for text in (ours, theirs))
    return PaymentMismatch(*(id_, order_id, provider, reference, MismatchKind(kind), *sums, *rest))
