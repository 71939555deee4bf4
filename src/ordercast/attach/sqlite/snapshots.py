"""Snapshots of watched tables in a shop's SQLite file: two files, whose order the outbox keeps.

Theory of operation. A snapshot is read in one transaction of the shop's file, with the newest row of its outbox. What
our feed had before that began is in it. What is in the outbox is in it too, and is told a moment later: the node waits
until that newest row was taken to our feed, in which all before it are then.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ordercast.attach.mapping import Mapping, Watch
from ordercast.attach.numbering import LOOK_S, WAIT_S_MAX, newest_when_numbered
from ordercast.attach.templates import Template
from ordercast.attach.watched_rows import state_of, texts_in_rooms, with_row
from ordercast.commerce.errors import InvalidField
from ordercast.commerce.room_access import may_see
from ordercast.db import Store, feed
from ordercast.db.errors import StoreUnavailable
from ordercast.db.sql import quoted
from ordercast.db.watched_rows import ColumnKind, RowState, TableFilter, TableSnapshot, Texts, WatchableTable

from .attaching import open_file
from .compiling import OUTBOX, Table, filter_kind, needed_columns, resolve, row_as_json
from .outbox import columns_of, named_values, told_by_type

# A query that needs more has no index.
QUERY_S_MAX: Final = 5.0
BYTES_MAX: Final = 4_000_000
# A mended table may be watched within this; as `attached_tables` has it.
CHECK_EVERY_S: Final = 2.0
# Of SQLite's own steps, between looks at the clock.
_STEPS: Final = 10_000
_NEWEST: Final = f"SELECT token FROM {OUTBOX} ORDER BY id DESC LIMIT 1"
_IS_THERE: Final = f"SELECT EXISTS (SELECT 1 FROM {OUTBOX} WHERE token = ?)"


class SqliteTables:
    """The tables that may be watched, as they were a moment ago."""

    def __init__(self, path: Path, mapping: Mapping, store: Store) -> None:
        self._path = path
        self._mapping = mapping
        self._store = store
        self._found: dict[str, tuple[Watch, Table, WatchableTable]] = {}
        self._turn = asyncio.Semaphore(1)

    def __repr__(self) -> str:
        return f"<SqliteTables {', '.join(self._found)}>"

    async def run(self) -> None:
        """Look again and again which of them are there."""
        while True:
            await self.look()
            await asyncio.sleep(CHECK_EVERY_S)

    async def look(self) -> None:
        """Look once; where the file cannot be read, what was found before is good still."""
        try:
            found = await asyncio.to_thread(self._look)
        except (sqlite3.Error, OSError):
            return
        self._found = found

    def _look(self) -> dict[str, tuple[Watch, Table, WatchableTable]]:
        connection = open_file(self._path)
        try:
            tables = resolve(connection, self._mapping).tables
        finally:
            connection.close()
        return {
            watch.shown: (watch, tables[watch.name], _watchable(watch, tables[watch.name]))
            for watch in self._mapping.watches
            if watch.name in tables
        }

    def find(self, name: str) -> WatchableTable | None:
        found = self._found.get(name)
        return None if found is None else found[2]

    async def snapshot(self, wanted: TableFilter, rooms: frozenset[str]) -> TableSnapshot:
        """See ``feed.table_watches.WatchableTables``."""
        found = self._found.get(wanted.table)
        if found is None:
            raise InvalidField("table", "This table cannot be watched just now.")
        watch, table, _ = found
        after, _ = await self._store.read(feed.newest)
        async with self._turn:
            try:
                states = await asyncio.to_thread(self._read, watch, table, wanted, rooms)
            except (sqlite3.Error, OSError) as error:
                raise StoreUnavailable(error) from error
        _, unnumbered = await self._store.read(feed.newest)
        return TableSnapshot(states, after, await newest_when_numbered(self._store, unnumbered))

    # --- On a thread ------------------------------------------------------------------------------------------------

    def _read(self, watch: Watch, table: Table, wanted: TableFilter, rooms: frozenset[str]) -> list[RowState]:
        """The rows, once all that was written before them is in our feed."""
        connection = open_file(self._path)
        try:
            connection.execute("BEGIN")
            newest = connection.execute(_NEWEST).fetchone()
            states = _rows(connection, watch, table, wanted, rooms)
            connection.execute("COMMIT")
            give_up_at = time.monotonic() + WAIT_S_MAX
            while newest is not None and time.monotonic() < give_up_at:
                (is_there,) = connection.execute(_IS_THERE, newest).fetchone()
                if not is_there:
                    break
                time.sleep(LOOK_S)
        finally:
            connection.close()
        return states


def _watchable(watch: Watch, table: Table) -> WatchableTable:
    key: dict[str, ColumnKind] = {name: filter_kind(table, name) or "text" for name in table.key}
    where = {name: kind for name in watch.where if (kind := filter_kind(table, name)) is not None}
    return watch.watchable(key, where)


def _rows(
    connection: sqlite3.Connection, watch: Watch, table: Table, wanted: TableFilter, rooms: frozenset[str]
) -> list[RowState]:
    field = "where" if wanted.key is None else "key"
    give_up_at = time.monotonic() + QUERY_S_MAX
    connection.set_progress_handler(lambda: int(time.monotonic() > give_up_at), _STEPS)
    values: list[Any] = []
    conditions = [*_of_filter(table, wanted, values), *_of_rooms(watch, table, rooms, values)]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f"SELECT {row_as_json('t', needed_columns(watch, table))} FROM {quoted(table.name)} AS t{where}"
    found: list[RowState] = []
    size = 0
    try:
        for (kept,) in connection.execute(query, values):
            row = columns_of(kept)
            told = told_by_type(row, table)
            state = state_of(watch, table.key, told)
            if state is None or not may_see(rooms, state.rooms) or not wanted.takes(state):
                continue
            state = with_row(state, watch, told, named_values(connection, watch, table, row) or {})
            found.append(state)
            size += len(memoryview(state.row))
            if len(found) > watch.limit:
                raise InvalidField(field, f"These are more than {watch.limit:,} rows; ask for fewer.")
            if size > BYTES_MAX:
                raise InvalidField(field, f"These rows have more than {BYTES_MAX:,} bytes; ask for fewer.")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        raise InvalidField(field, f"These rows cannot be found within {QUERY_S_MAX:.0f} s; ask for fewer.") from None
    except (LookupError, ValueError, TypeError, OverflowError) as error:
        raise InvalidField("table", f"A row cannot be told: {error}.") from None
    finally:
        connection.set_progress_handler(None, 0)
    return found


def _of_filter(table: Table, wanted: TableFilter, values: list[Any]) -> Iterator[str]:
    key = zip(table.key, ((text,) for text in wanted.key), strict=True) if wanted.key is not None else ()
    for name, texts in (*key, *wanted.where):
        yield _is_one_of(table, name, texts, values)


def _of_rooms(watch: Watch, table: Table, rooms: frozenset[str], values: list[Any]) -> Iterator[str]:
    """Rows of these rooms, where columns alone name them; else each row is looked at."""
    if any(room.constant in rooms for room in watch.rooms):
        return
    named = [_named_by_column(room, table, rooms) for room in watch.rooms if room.constant is None]
    found = [each for each in named if each is not None]
    if len(found) == len(named):
        yield f"({' OR '.join(_is_one_of(table, name, texts, values) for name, texts in found) or '0'})"


def _named_by_column(room: Template, table: Table, rooms: frozenset[str]) -> tuple[str, Texts] | None:
    named = texts_in_rooms(room, rooms)
    return named if named is not None and filter_kind(table, named[0]) in {"text", "integer"} else None


def _is_one_of(table: Table, column: str, texts: Texts, values: list[Any]) -> str:
    """A column compares texts by its own kind: `7` and `'7'` are one in a column of numbers."""
    shown, kind = f"t.{quoted(column)}", filter_kind(table, column)
    wanted = [text for text in texts if text is not None]
    values += [int(text == "true") if kind == "boolean" else text for text in wanted]
    is_one = f"{shown} IN ({', '.join('?' * len(wanted))})"
    return f"({is_one} OR {shown} IS NULL)" if None in texts else is_one
