"""Checks rows that are usually written by triggers, when written by hand, as SQLite's CHECKs do.

Each order writes two; domains on their columns would cost a tenth of its time.
"""

from __future__ import annotations

from ordercast.db.columns import Table
from ordercast.db.dialects import Refusal, Trigger
from ordercast.db.feed import feed
from ordercast.db.orders.table import order_history

_BY_HAND = "pg_trigger_depth() = 0"


def _checked(table: Table) -> list[Trigger]:
    domains = {name: column.domain for name, column in table.columns.items() if column.domain is not None}
    refusals = tuple(
        Refusal(f"{name}_is_{domain.name}: a {domain.name} is wanted", f"NOT ({domain.of(f'NEW.{name}')})")
        for name, domain in domains.items()
    )
    # AFTER: a BEFORE trigger locks each row first, and the sequencer updates every row.
    return [
        Trigger(f"{table.name}_written_by_hand", "AFTER INSERT", table.name, refusals, _BY_HAND),
        Trigger(
            f"{table.name}_edited_by_hand", f"AFTER UPDATE OF {', '.join(domains)}", table.name, refusals, _BY_HAND
        ),
    ]


BY_HAND_TRIGGERS = [*_checked(feed), *_checked(order_history)]
