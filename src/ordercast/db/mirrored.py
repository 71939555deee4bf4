"""Mirrored orders: orders of another program's database, and how far each source was read.

They are decided there and copied as they come; changes are published like our own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from inspect import cleandoc
from typing import Any, Final, NamedTuple

import msgspec

from ordercast.commerce.timestamps import Timestamp

from . import columns, domains
from .columns import count, entry, flag, identifier, index, json_object, line, of, table, text, version, word
from .dialects import Trigger
from .lenient_json import read_json
from .noun import Impersonal, Noun, PersonalData
from .statement import Statement, statements_in
from .transaction import Transaction
from .trigger_helpers import FEED_COLUMNS, feed_row
from .types import ChangeKind

_IS_ORDER: Final = "document IS NOT NULL"

mirrored_orders = table(
    "mirrored_orders",
    # Arrival order, for lists.
    entry(),
    line("source"),
    # The document's key as extended JSON, of any type.
    line("foreign_key"),
    # The order's id; NULL for a document that is no order.
    identifier("id", unique=True, optional=True),
    version(0),
    # In the form of ``orders.document``; NULL until published.
    json_object("document", optional=True),
    word("status", optional=True),
    identifier("customer_id", optional=True),
    identifier("driver_id", optional=True),
    # The foreign document as extended JSON, to which differences are applied.
    of(domains.FOREIGN, "raw"),
    # The source's time of the snapshot that has it: earlier changes are included.
    word("as_of"),
    # The last snapshot that has it.
    count("snapshot", default=None),
    # Deleted there.
    flag("gone", False),
    # It existed before the first snapshot: not published as new.
    flag("imported", False),
    columns.actor(given=True),
    columns.reason(),
    columns.moment("updated_at"),
    index("mirrored_by_key", "source", "foreign_key", unique=True),
    index("mirrored_there", "source", "snapshot", "entry", where="gone = 0"),
    index("mirrored_by_customer", "customer_id", "entry"),
    # For lists of orders.
    *(
        index(f"mirrored_by_{name}", *keys, "entry", where=_IS_ORDER)
        for name, keys in {
            "entry": (),
            "status": ("status",),
            "customer_status": ("customer_id", "status"),
            "driver": ("driver_id",),
            "driver_status": ("driver_id", "status"),
        }.items()
    ),
    autoincrement=True,
)

source_positions = table(
    "source_positions",
    line("name", primary_key=True),
    # Incremented at each step: a step from an old position is rolled back.
    count("revision"),
    # The snapshot's number; and its progress, NULL once complete.
    count("snapshot"),
    word("phase", default="new"),
    line("after_key", optional=True),
    # Where the change stream continues: after a token, or from a time.
    text("token", optional=True),
    word("starts_at", optional=True),
    # Changes were lost; the next snapshot makes up for them.
    flag("lost", False),
    # How often; each is published.
    count("resyncs"),
    columns.moment("updated_at"),
    rowid=False,
)

# --- Statements -------------------------------------------------------------------------------------------------------

MIRRORED_FROM: Final = 10**15
"""Offset of mirrored entries in list cursors, so that one cursor covers both tables."""

FIND: Final = Statement("""
    SELECT entry, id, version, document, raw, as_of, gone
    FROM mirrored_orders WHERE source = :source AND foreign_key = :foreign_key
""")
BEGIN: Final = Statement("""
    INSERT INTO mirrored_orders (source, foreign_key, raw, as_of, snapshot, actor, updated_at)
    VALUES (:source, :foreign_key, :raw, :as_of, :snapshot, :actor, :updated_at)
""")
SAVE: Final = Statement("""
    UPDATE mirrored_orders SET id = :new_id, version = :new_version, document = :new_document, status = :new_status,
      customer_id = :new_customer_id, driver_id = :new_driver_id, raw = :new_raw, as_of = :new_as_of,
      snapshot = :new_snapshot, gone = :new_gone, imported = :new_imported, actor = :new_actor, reason = :new_reason,
      updated_at = :new_updated_at
    WHERE entry = :row_entry
