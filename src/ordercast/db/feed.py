"""The feed: committed changes in commit order. Only triggers fill it."""

from __future__ import annotations

from typing import Final

from .columns import (
    Column,
    Numbering,
    actor,
    check,
    document,
    given_moment,
    index,
    integer,
    line,
    reason,
    table,
    version,
    word,
)
from .errors import FeedRowMissing
from .noun import Copies, Noun
from .statement import Statement, statements_in
from .transaction import Transaction
from .types import ChangeKind


def _columns() -> list[Column]:
    return [
        word("kind"),
        line("entity_id"),
        version(None),
        actor(given=True),
        reason(),
        given_moment("at"),
        document("before", optional=True),
        document("after", optional=True),
    ]


feed = table(
    "feed",
    integer("seq", check("seq_positive", "seq > 0"), primary_key=True, numbering=Numbering.IN_SQLITE),
    *_columns(),
    autoincrement=True,
    by_triggers=True,
)

# Staging table with several writers. A sequence's numbers are in the order of beginning, not of commits, so readers
# by it would miss slow transactions. Rows get their feed number after the commit.
feed_to_number = table(
    "feed",
    integer("id", primary_key=True, numbering=Numbering.ALWAYS),
    integer("seq", optional=True, unique=True),
    *_columns(),
    index("feed_unsequenced", "id", where="seq IS NULL"),
    by_triggers=True,
)

# --- Statements -------------------------------------------------------------------------------------------------------
# In PostgreSQL a row is numbered after its commit; until then its key is `id`.

AFTER: Final = Statement("""
    SELECT seq, kind, entity_id, version, actor, reason, at, before, after
    FROM feed WHERE seq > :after ORDER BY seq LIMIT :limit
""")
NEWEST_SEQ: Final = Statement("SELECT max(seq) FROM feed")
OLDEST_SEQ: Final = Statement("SELECT min(seq) FROM feed")
# The last row of this transaction. PostgreSQL gets the key by a subquery: a volatile function would force a full
# scan.
NEWEST_DOCUMENT: Final = Statement(
    sqlite="SELECT entity_id, after FROM feed WHERE seq = (SELECT max(seq) FROM feed)",
    postgresql="SELECT entity_id, after FROM feed WHERE id = (SELECT currval('feed_id_seq'))",
)
# Later rows of this transaction are after the mark.
MARK: Final = Statement(
    sqlite="SELECT coalesce(max(seq), 0) FROM feed",
    postgresql="SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM feed_id_seq",
)
PLACED_AFTER: Final = Statement(
    f"SELECT entity_id, after FROM feed WHERE @feed_key > :mark AND kind = '{ChangeKind.ORDER_PLACED}'"
)
# The newest number, and whether an unnumbered row of `entity_id` is visible.
SEEN_WITH: Final = Statement(
    sqlite="SELECT coalesce(max(seq), 0), 0 FROM feed",
    postgresql="""
        SELECT coalesce(max(seq), 0), CASE WHEN EXISTS (
          SELECT 1 FROM feed AS waiting WHERE waiting.seq IS NULL AND waiting.entity_id = :entity_id) THEN 1 ELSE 0 END
        FROM feed
    """,
)
# The newest number, and the newest key of a row that is visible and has none yet.
NEWEST: Final = Statement(
    sqlite="SELECT coalesce(max(seq), 0), 0 FROM feed",
    postgresql="""
        SELECT (SELECT coalesce(max(seq), 0) FROM feed), (SELECT coalesce(max(id), 0) FROM feed WHERE seq IS NULL)
    """,
)
NUMBERED: Final = Statement(
    sqlite="SELECT coalesce(max(seq), 0), 1 FROM feed WHERE :through >= 0",
    postgresql="""
        SELECT (SELECT coalesce(max(seq), 0) FROM feed),
          CASE WHEN EXISTS (SELECT 1 FROM feed WHERE seq IS NULL AND id <= :through) THEN 0 ELSE 1 END
    """,
)
FORGET_OLD: Final = Statement("DELETE FROM feed WHERE seq <= :through AND seq < (SELECT min(seq) FROM feed) + :limit")

NOUN: Final = Noun(
    name="feed",
    tables=(feed,),
    statements=statements_in(globals()),
    personal={
        "feed": Copies(
            "events of their orders, and those that back ends published to them: rewritten, so that no replay tells"
        )
    },
)

# --- Positions --------------------------------------------------------------------------------------------------------


def newest_seq(transaction: Transaction) -> int:
    """The feed's newest number; 0 if it is empty."""
    row = transaction.one(NEWEST_SEQ)
    return (row[0] or 0) if row else 0


def newest(transaction: Transaction) -> tuple[int, int]:
    """The feed's newest number, and the newest key of those visible that have none; 0 for none."""
    seq, unnumbered = transaction.one(NEWEST) or (0, 0)
    return int(seq), int(unnumbered)


def is_numbered(transaction: Transaction, through: int) -> tuple[int, bool]:
    """The feed's newest number, and whether each visible row up to the key `through` has one."""
    seq, are_numbered = transaction.one(NUMBERED, through=through) or (0, 1)
    return int(seq), bool(are_numbered)


def newest_document(transaction: Transaction, entity_id: str) -> str:
    """The entity's document that this unit wrote, from its feed row. Raises FeedRowMissing."""
    row = transaction.one(NEWEST_DOCUMENT)
    if row is None or row[0] != entity_id:
        raise FeedRowMissing(entity_id)
    document: str = row[1]
    return document


def seen_with(transaction: Transaction, entity_id: str) -> int | None:
    """The feed's newest number; None if this snapshot shows an unnumbered change of the entity."""
    row = transaction.one(SEEN_WITH, entity_id=entity_id)
    assert row is not None
    newest, waits = row
    return None if waits else int(newest)
