"""Watches what is attached while a node runs: what is missing or was silenced, and what a mapping could not tell.

The node that leads also tells the gaps: one `resync` for all that could not be told since the last, not one for each.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from ordercast import telemetry
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Store, StoreError, Transaction

from .gaps import publish_failures
from .mapping import Mapping as MappingFile
from .postgresql.catalogue import Catalogue
from .postgresql.checking import Found, applied_faults, resolve
from .postgresql.snapshots import PostgresqlTables

# A few queries of the catalogue; a trigger that was dropped is named within this.
CHECK_EVERY_S: Final = 2.0
ERRORS_AT_ONCE_MAX: Final = 1_000
# More than anybody reads in an answer; the log has all.
NAMED_MAX: Final = 20
# Kept of each mapping, newest first: enough to see what was wrong.
ERRORS_KEPT: Final = 1_000

_HAS_ERRORS: Final = "SELECT to_regclass('attach_errors') IS NOT NULL"
_ERRORS: Final = """
SELECT mapping, CAST(sum(count) AS bigint), max(at)::text, (array_agg(message ORDER BY id DESC))[1],
  (array_agg(coalesce(entity, '') ORDER BY id DESC))[1]
FROM attach_errors GROUP BY mapping ORDER BY mapping
"""
_UNTOLD: Final = "SELECT id, mapping FROM attach_errors WHERE NOT told ORDER BY id LIMIT %(limit)s"
_TOLD: Final = "UPDATE attach_errors SET told = true WHERE id = ANY(%(ids)s)"
# The first of what is forgotten keeps its count.
_FORGET: Final = """
WITH old AS (
    SELECT id, mapping, count, row_number() OVER (PARTITION BY mapping ORDER BY id DESC) AS n FROM attach_errors),
  gone AS (DELETE FROM attach_errors USING old WHERE attach_errors.id = old.id AND old.n > %(kept)s AND told
    RETURNING attach_errors.mapping, attach_errors.count),
  sums AS (SELECT mapping, sum(count) AS count FROM gone GROUP BY mapping)
UPDATE attach_errors AS kept SET count = kept.count + sums.count
FROM sums WHERE kept.id = (SELECT id FROM old WHERE old.mapping = sums.mapping AND old.n = %(kept)s)
"""

log = logging.getLogger("ordercast.attach")


class AttachedTables:
    """What is attached to the PostgreSQL database that a node serves."""

    def __init__(self, store: Store, mapping: MappingFile, now: Callable[[], Timestamp]) -> None:
        self._store = store
        self._mapping = mapping
        self._now = now
        self.tables = PostgresqlTables(store)
        self._faults: list[str] = []
        self._errors: list[str] = []

    def __repr__(self) -> str:
        return f"<AttachedTables {len(self._mapping.emits)} faults={len(self._faults)} errors={len(self._errors)}>"

    def warnings(self) -> list[str]:
        """What is not told as the file says, a sentence for each, as it was found a moment ago."""
        found = [*self._faults, *self._errors]
        more = len(found) - NAMED_MAX
        return [*found[:NAMED_MAX], *([f"And {more} more of the mapping."] if more > 0 else [])]

    async def run(self) -> None:
        """Look again and again."""
        while True:
            try:
                await self.look()
            except StoreError:
                pass  # readiness says so by itself
            except Exception:
                log.exception("what is attached could not be looked at; trying again")
            await asyncio.sleep(CHECK_EVERY_S)

    async def look(self) -> None:
        """Look once."""
        found, faults, errors = await self._store.read(self._read)
        self.tables.update(found.watched, found.schema)
        for sentence in faults:
            if sentence not in self._faults:
                log.warning("%s", sentence)
        for sentence in self._faults:
            if sentence not in faults:
                log.info("mended: %s", sentence)
        self._faults = faults
        self._errors = [self._error(*row) for row in errors]
        telemetry.ATTACH_FAULTS.set(len(faults))
        for name, count, *_ in errors:
            telemetry.ATTACH_ERRORS.labels(name).set(count)

    def _read(self, transaction: Transaction) -> tuple[Found, list[str], list[tuple[Any, ...]]]:
        catalogue = Catalogue(partial(_ask, transaction))
        found = resolve(self._mapping, catalogue)
        faults = sorted({*found.faults, *applied_faults(found, catalogue.attached(), self._mapping)})
        (has_errors,) = transaction.one(_HAS_ERRORS) or (False,)
        errors = transaction.all(_ERRORS) if has_errors else []
        return found, [f"{self._mapping.fault(fault.line, fault.sentence)}." for fault in faults], errors

    def _error(self, name: str, count: int, at: str, message: str, entity: str) -> str:
        line = next((each.line for each in self._mapping.sections if each.name == name), 1)
        changes = "a change was" if count == 1 else f"{count} changes were"
        return self._mapping.fault(line, f"{changes} not told, last of {entity} at {at}: {message}.")

    # --- While this node leads --------------------------------------------------------------------------------------

    async def tell_gaps(self) -> None:
        """Tell whom an event was for that a mapping could not make."""
        if await self._store.read(_has_untold):
            while await self._store.write(self._tell) == ERRORS_AT_ONCE_MAX:
                pass
            await self._store.write(lambda transaction: transaction.run(_FORGET, kept=ERRORS_KEPT))

    def _tell(self, transaction: Transaction) -> int:
        rows = transaction.all(_UNTOLD, limit=ERRORS_AT_ONCE_MAX)
        if rows:
            failed = {name for _, name in rows}
            publish_failures(transaction, self._mapping, failed, actor="db:ordercast", now=self._now())
            transaction.run(_TOLD, ids=[id_ for id_, _ in rows])
        return len(rows)


def _has_untold(transaction: Transaction) -> bool:
    (has_errors,) = transaction.one(_HAS_ERRORS) or (False,)
    return bool(has_errors) and bool(transaction.all(_UNTOLD, limit=1))


def _ask(transaction: Transaction, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return transaction.all(query, **values)
