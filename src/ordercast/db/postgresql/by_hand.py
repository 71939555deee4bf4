"""Checks rows that are usually written by triggers, when written by hand, as SQLite's CHECKs do.

Each order writes two; domains on their columns would cost a tenth of its time.
"""

from __future__ import annotations

from ordercast.db.columns import Table
from ordercast.db.dialects import Refusal, Trigger
from ordercast.db.feed import feed
from ordercast.db.orders.table import order_history
from ordercast.db.postgresql.functions import RAW_CHANNEL

_BY_HAND = "pg_trigger_depth() = 0"


def _refusals(table: Table) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(
            f"{name}_is_{column.domain.name}: a {column.domain.name} is wanted",
            f"NOT ({column.domain.of(f'NEW.{name}')})",
        )
        for name, column in table.columns.items()
        if column.domain is not None
    )


def _edited(table: Table) -> Trigger:
    domains = [name for name, column in table.columns.items() if column.domain is not None]
    # AFTER: a BEFORE trigger locks each row first, and the sequencer updates every row.
    event = f"AFTER UPDATE OF {', '.join(domains)}"
    return Trigger(f"{table.name}_edited_by_hand", event, table.name, _refusals(table), _BY_HAND)


# All that is done at a row of the feed, in one trigger: each further one costs its writer some 4 us, and so does a
# WHEN, which every statement parses and plans anew. A number that is given could be the last one (2^63 - 1), or below
# the newest, and be missed.
_FEED_WRITTEN = Trigger(
    "feed_written",
    "BEFORE INSERT",
    "feed",
    (
        f"PERFORM pg_notify('{RAW_CHANNEL}', '')",
        "IF NEW.seq IS NOT NULL THEN NEW.seq := NULL; END IF",
        "IF pg_trigger_depth() > 1 THEN RETURN NEW; END IF",
        *_refusals(feed),
    ),
)

BY_HAND_TRIGGERS = [
    _FEED_WRITTEN,
    _edited(feed),
    Trigger("order_history_written_by_hand", "AFTER INSERT", "order_history", _refusals(order_history), _BY_HAND),
    _edited(order_history),
]
