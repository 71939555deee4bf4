"""The feed: what was committed, in the order of the commits. Triggers alone fill it."""

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

# The same table where many write at once. There a number of a sequence says who began first, and not who committed
# first: readers who went by it would miss the slow. So a row gets its place in the feed only once it is committed.
feed_to_number = table(
    "feed",
    integer("id", primary_key=True, numbering=Numbering.ALWAYS),
    integer("seq", optional=True, unique=True),
    *_columns(),
    index("feed_unsequenced", "id", where="seq IS NULL"),
    by_triggers=True,
)

# --- Statements -------------------------------------------------------------------------------------------------------
# In PostgreSQL a row gets its place in the feed once it is committed; until then `id`, the order of writing, names it.

AFTER: Final = Statement("""
    SELECT seq, kind, entity_id, version, actor, reason, at, before, after
    FROM feed WHERE seq > :after ORDER BY seq LIMIT :limit
""")
NEWEST_SEQ: Final = Statement("SELECT max(seq) FROM feed")
OLDEST_SEQ: Final = Statement("SELECT min(seq) FROM feed")
# Of the row that this transaction wrote last. PostgreSQL asks for its key in a query of its own: of a function whose
# answer may change, the planner would read every row.
NEWEST_DOCUMENT: Final = Statement(
    sqlite="SELECT entity_id, after FROM feed WHERE seq = (SELECT max(seq) FROM feed)",
    postgresql="SELECT entity_id, after FROM feed WHERE id = (SELECT currval('feed_id_seq'))",
)
# What this transaction writes from now on comes behind the mark.
MARK: Final = Statement(
    sqlite="SELECT coalesce(max(seq), 0) FROM feed",
    postgresql="SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM feed_id_seq",
)
PLACED_AFTER: Final = Statement(
    f"SELECT entity_id, after FROM feed WHERE @feed_key > :mark AND kind = '{ChangeKind.ORDER_PLACED}'"
)
# The newest number, and whether a row of `entity_id` is to be seen that has none yet.
SEEN_WITH: Final = Statement(
    sqlite="SELECT coalesce(max(seq), 0), 0 FROM feed",
    postgresql="""
        SELECT coalesce(max(seq), 0), CASE WHEN EXISTS (
          SELECT 1 FROM feed AS waiting WHERE waiting.seq IS NULL AND waiting.entity_id = :entity_id) THEN 1 ELSE 0 END
        FROM feed
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


def seen_with(transaction: Transaction, entity_id: str) -> int | None:
    """The feed's newest number; None where this snapshot shows a change of the entity that has no number yet."""
    row = transaction.one(SEEN_WITH, entity_id=entity_id)
    assert row is not None
    newest, waits = row
    return None if waits else int(newest)
