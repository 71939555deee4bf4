"""Triggers for PostgreSQL only: against TRUNCATE, which fires no row triggers, and for feed numbers, which only the
sequencer may set.
"""

from __future__ import annotations

from typing import Final

from ordercast.db.dialects import Refusal, Trigger
from ordercast.db.nouns import TABLES
from ordercast.db.postgresql.by_hand import BY_HAND_TRIGGERS
from ordercast.db.postgresql.functions import NO_TRUNCATE_FUNCTION

NO_TRUNCATE: Final = tuple(sorted(table.name for table in TABLES if not table.may_be_emptied))
"""Tables whose rows are retained, published, or a queue."""


def _no_truncate(table: str) -> Trigger:
    return Trigger(
        f"{table}_not_emptied", "BEFORE TRUNCATE", table, (), each="STATEMENT", function=NO_TRUNCATE_FUNCTION
    )


# AFTER: a BEFORE trigger locks each row first, and the sequencer updates every row.
_NUMBERED_BY_ONE: Final = [
    Trigger(
        "feed_numbers_stay",
        "AFTER UPDATE OF seq",
        "feed",
        (Refusal("feed: a number that was given stays"),),
        "OLD.seq IS NOT NULL AND NEW.seq IS DISTINCT FROM OLD.seq",
    ),
    Trigger(
        "feed_untold_stays",
        "AFTER DELETE",
        "feed",
        (Refusal("feed: what has no number yet was not told, and stays"),),
        "OLD.seq IS NULL",
    ),
]

# Where the sequencer continues. A jump could exhaust numbers, a step back reuse them.
FEED_NEWEST: Final = "feed_newest"
NEWEST_AHEAD_MAX: Final = 1_000_000
_NEWEST: Final = f"{FEED_NEWEST}: the newest number of the feed never falls, and rises by {NEWEST_AHEAD_MAX} at most"


def _leaps(former: str) -> str:
    return f"CAST(NEW.value AS bigint) NOT BETWEEN {former} AND {former} + {NEWEST_AHEAD_MAX}"


_COUNTED_ON: Final = [
    Trigger(
        "meta_feed_newest",
        "AFTER UPDATE",
        "meta",
        (Refusal(_NEWEST, _leaps("CAST(OLD.value AS bigint)")),),
        f"NEW.name = '{FEED_NEWEST}' AND OLD.name = '{FEED_NEWEST}'",
    ),
    Trigger(
        "meta_feed_newest_begun",
        "AFTER INSERT",
        "meta",
        (Refusal(_NEWEST, _leaps("coalesce((SELECT max(seq) FROM feed), 0)")),),
        f"NEW.name = '{FEED_NEWEST}'",
    ),
]

POSTGRESQL_TRIGGERS: Final = [
    *_COUNTED_ON,
    *BY_HAND_TRIGGERS,
    *_NUMBERED_BY_ONE,
    *map(_no_truncate, NO_TRUNCATE),
]
