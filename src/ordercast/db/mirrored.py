"""Orders that live in another program's database, as they were last told, and how far each source has been read.

They are written as they come, and decided there; what is mirrored is told as if it had happened here.
"""

from __future__ import annotations

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
    # The order in which they came; it sorts lists.
    entry(),
    line("source"),
    # The document's own key as extended JSON: an id of whatever type it has there.
    line("foreign_key"),
    # What people and programs call the order; none for a document that is no order.
    identifier("id", unique=True, optional=True),
    version(0),
    # As ``orders.document`` has it; none until there is something to tell.
    json_object("document", optional=True),
    word("status", optional=True),
    identifier("customer_id", optional=True),
    identifier("driver_id", optional=True),
    # The foreign document whole, as extended JSON: changes of it are told as differences, which are applied to it.
    of(domains.FOREIGN, "raw"),
    # The source's time at which a snapshot showed it so: changes up to then are in it already.
    word("as_of"),
    # Which snapshot saw it last.
    count("snapshot", default=None),
    # It is there no more.
    flag("gone", False),
    # It was there before we were: no news.
    flag("imported", False),
    columns.actor(given=True),
    columns.reason(),
    columns.moment("updated_at"),
    index("mirrored_by_key", "source", "foreign_key", unique=True),
    index("mirrored_there", "source", "snapshot", "entry", where="gone = 0"),
    index("mirrored_by_customer", "customer_id", "entry"),
    # As lists ask for them: of those that are orders.
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
    # Counts every step: who took one from a position that is no longer the newest takes it back.
    count("revision"),
    # Which snapshot this is, counted from one; and how far it has come, none once it is whole.
    count("snapshot"),
    word("phase", default="new"),
    line("after_key", optional=True),
    # Where the stream goes on: behind a token, or from a time.
    text("token", optional=True),
    word("starts_at", optional=True),
    # Something was lost, which the next snapshot makes good.
    flag("lost", False),
    # How often that has happened; each time is told.
    count("resyncs"),
    columns.moment("updated_at"),
    rowid=False,
)

# --- Statements -------------------------------------------------------------------------------------------------------

MIRRORED_FROM: Final = 10**15
"""Lists name a mirrored order by its entry and this much: one cursor leads through both tables."""

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
    # One statement per filter, as ``orders.statements``.
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
# A row begins without a document, so that everything is told by an UPDATE. What was there before us is no news.
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
        # A copy of what another program keeps: gone here, it comes back only if that program has not forgotten it too.
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

# What of an order's document merely tells of a change.
_UNPUBLISHED: Final = frozenset({"version", "updatedAt", "statusSince"})


class OvertakenError(Exception):
    """Somebody else has read the source further; what was made of this reading is taken back."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was read further by another reader.")


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """How far a source has been read; see the table."""

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
    """A row as the next change finds it."""

    entry: int
    id: str | None
    version: int
    document: str | None
    raw: str
    as_of: str
    gone: int


@dataclass(frozen=True, slots=True)
class MirroredState:
    """What a row is to show from now on. `order` is None for what cannot be told, which leaves what was told before."""

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
    """A row for a document that was not known; nothing of it is told yet."""
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
    """Write what `row` shows now; answers whether anything of it is told."""
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
    """Whether no order, mirrored or our own, has that id."""
    mirrored = transaction.one(ID_TAKEN, id=order_id)
    return mirrored is None and transaction.one(ID_TAKEN_BY_OURS, id=order_id) is None


def unseen(transaction: Transaction, source: str, snapshot: int, limit: int) -> list[str]:
    """Keys of rows that were there before a snapshot, and that it has not seen."""
    rows = transaction.all(UNSEEN, source=source, snapshot=snapshot, limit=limit)
    return [key for (key,) in rows]


def _differs(document: str | None, order: dict[str, Any]) -> bool:
    former = document_of(document)
    if former is None:
        return True
    return any(former.get(name) != value for name, value in order.items() if name not in _UNPUBLISHED)


def document_of(document: str | None) -> dict[str, Any] | None:
    """What was told of an order; None too for what another program wrote there and is none."""
    try:
        former = None if document is None else read_json(document)
    except ValueError:
        return None
    return former if isinstance(former, dict) and isinstance(former.get("status"), str) else None


# --- Positions --------------------------------------------------------------------------------------------------------


def position(transaction: Transaction, name: str) -> SourcePosition:
    """How far that source has been read; it is written down at once if it was never read."""
    row = transaction.one(POSITION, name=name)
    if row is None:
        transaction.run(BEGIN_POSITION, name=name)
        return SourcePosition(name)
    revision, snapshot, phase, after_key, token, starts_at, lost, resyncs = row
    return SourcePosition(name, revision, snapshot, phase, after_key, token, starts_at, bool(lost), resyncs)


def move(transaction: Transaction, source: SourcePosition, *, now: Timestamp, **changes: Any) -> SourcePosition:
    """Move on from `source`; gives the new position. Raises OvertakenError where it is no longer the newest."""
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
