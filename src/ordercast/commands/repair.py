"""``ordercast repair``."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Annotated

import uvloop
from cyclopts import Parameter

from ordercast.config import Settings
from ordercast.db.repair import RepairOutcome
from ordercast.row_inspector import repair_rows

from .process import DatabaseUrl, load_settings, started_store


def repair(
    *,
    dry_run: Annotated[bool, Parameter(help="Only tell what would be done.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Find rows that cannot be read, in every table, and write the nearest values that can; beside a running shop too.

    Ends with 1 where a row is left that only a person can mend.
    """
    left = uvloop.run(_repair(load_settings(make_secret=False, database_url=database_url), dry_run=dry_run))
    if left:
        sys.exit(1)


async def _repair(settings: Settings, *, dry_run: bool) -> int:
    """Repair; return the number of rows left to a person."""
    found: Counter[str] = Counter()
    async with started_store(settings) as store:
        async for row, outcome in repair_rows(store, dry_run=dry_run):
            found["found" if outcome is None else outcome] += 1
            for each in row.problems:
                suffix = "" if outcome is None else f" ({outcome})"
                print(f"{row.table} {ascii(row.name)[1:-1]}: {each.column} {each.problem}{suffix}")
    if not found:
        print("Every row can be read.")
    else:
        print(", ".join(f"{count} {outcome}" for outcome, count in found.items()) + ".")
    return found[RepairOutcome.LEFT]
