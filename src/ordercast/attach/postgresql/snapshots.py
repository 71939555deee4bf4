"""Snapshots of watched tables in the PostgreSQL database that a node serves: rows and the feed's numbers by one
snapshot of the database, so that each change is in the one or behind the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Final

import msgspec
from psycopg.errors import ProgrammingError, QueryCanceled

from ordercast.attach.numbering import newest_when_numbered
from ordercast.commerce.errors import InvalidField
from ordercast.db import Store, Transaction, feed
from ordercast.db.errors import Unstorable
from ordercast.db.sql import quoted
from ordercast.db.watched_rows import RowState, TableFilter, TableSnapshot, WatchableTable

from .watching import WatchedTable

# A connection of two is taken for so long: a query that needs more has no index.
QUERY_MS_MAX: Final = 5_000
# Twice what is told of rows, which have their key and rooms besides.
BYTES_MAX: Final = 4_000_000
# As triggers say moments.
_SETTINGS: Final = f"SET LOCAL statement_timeout = {QUERY_MS_MAX}; SET LOCAL timezone = 'UTC'"


class PostgresqlTables:
    """The tables that may be watched, as they were a moment ago."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._schema = ""
        self._found: dict[str, tuple[WatchedTable, WatchableTable]] = {}
        # One query at a time: requests have the other connection.
        self._turn = asyncio.Semaphore(1)

    def __repr__(self) -> str:
        return f"<PostgresqlTables {', '.join(self._found)}>"

    def update(self, found: Mapping[str, WatchedTable], schema: str) -> None:
        """Take what a look at the catalogue has found."""
        if schema != self._schema or found != {name: table for name, (table, _) in self._found.items()}:
            self._schema = quoted(schema)
            self._found = {name: (table, table.watchable()) for name, table in found.items()}

    def find(self, name: str) -> WatchableTable | None:
        found = self._found.get(name)
        return None if found is None else found[1]

    async def snapshot(self, wanted: TableFilter, rooms: frozenset[str]) -> TableSnapshot:
        """See ``feed.table_watches.WatchableTables``."""
        found = self._found.get(wanted.table)
        if found is None:
            raise InvalidField("table", "This table cannot be watched just now.")
        if not rooms:
            return TableSnapshot([], self._store.last_seq, self._store.last_seq)
        async with self._turn:
            states, after, unnumbered = await self._store.read(partial(self._read, found[0], wanted, rooms))
        return TableSnapshot(states, after, await newest_when_numbered(self._store, unnumbered))

    def _read(
        self, table: WatchedTable, wanted: TableFilter, rooms: frozenset[str], transaction: Transaction
    ) -> tuple[list[RowState], int, int]:
        for setting in _SETTINGS.split("; "):
            transaction.run(setting)
        query, values = table.query(wanted, rooms, self._schema, BYTES_MAX)
        field = "where" if wanted.key is None else "key"
        if table.watch.sql or table.watch.view:
            # What a mapping's SQL names is found as in a trigger.
            transaction.run(f"SET LOCAL search_path = {quoted(table.relation.schema)}, pg_temp".replace("%", "%%"))
        try:
            rows = transaction.all(query, **values)
        except QueryCanceled:
            raise InvalidField(
                field, f"These rows cannot be found within {QUERY_MS_MAX / 1000:.0f} s; ask for fewer."
            ) from None
        except Unstorable:
            raise InvalidField(field, "A column has no such values.") from None
        except ProgrammingError as error:
            raise InvalidField("table", f"A row cannot be told: {error.diag.message_primary}.") from None
        if table.watch.sql or table.watch.view:
            transaction.run(f"SET LOCAL search_path = {self._schema}".replace("%", "%%"))
        if len(rows) > table.watch.limit:
            raise InvalidField(field, f"These are more than {table.watch.limit:,} rows; ask for fewer.")
        if rows and rows[-1][0] is None:
            raise InvalidField(field, f"These rows have more than {BYTES_MAX:,} bytes; ask for fewer.")
        return [_decode(state) for (state,) in rows], *feed.newest(transaction)


_decode: Final = msgspec.json.Decoder(RowState).decode
