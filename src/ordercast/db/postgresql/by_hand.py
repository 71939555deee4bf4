"""Rows that triggers write, where somebody writes one by hand: PostgreSQL holds them to what SQLite's CHECKs say.

Every order writes two of them; a domain for each of their columns would cost it a tenth of its time.
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
    # AFTER: one that stands before an UPDATE locks each row first, and the sequencer changes every row once.
    return [
        Trigger(f"{table.name}_written_by_hand", "AFTER INSERT", table.name, refusals, _BY_HAND),
        Trigger(
            f"{table.name}_edited_by_hand", f"AFTER UPDATE OF {', '.join(domains)}", table.name, refusals, _BY_HAND
        ),
    ]


BY_HAND_TRIGGERS = [*_checked(feed), *_checked(order_history)]
