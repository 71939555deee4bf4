"""Numbers that a database gives to rows by itself, where another program writes one by hand.

SQLite counts on from the largest: behind 2^63 - 1 it gives none, and nobody can insert anything any more. A number
there may be some way ahead, as one that is brought in from elsewhere. PostgreSQL's sequences are not moved by a number
that is given: its columns take none (``GENERATED ALWAYS``), but for that of an order, where whoever meets a number that
was taken by hand is given the next.
"""

from __future__ import annotations

from typing import Final

from ordercast.db.columns import Table
from ordercast.db.dialects import Refusal, Trigger
from ordercast.db.nouns import TABLES

# Of the 2^63 numbers of a table such steps use up none that will ever be wanted.
AHEAD_MAX: Final = 1_000_000
# Written by triggers with every order, and read in the order of versions: what a number says there matters to nobody.
_NOT_LOOKED_AT: Final = frozenset({"order_history", "product_history"})


def number_triggers() -> list[Trigger]:
    numbered = [(table, name) for table in TABLES if (name := _number(table)) is not None]
    return [trigger for table, name in numbered for trigger in (_given(table, name), _stays(table, name))]


def _number(table: Table) -> str | None:
    """The column that numbers the rows, if one does that matters."""
    (key, *_) = table.key
    return key.name if key.numbering is not None and table.name not in _NOT_LOOKED_AT else None


def _given(table: Table, name: str) -> Trigger:
    # Before a row that leaves its number to the database, NEW has -1; one that is really below 1 a CHECK refuses.
    ahead = f"NEW.{name} > 0 AND NEW.{name} > coalesce((SELECT max({name}) FROM {table.name}), 0) + {AHEAD_MAX}"
    sentence = f"{table.name}_{name}: a {name} is at most {AHEAD_MAX} ahead of the newest; leave it out for the next"
    return Trigger(f"{table.name}_numbered", "BEFORE INSERT", table.name, (Refusal(sentence),), ahead)


def _stays(table: Table, name: str) -> Trigger:
    refusal = Refusal(f"{table.name}_{name}: a {name} that was given stays")
    return Trigger(
        f"{table.name}_number_stays", f"BEFORE UPDATE OF {name}", table.name, (refusal,), f"NEW.{name} <> OLD.{name}"
    )
