"""Payment mismatches: open differences between the provider's records and ours."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.commerce.errors import NotFound
from ordercast.commerce.people import Actor
from ordercast.commerce.reconciliation import MismatchKind
from ordercast.commerce.timestamps import Timestamp

from . import columns
from .columns import check, index, table
from .dialects import Trigger
from .lenient_json import read_json
from .noun import Impersonal, Noun
from .payable_sql import booking_id_sql, order_id_sql
from .statement import Statement, statements_in
from .transaction import Transaction
from .trigger_helpers import feed_row
from .types import ChangeKind

TABLE: Final = "payment_mismatches"

NEWEST: Final = "~"  # greater than every id


payment_mismatches = table(
    "payment_mismatches",
    columns.identifier("id", prefix="pmm", primary_key=True),
    columns.identifier("payable_id"),
    columns.word("provider"),
    columns.line("reference", optional=True),
    columns.word("kind"),
    columns.json_value("ours"),
    columns.json_value("theirs"),
    columns.text("sentence"),
    columns.moment("created_at"),
    columns.given_moment("resolved_at", optional=True),
    columns.line("resolved_by", optional=True),
    columns.text("note", optional=True),
    columns.actor(),
    columns.one_of("kind", MismatchKind),
    check("resolved_by_somebody", "(resolved_at IS NULL) = (resolved_by IS NULL)"),
    # One open mismatch of a kind per payable.
    index("payment_mismatches_open", "payable_id", "kind", unique=True, where="resolved_at IS NULL"),
    index("payment_mismatches_to_see_to", "id", where="resolved_at IS NULL"),
)

# --- Statements -------------------------------------------------------------------------------------------------------

ADD: Final = Statement("""
    INSERT INTO payment_mismatches (payable_id, provider, reference, kind, ours, theirs, sentence, created_at, actor)
    VALUES (:payable_id, :provider, :reference, :kind, :ours, :theirs, :sentence, :created_at, :actor)
    ON CONFLICT DO NOTHING RETURNING id
""")
_MISMATCH: Final = f"""
    SELECT id, {order_id_sql("payment_mismatches.payable_id")},
      {booking_id_sql("payment_mismatches.payable_id")}, provider, reference, kind, ours,
      theirs, sentence, created_at, resolved_at, resolved_by, note
    FROM payment_mismatches
"""
BY_ID: Final = Statement(f"{_MISMATCH} WHERE id = :id")
BEFORE: Final = Statement(f"{_MISMATCH} WHERE id < :before ORDER BY id DESC LIMIT :limit")
OPEN_BEFORE: Final = Statement(f"""
    {_MISMATCH} WHERE id < :before AND resolved_at IS NULL ORDER BY id DESC LIMIT :limit
""")
OPEN_OF_ORDER: Final = Statement("""
    SELECT id, kind FROM payment_mismatches WHERE payable_id = :payable_id AND resolved_at IS NULL
""")
RESOLVE: Final = Statement("""
    UPDATE payment_mismatches SET resolved_at = :at, resolved_by = :by, note = :new_note, actor = :by
    WHERE id = :mismatch_id AND resolved_at IS NULL
""")

# --- Triggers ---------------------------------------------------------------------------------------------------------

_DOCUMENT: Final = f"""@json_text(@json_object('id', NEW.id, 'orderId', {order_id_sql("NEW.payable_id")},
      'bookingId', {booking_id_sql("NEW.payable_id")}, 'provider', NEW.provider,
      'reference', NEW.reference, 'kind', NEW.kind, 'ours', @json_of(NEW.ours), 'theirs', @json_of(NEW.theirs),
      'text', NEW.sentence, 'createdAt', NEW.created_at, 'resolvedAt', NEW.resolved_at,
      'resolvedBy', NEW.resolved_by, 'note', NEW.note))"""
_RAISED: Final = feed_row(ChangeKind.PAYMENT_MISMATCH, "NEW.id", at="NEW.created_at", after=_DOCUMENT)
_RESOLVED: Final = feed_row(ChangeKind.PAYMENT_MISMATCH, "NEW.id", version="2", at="NEW.resolved_at", after=_DOCUMENT)
_IS_RESOLVED: Final = "OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL"

NOUN: Final = Noun(
    name="mismatches",
    tables=(payment_mismatches,),
    statements=statements_in(globals()),
    triggers=(
        Trigger("mismatches_raised", "AFTER INSERT", TABLE, (_RAISED,)),
        Trigger("mismatches_resolved", "AFTER UPDATE", TABLE, (_RESOLVED,), when=_IS_RESOLVED),
    ),
    personal={TABLE: Impersonal("sums, and the names of orders, bookings and payments")},
)

# --- Units of work ----------------------------------------------------------------------------------------------------


class PaymentMismatch(Struct, frozen=True, rename="camel"):
    """A mismatch. `ours` and `theirs` are the differing values, sums in minor units; `text` is for people."""

    id: str
    order_id: str | None
    """The order, unless it is a booking."""
    booking_id: str | None
    """The booking, unless it is an order."""
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
    payable_id: str,
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
    """Raise a mismatch; False if one of that kind is open for the payable."""
    raised = transaction.one(
        ADD,
        payable_id=payable_id,
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
    """Resolve a mismatch; idempotent. Raises NotFound."""
    transaction.run(RESOLVE, mismatch_id=mismatch_id, at=now, by=str(actor), new_note=note)
    row = transaction.one(BY_ID, id=mismatch_id)
    if row is None:
        raise NotFound("mismatch")
    return transaction.decoded(row, _mismatch, TABLE)


def open_of(transaction: Transaction, payable_id: str) -> dict[MismatchKind, str]:
    """The open mismatches of a payable: ids by kind."""
    return dict(
        transaction.read(OPEN_OF_ORDER, lambda row: (MismatchKind(row[1]), row[0]), TABLE, payable_id=payable_id)
    )


def page(transaction: Transaction, before: str, limit: int, *, resolved_too: bool) -> list[PaymentMismatch]:
    """A page of mismatches before the id `before` (NEWEST for the first), newest first."""
    return transaction.page(
        BEFORE if resolved_too else OPEN_BEFORE, _mismatch, TABLE, by="before", before=before, limit=limit
    )


def _json(value: int | str | bool | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _mismatch(row: tuple[Any, ...]) -> PaymentMismatch:
    id_, order_id, booking_id, provider, reference, kind, ours, theirs, *rest = row
    sums = (None if text is None else read_json(text) for text in (ours, theirs))
    return PaymentMismatch(*(id_, order_id, booking_id, provider, reference, MismatchKind(kind), *sums, *rest))
