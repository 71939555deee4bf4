"""Looking for damaged rows beside the shop's work, a little at a time; and mending them for an operator."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import Table

from ordercast.db import Store, StoreError
from ordercast.db.inspection import DamagedTableRow, Piece, is_damaged, look, tables
from ordercast.db.repair import Deed, mend
from ordercast.feed.encoding import check_row
from ordercast.feed.gaps import affected_rooms

log = logging.getLogger("ordercast.inspecting")

# Of a reader's time: a shop of a million orders is gone through in some minutes, and nobody else waits for it.
SHARE_MAX: Final = 0.01
ROUND_EVERY_S: Final = 5.0
# Whether those that are known are damaged still is asked so often: readiness is right a moment after a repair.
AGAIN_EVERY_S: Final = 0.5
AGAIN_ROWS_MAX: Final = 100
# A mended row's history tells what it was before: that is mended after it.
PASSES_MAX: Final = 4


class Inspector:
    """Goes round all tables of one node's database, for ever."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked_again_at = 0.0

    def __repr__(self) -> str:
        return f"<Inspector of {self._store!r}>"

    async def run(self) -> None:
        while True:
            try:
                await self.look_round()
            except StoreError:
                pass  # who needs the database now is told so by it
            except Exception:
                log.exception("the tables could not be looked through; trying again")
            await self._wait(ROUND_EVERY_S)

    async def look_round(self, share_max: float = SHARE_MAX) -> None:
        """Look at every row once; those that are damaged are noted, and those that were are forgotten."""
        for table in await self._store.read(lambda transaction: tables(transaction.dialect)):
            await self._look_through(table, share_max)

    async def _look_through(self, table: Table, share_max: float) -> None:
        known, found, after = set(self._store.damaged.of(table.name)), set[str](), None
        while True:
            began_s = time.monotonic()
            piece: Piece = await self._store.read(lambda t, after=after: look(t, table, after, check_row))  # type: ignore[misc]
            for row in piece.damaged:
                found.add(row.name)
                self._store.damaged.note(table.name, row.name, row.problem)
            await self._wait((time.monotonic() - began_s) / share_max)
            after = piece.after
            if after is None:
                break
        for name in known - found:
            self._store.damaged.mended(table.name, name)

    async def _wait(self, seconds: float) -> None:
        """Meanwhile look again at those that are known."""
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            await asyncio.sleep(min(left_s, AGAIN_EVERY_S))
            if time.monotonic() - self._asked_again_at >= AGAIN_EVERY_S:
                self._asked_again_at = time.monotonic()
                await self.look_again()

    async def look_again(self) -> None:
        """Forget those of the known rows that were mended."""
        known = self._store.damaged.all()[:AGAIN_ROWS_MAX]
        if not known:
            return
        by_name = {table.name: table for table in await self._store.read(lambda t: tables(t.dialect))}
        for table, name in known:
            found = await self._store.read(lambda t, of=by_name[table], n=name: is_damaged(t, of, n, check_row))  # type: ignore[misc]
            if found is False:
                self._store.damaged.mended(table, name)


async def repair(store: Store, *, dry_run: bool) -> AsyncIterator[tuple[DamagedTableRow, Deed | None]]:
    """Every damaged row with what was done about it; None where nothing was to be."""
    for _ in range(1 if dry_run else PASSES_MAX):
        mended = 0
        async for row in _damaged(store):
            deed = None if dry_run else await store.write(lambda t, row=row: mend(t, row, affected_rooms, check_row))  # type: ignore[misc]
            mended += deed is Deed.MENDED
            yield row, deed
        if mended == 0:
            return


async def _damaged(store: Store) -> AsyncIterator[DamagedTableRow]:
    for table in await store.read(lambda transaction: tables(transaction.dialect)):
        after = None
        while True:
            piece: Piece = await store.read(lambda t, table=table, after=after: look(t, table, after, check_row))  # type: ignore[misc]
            for row in piece.damaged:
                yield row
            after = piece.after
            if after is None:
                break
