"""Inspects all rows in the background, and repairs damaged ones for an operator."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from ordercast.db import Store, StoreError
from ordercast.db.columns import Table
from ordercast.db.inspection import DamagedTableRow, TablePage, inspect_page, is_damaged, tables
from ordercast.db.repair import RepairOutcome, repair_row
from ordercast.feed.encoding import check_row
from ordercast.feed.gaps import affected_rooms

log = logging.getLogger("ordercast.row_inspector")

# Share of a reader's time: a million orders take some minutes.
SHARE_MAX: Final = 0.01
ROUND_EVERY_S: Final = 5.0
# How often known damaged rows are rechecked, so that readiness follows a repair.
RECHECK_EVERY_S: Final = 0.5
RECHECK_ROWS_MAX: Final = 100
# A repair is recorded in history with the old value, which the next pass repairs.
PASSES_MAX: Final = 4


class RowInspector:
    """Inspects all tables of a node's database, round after round."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rechecked_at = 0.0

    def __repr__(self) -> str:
        return f"<RowInspector of {self._store!r}>"

    async def run(self) -> None:
        while True:
            try:
                await self.inspect_all()
            except StoreError:
                pass  # reported by other users of the database
            except Exception:
                log.exception("could not inspect the tables; retrying")
            await self._wait(ROUND_EVERY_S)

    async def inspect_all(self, share_max: float = SHARE_MAX) -> None:
        """Inspect every row once; record damaged ones, forget repaired ones."""
        for table in await self._store.read(lambda transaction: tables(transaction.dialect)):
            await self._inspect_table(table, share_max)

    async def _inspect_table(self, table: Table, share_max: float) -> None:
        known, found, after = set(self._store.damaged.of(table.name)), set[str](), None
        while True:
            began_s = time.monotonic()
            page: TablePage = await self._store.read(partial(inspect_page, table=table, after=after, check=check_row))
            for row in page.damaged:
                found.add(row.name)
                self._store.damaged.note(table.name, row.name, row.problem)
            await self._wait((time.monotonic() - began_s) / share_max)
            after = page.after
            if after is None:
                break
        for name in known - found:
            self._store.damaged.repaired(table.name, name)

    async def _wait(self, seconds: float) -> None:
        """Sleep, rechecking known rows."""
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            await asyncio.sleep(min(left_s, RECHECK_EVERY_S))
            if time.monotonic() - self._rechecked_at >= RECHECK_EVERY_S:
                self._rechecked_at = time.monotonic()
                await self.recheck_damaged()

    async def recheck_damaged(self) -> None:
        """Forget known rows that were repaired."""
        known = self._store.damaged.all()[:RECHECK_ROWS_MAX]
        if not known:
            return
        by_name = {table.name: table for table in await self._store.read(lambda t: tables(t.dialect))}
        for table, name in known:
            found = await self._store.read(lambda t, of=by_name[table], n=name: is_damaged(t, of, n, check_row))  # type: ignore[misc]
            if found is False:
                self._store.damaged.repaired(table, name)


async def repair_rows(store: Store, *, dry_run: bool) -> AsyncIterator[tuple[DamagedTableRow, RepairOutcome | None]]:
    """Repair every damaged row; yield each with the outcome, None in a dry run."""
    for _ in range(1 if dry_run else PASSES_MAX):
        repaired = 0
        async for row in _damaged(store):
            outcome = (
                None
                if dry_run
                else await store.write(partial(repair_row, row=row, rooms=affected_rooms, check=check_row))
            )
            repaired += outcome is RepairOutcome.MENDED
            yield row, outcome
        if repaired == 0:
            return


async def _damaged(store: Store) -> AsyncIterator[DamagedTableRow]:
    for table in await store.read(lambda transaction: tables(transaction.dialect)):
        after = None
        while True:
            inspect = partial(inspect_page, table=table, after=after, check=check_row)
            page: TablePage = await store.read(inspect)
            for row in page.damaged:
                yield row
            after = page.after
            if after is None:
                break
