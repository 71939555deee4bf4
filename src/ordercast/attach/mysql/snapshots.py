"""Snapshots of watched tables in a shop's MySQL database: two databases, whose order the outbox keeps.

Theory of operation. Rows and the outbox's highest number are read in one consistent view of InnoDB, opened behind a
look at our feed: what that had is in the view, for a row of the outbox is only taken once it is committed. What else is
in the view stands in the outbox, with a number no higher than that one, and leaves it when it is in our feed: so the
node waits until no such row is left, whatever its place. Numbers are not in the order of commits, and some of those
that are waited for may be no part of the view; what the feed tells of them follows, as of any change.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import time
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import Any, Final

import pymysql
from pymysql.cursors import SSCursor

from ordercast.attach.mapping import Mapping, Watch
from ordercast.attach.numbering import LOOK_S, WAIT_S_MAX, newest_when_numbered
from ordercast.attach.watched_rows import state_of, texts_in_rooms, with_row
from ordercast.commerce.errors import InvalidField
from ordercast.commerce.room_access import may_see
from ordercast.config import MysqlUrl
from ordercast.db import Store, feed
from ordercast.db.errors import StoreUnavailable
from ordercast.db.watched_rows import ColumnKind, RowState, TableFilter, TableSnapshot, Texts, WatchableTable

from .catalogue import Table, filter_kind, quoted
from .checking import resolve
from .compiling import kept_columns, outbox_of, row_as_json
from .connecting import Connection, ask, code_of, connect
from .kept_rows import KeptRow, read_row, typed
from .named_values import named_values
from .outbox import CHECK_EVERY_S, CHECK_SHARE_MAX

# A query that needs more has no index.
QUERY_S_MAX: Final = 5.0
BYTES_MAX: Final = 4_000_000
# Of rows as they are kept, of which some columns may be told, or none.
KEPT_MAX: Final = 4 * BYTES_MAX
# Of MariaDB and of MySQL: a statement took longer than it may.
_TOO_LONG: Final = frozenset({1969, 3024})
_VIEW: Final = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
_BYTES: Final = re.compile(r"\\x(?:[0-9a-f]{2})*")
_INTEGER: Final = re.compile(r"-?[0-9]{1,20}")


class MysqlTables:
    """The tables that may be watched, as they were a moment ago."""

    def __init__(self, url: MysqlUrl, mapping: Mapping, store: Store) -> None:
        self._url = url
        self._mapping = dataclasses.replace(mapping, emits=())
        self._store = store
        self._found: dict[str, tuple[Watch, Table, WatchableTable]] = {}
        self._connection: Connection | None = None
        # One query at a time, on the one connection.
        self._turn = asyncio.Semaphore(1)

    def __repr__(self) -> str:
        return f"<MysqlTables {', '.join(self._found)}>"

    async def run(self) -> None:
        """Look again and again which of them are there."""
        try:
            while True:
                began = time.monotonic()
                await self.look()
                await asyncio.sleep(max(CHECK_EVERY_S, (time.monotonic() - began) / CHECK_SHARE_MAX))
        finally:
            await asyncio.shield(self.close())

    async def close(self) -> None:
        """End the connection, behind the query that is under way."""
        async with self._turn:
            await asyncio.to_thread(self._disconnect)

    async def look(self) -> None:
        """Look once; where the server cannot be asked, what was found before is good still."""
        try:
            self._found = await asyncio.to_thread(self._look)
        except (pymysql.err.MySQLError, OSError):
            return

    def _look(self) -> dict[str, tuple[Watch, Table, WatchableTable]]:
        connection = connect(self._url)
        try:
            tables = resolve(connection, self._mapping, self._url.database).tables
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
        async with self._turn:
            after, _ = await self._store.read(feed.newest)
            try:
                # The connection is this thread's until it ends, also where nobody waits for it any more.
                states = await _to_its_end(asyncio.to_thread(self._read, watch, table, wanted, rooms))
            except (pymysql.err.MySQLError, OSError) as error:
                raise StoreUnavailable(error) from error
        _, unnumbered = await self._store.read(feed.newest)
        return TableSnapshot(states, after, await newest_when_numbered(self._store, unnumbered))

    # --- On a thread ------------------------------------------------------------------------------------------------

    def _read(self, watch: Watch, table: Table, wanted: TableFilter, rooms: frozenset[str]) -> list[RowState]:
        """The rows, once all that was committed before them is in our feed."""
        try:
            if self._connection is None:
                self._connection = connect(self._url, statement_s=QUERY_S_MAX)
            return self._read_on(self._connection, watch, table, wanted, rooms)
        except BaseException:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(pymysql.err.MySQLError, OSError):
                connection.close()

    def _read_on(
        self, connection: Connection, watch: Watch, table: Table, wanted: TableFilter, rooms: frozenset[str]
    ) -> list[RowState]:
        outbox = outbox_of(self._url.database)
        for statement in _VIEW:
            ask(connection, statement)
        ((newest,),) = ask(connection, f"SELECT max(id) FROM {outbox}")
        states = _rows(connection, watch, table, wanted, rooms)
        ask(connection, "COMMIT")
        give_up_at = time.monotonic() + WAIT_S_MAX
        while newest is not None and ask(connection, f"SELECT 1 FROM {outbox} WHERE id <= %s LIMIT 1", [newest]):
            if time.monotonic() >= give_up_at:
                raise TimeoutError("changes wait in the outbox for longer than usual")
            time.sleep(LOOK_S)
        return states


async def _to_its_end(call: Coroutine[Any, Any, list[RowState]]) -> list[RowState]:
    running = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        with suppress(Exception):
            await running
        raise


def _watchable(watch: Watch, table: Table) -> WatchableTable:
    key: dict[str, ColumnKind] = {name: filter_kind(table.columns[name]) or "text" for name in table.key}
    where = {name: kind for name in watch.where if (kind := filter_kind(table.columns[name])) is not None}
    return watch.watchable(key, where)


def _rows(
    connection: Connection, watch: Watch, table: Table, wanted: TableFilter, rooms: frozenset[str]
) -> list[RowState]:
    field = "where" if wanted.key is None else "key"
    try:
        found = list(_found(connection, watch, table, wanted, rooms))
        # Asked in the same view: the cursor is at its end, and the connection free.
        named = [named_values(connection, watch, table, kept) or {} for _, kept in found]
        states = [with_row(state, watch, kept.told, each) for (state, kept), each in zip(found, named, strict=True)]
    except pymysql.err.Error as error:
        if code_of(error) not in _TOO_LONG:
            raise
        raise InvalidField(field, f"These rows cannot be found within {QUERY_S_MAX:.0f} s; ask for fewer.") from None
    except (LookupError, ValueError, TypeError, ArithmeticError) as error:
        raise InvalidField("table", f"A row cannot be told: {error}.") from None
    if sum(len(memoryview(state.row)) for state in states) > BYTES_MAX:
        raise InvalidField(field, f"These rows have more than {BYTES_MAX:,} bytes; ask for fewer.")
    return states


def _found(
    connection: Connection, watch: Watch, table: Table, wanted: TableFilter, rooms: frozenset[str]
) -> Iterator[tuple[RowState, KeptRow]]:
    """Rows that are looked for, as they were kept."""
    field = "where" if wanted.key is None else "key"
    values: list[Any] = []
    conditions = [*_of_filter(table, wanted, values), *_of_rooms(watch, table, rooms, values)]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    row = row_as_json("t", kept_columns(watch, table)).replace("%", "%%")
    query = f"SELECT {row} FROM {table.quoted.replace('%', '%%')} AS t{where}"
    count = size = 0
    with connection.cursor(SSCursor) as cursor:
        cursor.execute(query, values)
        for (kept,) in cursor:
            read = read_row(kept)
            state = state_of(watch, table.key, read.told)
            if state is None or not may_see(rooms, state.rooms) or not wanted.takes(state):
                continue
            count += 1
            size += len(kept)
            if count > watch.limit:
                raise InvalidField(field, f"These are more than {watch.limit:,} rows; ask for fewer.")
            if size > KEPT_MAX:
                raise InvalidField(field, f"These rows have more than {BYTES_MAX:,} bytes; ask for fewer.")
            yield state, read


# --- Conditions: of the rows that are looked for, and of some more, which what is told of them leaves out -------------


def _of_filter(table: Table, wanted: TableFilter, values: list[Any]) -> Iterator[str]:
    key = zip(table.key, ((text,) for text in wanted.key), strict=True) if wanted.key is not None else ()
    for name, texts in (*key, *wanted.where):
        column = table.columns[name]
        if filter_kind(column) is not None or column.is_bytes:
            yield _is_one_of(table, name, texts, values)


def _of_rooms(watch: Watch, table: Table, rooms: frozenset[str], values: list[Any]) -> Iterator[str]:
    """Rows of these rooms, where columns alone name them; else each row is looked at."""
    if any(room.constant in rooms for room in watch.rooms):
        return
    named = [texts_in_rooms(room, rooms) for room in watch.rooms if room.constant is None]
    found = [each for each in named if each is not None and filter_kind(table.columns[each[0]]) in {"text", "integer"}]
    if len(found) == len(named):
        yield f"({' OR '.join(_is_one_of(table, name, texts, values) for name, texts in found) or '0'})"


def _is_one_of(table: Table, name: str, texts: Texts, values: list[Any]) -> str:
    column = table.columns[name]
    shown = f"t.{quoted(name)}".replace("%", "%%")
    kind = filter_kind(column)
    wanted: list[Any] = [text for text in texts if text is not None]
    if kind == "integer":
        wanted = [int(text) for text in wanted if _INTEGER.fullmatch(text)]
    elif kind == "boolean":
        wanted = [int(text == "true") for text in wanted]
    elif column.is_bytes:
        wanted = [bytes.fromhex(text[2:]) for text in wanted if _BYTES.fullmatch(text)]
    values += wanted
    either = [f"{shown} IN ({', '.join([typed(column)] * len(wanted))})"] if wanted else []
    if None in texts:
        either.append(f"{shown} IS NULL")
    return f"({' OR '.join(either) or '0'})"