""")
ID_TAKEN: Final = Statement("SELECT entry FROM mirrored_orders WHERE id = :id")
ID_TAKEN_BY_OURS: Final = Statement("SELECT number FROM orders WHERE id = :id @for_update")
UNSEEN: Final = Statement("""
    SELECT foreign_key FROM mirrored_orders WHERE source = :source AND snapshot < :snapshot AND gone = 0
    ORDER BY snapshot, entry LIMIT :limit
""")
FORGET: Final = Statement("DELETE FROM mirrored_orders WHERE entry = :entry")
FORGET_SOME: Final = Statement("""
    DELETE FROM mirrored_orders WHERE entry IN (
      SELECT entry FROM mirrored_orders WHERE source = :source ORDER BY foreign_key LIMIT :limit)
""")
SOURCES: Final = Statement("SELECT name FROM source_positions WHERE name >= :first ORDER BY name LIMIT :limit")
FORGET_POSITION: Final = Statement("DELETE FROM source_positions WHERE name = :name")

POSITION: Final = Statement("""
    SELECT revision, snapshot, phase, after_key, token, starts_at, lost, resyncs
    FROM source_positions WHERE name = :name
""")
BEGIN_POSITION: Final = Statement("INSERT INTO source_positions (name) VALUES (:name) ON CONFLICT DO NOTHING")
MOVE_POSITION: Final = Statement("""
    UPDATE source_positions SET revision = revision + 1, snapshot = :new_snapshot, phase = :new_phase,
      after_key = :new_after_key, token = :new_token, starts_at = :new_starts_at, lost = :new_lost,
      resyncs = :new_resyncs, updated_at = :new_updated_at
    WHERE name = :source_name AND revision = :expected_revision
""")

DOCUMENT: Final = Statement("""
    SELECT document, customer_id, driver_id, status FROM mirrored_orders WHERE id = :id AND document IS NOT NULL
""")


def _newest(of: str = "") -> Statement:
    # One statement per filter, as in ``orders.statements``.
    return Statement(f"""
        SELECT entry + {MIRRORED_FROM}, document FROM mirrored_orders
        WHERE entry < :cursor - {MIRRORED_FROM} AND document IS NOT NULL {of}
        ORDER BY entry DESC LIMIT :limit
    """)


def _oldest(of: str = "") -> Statement:
    return Statement(f"""
        SELECT entry + {MIRRORED_FROM}, document FROM mirrored_orders
        WHERE entry > :cursor - {MIRRORED_FROM} AND document IS NOT NULL {of}
        ORDER BY entry LIMIT :limit
    """)


_OF_STATUS: Final = "AND status = :status"
_OF_CUSTOMER: Final = "AND customer_id = :customer_id"
_OF_DRIVER: Final = "AND driver_id = :driver_id"

BEFORE: Final = _newest()
WITH_STATUS_BEFORE: Final = _newest(_OF_STATUS)
OF_CUSTOMER_BEFORE: Final = _newest(_OF_CUSTOMER)
OF_CUSTOMER_WITH_STATUS_BEFORE: Final = _newest(f"{_OF_CUSTOMER} {_OF_STATUS}")
OF_DRIVER_BEFORE: Final = _newest(_OF_DRIVER)
OF_DRIVER_WITH_STATUS_BEFORE: Final = _newest(f"{_OF_DRIVER} {_OF_STATUS}")
AFTER: Final = _oldest()
WITH_STATUS_AFTER: Final = _oldest(_OF_STATUS)
OF_CUSTOMER_AFTER: Final = _oldest(_OF_CUSTOMER)
OF_CUSTOMER_WITH_STATUS_AFTER: Final = _oldest(f"{_OF_CUSTOMER} {_OF_STATUS}")
OF_DRIVER_AFTER: Final = _oldest(_OF_DRIVER)
OF_DRIVER_WITH_STATUS_AFTER: Final = _oldest(f"{_OF_DRIVER} {_OF_STATUS}")

# --- Triggers ---------------------------------------------------------------------------------------------------------


def _member_differs(member: str) -> str:
    return f"(OLD.document ->> '{member}') IS DISTINCT FROM (NEW.document ->> '{member}')"


_PAYMENT: Final = ("paymentStatus", "amountPaid", "amountRefunded")
# Rows begin without a document, so that an UPDATE publishes each. Existing ones are not published as new.
_FEED_INSERT: Final = cleandoc(f"""
    INSERT INTO feed ({FEED_COLUMNS})
      VALUES (
        CASE
          WHEN OLD.document IS NULL AND NEW.imported = 1 THEN '{ChangeKind.ORDER_IMPORTED}'
          WHEN OLD.document IS NULL THEN '{ChangeKind.ORDER_PLACED}'
          WHEN {_member_differs("status")} THEN '{ChangeKind.ORDER_STATUS_CHANGED}'
          WHEN {" OR ".join(map(_member_differs, _PAYMENT))} THEN '{ChangeKind.ORDER_PAYMENT_CHANGED}'
          ELSE '{ChangeKind.ORDER_CHANGED}'
        END,
        NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at,
        @json_text(OLD.document), @json_text(NEW.document))
""")
_IS_TOLD: Final = "NEW.document IS NOT NULL AND OLD.document IS DISTINCT FROM NEW.document"
_RESYNCED: Final = feed_row(
    ChangeKind.FEED_RESYNC,
    "NEW.name",
    version="NEW.resyncs",
    actor="NEW.name",
    at="NEW.updated_at",
    after="@json_text(@json_object('reason', 'source_history_lost'))",
)

NOUN: Final = Noun(
    name="mirrored",
    tables=(mirrored_orders, source_positions),
    statements=statements_in(globals()),
    triggers=(
        Trigger("mirrored_told", "AFTER UPDATE", "mirrored_orders", (_FEED_INSERT,), when=_IS_TOLD),
        Trigger("sources_resynced", "AFTER UPDATE", "source_positions", (_RESYNCED,), "NEW.resyncs > OLD.resyncs"),
    ),
    personal={
        # A copy: after deletion here it returns unless it is erased there too.
        "mirrored_orders": PersonalData(
            "customer_id = :customer_id", ("source", "id", "document", "updated_at"), key="entry", identifies=True
        ),
        "source_positions": Impersonal("how far other programs' databases have been read"),
    },
)

# --- Units of work ----------------------------------------------------------------------------------------------------


NEW: Final = "new"
SNAPSHOT: Final = "snapshot"
STREAM: Final = "stream"

# Members that only describe a change.
_UNPUBLISHED: Final = frozenset({"version", "updatedAt", "statusSince"})


class OvertakenError(Exception):
    """Another reader has advanced the source; this step is rolled back."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was read further by another reader.")


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """How far a source was read; see the table."""

    name: str
    revision: int = 0
    snapshot: int = 0
    phase: str = NEW
    after_key: str | None = None
    token: str | None = None
    starts_at: str | None = None
    lost: bool = False
    resyncs: int = 0


class MirroredRow(NamedTuple):
    """The stored row."""

    entry: int
    id: str | None
    version: int
    document: str | None
    raw: str
    as_of: str
    gone: int


@dataclass(frozen=True, slots=True)
class MirroredState:
    """The new state of a row. `order` is None if it cannot be published, which keeps the former document."""

    raw: str
    as_of: str
    snapshot: int
    order: dict[str, Any] | None
    gone: bool = False
    imported: bool = False
    reason: str | None = None


# --- Orders -----------------------------------------------------------------------------------------------------------


def find(transaction: Transaction, source: str, foreign_key: str) -> MirroredRow | None:
    row = transaction.one(FIND, source=source, foreign_key=foreign_key)
    return None if row is None else MirroredRow(*row)


def begin(
    transaction: Transaction, source: str, foreign_key: str, state: MirroredState, *, now: Timestamp
) -> MirroredRow:
    """Insert a row for a new document, unpublished."""
    transaction.run(
        BEGIN,
        source=source,
        foreign_key=foreign_key,
        raw=state.raw,
        as_of=state.as_of,
        snapshot=state.snapshot,
        actor=source,
        updated_at=now,
    )
    row = find(transaction, source, foreign_key)
    assert row is not None
    return row


def save_state(
    transaction: Transaction, source: str, row: MirroredRow, state: MirroredState, *, now: Timestamp
) -> bool:
    """Save a row's new state; return whether it is published."""
    is_published = state.order is not None and _differs(row.document, state.order)
    version = row.version + is_published
    document = row.document
    if is_published:
        document = msgspec.json.encode({**state.order, "version": version}).decode()  # type: ignore[dict-item]
    order = document_of(document) or {}
    transaction.run(
        SAVE,
        row_entry=row.entry,
        new_id=row.id or order.get("id"),
        new_version=version,
        new_document=document,
        new_status=order.get("status"),
        new_customer_id=order.get("customerId"),
        new_driver_id=order.get("driverId"),
        new_raw=state.raw,
        new_as_of=state.as_of,
        new_snapshot=state.snapshot,
        new_gone=int(state.gone),
        new_imported=int(state.imported),
        new_actor=source,
        new_reason=state.reason,
        new_updated_at=now,
    )
    return is_published


def id_is_free(transaction: Transaction, order_id: str) -> bool:
    """Whether no order has that id."""
    mirrored = transaction.one(ID_TAKEN, id=order_id)
    return mirrored is None and transaction.one(ID_TAKEN_BY_OURS, id=order_id) is None


def unseen(transaction: Transaction, source: str, snapshot: int, limit: int) -> list[str]:
    """Keys of rows older than a snapshot that it does not have."""
    rows = transaction.all(UNSEEN, source=source, snapshot=snapshot, limit=limit)
    return [key for (key,) in rows]


def forget(transaction: Transaction, row: MirroredRow) -> None:
    """Delete a row."""
    transaction.run(FORGET, entry=row.entry)


def forget_sources(transaction: Transaction, prefix: str, known: Collection[str], limit: int) -> bool:
    """Delete some rows of sources of a kind that are not among the known, and then their positions; return whether
    there may be more.
    """
    for (name,) in transaction.all(SOURCES, first=prefix, limit=limit):
        if name.startswith(prefix) and name not in known:
            if transaction.run(FORGET_SOME, source=name, limit=limit) == 0:
                transaction.run(FORGET_POSITION, name=name)
            return True
    return False


def _differs(document: str | None, order: dict[str, Any]) -> bool:
    former = document_of(document)
    if former is None:
        return True
    return any(former.get(name) != value for name, value in order.items() if name not in _UNPUBLISHED)


def document_of(document: str | None) -> dict[str, Any] | None:
    """The published document; None also if damaged."""
    try:
        former = None if document is None else read_json(document)
    except ValueError:
        return None
    return former if isinstance(former, dict) and isinstance(former.get("status"), str) else None


# --- Positions --------------------------------------------------------------------------------------------------------


def position(transaction: Transaction, name: str) -> SourcePosition:
    """The source's position; inserted if it is new."""
    row = transaction.one(POSITION, name=name)
    if row is None:
        transaction.run(BEGIN_POSITION, name=name)
        return SourcePosition(name)
    revision, snapshot, phase, after_key, token, starts_at, lost, resyncs = row
    return SourcePosition(name, revision, snapshot, phase, after_key, token, starts_at, bool(lost), resyncs)


def move(transaction: Transaction, source: SourcePosition, *, now: Timestamp, **changes: Any) -> SourcePosition:
    """Advance the source; return the new position. Raises OvertakenError if `source` is not the newest."""
    moved = replace(source, **changes)
    touched = transaction.run(
        MOVE_POSITION,
        source_name=source.name,
        expected_revision=source.revision,
        new_snapshot=moved.snapshot,
        new_phase=moved.phase,
        new_after_key=moved.after_key,
        new_token=moved.token,
        new_starts_at=moved.starts_at,
        new_lost=int(moved.lost),
        new_resyncs=moved.resyncs,
        new_updated_at=now,
    )
    if touched != 1:
        raise OvertakenError(source.name)
    return replace(moved, revision=source.revision + 1)
