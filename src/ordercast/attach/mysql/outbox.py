"""The outbox in a shop's MySQL database: rows as triggers have kept them, and the events that they make."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple

import pymysql
from pymysql.cursors import SSCursor

from ordercast.attach.kept_changes import Change, failed, published
from ordercast.attach.mapping import Emit, Watch
from ordercast.attach.mapping import Mapping as MappingFile
from ordercast.attach.outbox_relay import OutboxRow
from ordercast.attach.watched_rows import state_of, watched_row, with_row
from ordercast.config import MysqlUrl

from .catalogue import Table
from .checking import Found, applied_faults, resolve
from .compiling import outbox_of
from .connecting import Connection, ask, connect, is_lost, words_of
from .kept_rows import read_row
from .named_values import named_values

# MySQL wakes nobody. Looking fifty times a second takes the server 1.2 % of a core, and us 2; an event waits for half
# of this.
LOOK_S: Final = 0.02
# A trigger that was dropped is named within this; hundreds of tables, which take long to look at, are less often.
CHECK_EVERY_S: Final = 2.0
CHECK_SHARE_MAX: Final = 0.05
# Of rows in memory at a time.
BATCH_BYTES_MAX: Final = 16_000_000
# Of one row: more than any screen takes. What is larger, or more than the server can send, is a gap; else it would be
# asked for in vain for ever, and all that is behind it.
ROW_BYTES_MAX: Final = 4_000_000
_LARGE: Final = ("new_row", "old_row", "rooms", "args")
_HEADER_BYTES: Final = 16_384
# Of the row's moment: session and column are of UTC.
_MICROS: Final = "CAST(UNIX_TIMESTAMP(at) * 1000000 AS UNSIGNED)"
_TOO_LARGE: Final = "the row is too large"


class _Kept(NamedTuple):
    """A row as it is in the table."""

    id: int
    micros: int
    at: str
    writer: str
    connection: int
    emit: str | None
    verb: str | None
    new: str | None
    old: str | None
    error: str | None
    event: str | None
    rooms: str | None
    args: str | None


class MysqlOutbox:
    """See ``outbox_relay.Outbox``."""

    errors: tuple[type[Exception], ...] = (pymysql.err.MySQLError, OSError)

    def __init__(self, url: MysqlUrl, mapping: MappingFile) -> None:
        self.name = url.database
        self._url = url
        self._mapping = mapping
        self._outbox = outbox_of(url.database)
        self._emits: dict[str, Emit | Watch] = {
            **{emit.id: emit for emit in mapping.emits},
            **{watch.id: watch for watch in mapping.watches},
        }
        self._connection: Connection | None = None
        self._found = Found({}, {}, ())
        self._faults: list[str] = []
        self._check_at = float("-inf")
        self._limit = 0
        """Of rows at a time, where they are large; 0: none beside the caller's."""

    def __repr__(self) -> str:
        return f"<MysqlOutbox {self._url.shown}>"

    def close(self) -> None:
        if self._connection is not None:
            with suppress(*self.errors):
                self._connection.close()
            self._connection = None

    @contextmanager
    def _asking(self) -> Iterator[Connection]:
        """Whatever goes wrong on a connection, the next call has another."""
        try:
            if self._connection is None:
                self._connection = connect(self._url)
                self._check_at = float("-inf")
            yield self._connection
        except BaseException:
            self.close()
            raise

    # --- Looking ----------------------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Return when there is a row, or after so long."""
        until = time.monotonic() + seconds
        with self._asking() as connection:
            while not ask(connection, f"SELECT 1 FROM {self._outbox} LIMIT 1") and time.monotonic() < until:
                time.sleep(LOOK_S)

    def faults(self) -> list[str]:
        """What the mapping and the database do not agree on; looked at every few seconds."""
        database = self._url.database
        with self._asking() as connection:
            if (began := time.monotonic()) >= self._check_at:
                self._found = resolve(connection, self._mapping, database)
                applied = applied_faults(connection, self._found, self._mapping, database)
                faults = sorted({*self._found.faults, *applied})
                self._faults = [f"{self._mapping.fault(each.line, each.sentence)}." for each in faults]
                ended = time.monotonic()
                self._check_at = ended + max(CHECK_EVERY_S, (ended - began) / CHECK_SHARE_MAX)
        return self._faults

    # --- Rows -------------------------------------------------------------------------------------------------------

    def read(self, limit: int) -> list[OutboxRow]:
        with self._asking() as connection:
            rows = self._read(connection, min(limit, self._limit or limit))
            return [self._row(connection, row) for row in rows]

    def _read(self, connection: Connection, limit: int) -> list[_Kept]:
        """As many as there is room for, one at least: the server is asked for no more the next time."""
        length = " + ".join(f"coalesce(LENGTH({name}), 0)" for name in _LARGE)
        fits = f"{length} <= LEAST({ROW_BYTES_MAX}, @@max_allowed_packet - {_HEADER_BYTES})"
        new, old, rooms, args = (f"IF({fits}, {name}, NULL)" for name in _LARGE)
        query = (
            f"SELECT id, {_MICROS}, at, writer, connection, emit, verb, {new}, {old},"
            f" IF({fits}, error, '{_TOO_LARGE}'), event, {rooms}, {args} FROM {self._outbox} ORDER BY id LIMIT {limit}"
        )
        rows: list[_Kept] = []
        size = 0
        self._limit = 0
        with connection.cursor(SSCursor) as cursor:
            cursor.execute(query)
            for row in cursor:
                size += sum(len(value) for value in row if isinstance(value, str))
                if rows and size > BATCH_BYTES_MAX:
                    self._limit = len(rows)
                    break
                rows.append(_Kept(*row))
        return rows

    def delete_known(self, tokens: Collection[str]) -> None:
        ids = [int(token.partition(".")[0], 16) for token in tokens]
        with self._asking() as connection:
            there = ask(connection, f"SELECT id, {_MICROS} FROM {self._outbox} WHERE id IN %s", [ids])
        self.delete([id_ for id_, micros in there if _token(id_, micros) in tokens])

    def delete(self, ids: Sequence[int]) -> None:
        """By looking each up. A list of ids may be answered by going through the whole table, past rows of
        transactions that are open, for whose end it would wait.
        """
        each = "JSON_TABLE(%s, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS known"
        kept = f"{self._outbox} AS kept FORCE INDEX (PRIMARY) ON kept.id = known.id"
        with self._asking() as connection:
            ask(connection, f"DELETE kept FROM {each} STRAIGHT_JOIN {kept}", [json.dumps(list(ids))])

    def _row(self, connection: Connection, kept: _Kept) -> OutboxRow:
        token = _token(kept.id, kept.micros)
        if kept.emit is None:
            row = OutboxRow(kept.id, token, kept.at, "published", "", None)
            return failed(row, kept.error) if kept.error else published(row, kept.event, kept.rooms, kept.args)
        emit = self._emits.get(kept.emit)
        if emit is None:  # of a mapping that was taken away
            return OutboxRow(kept.id, token, kept.at, "", "", None)
        row = OutboxRow(kept.id, token, kept.at, emit.table, emit.name, None, is_gap=not kept.verb)
        if kept.error is not None:
            return row if row.is_gap else failed(row, kept.error)
        return self._told(connection, row, emit, kept)

    def _told(self, connection: Connection, row: OutboxRow, emit: Emit | Watch, kept: _Kept) -> OutboxRow:
        try:
            if isinstance(emit, Watch):
                return self._watched(connection, row, emit, kept)
            return self._change(connection, emit, kept).told(row, emit)
        except pymysql.err.Error as error:
            if is_lost(error):
                raise
            return failed(row, words_of(error))
        except (LookupError, ValueError, TypeError, ArithmeticError) as error:
            return failed(row, str(error) or type(error).__name__)

    def _watched(self, connection: Connection, row: OutboxRow, watch: Watch, kept: _Kept) -> OutboxRow:
        _check_whole(kept)
        table = self._table_of(watch)
        key = table.key
        old, new = read_row(kept.old), read_row(kept.new)
        was = None if kept.old is None else state_of(watch, key, old.told)
        now = None if kept.new is None else state_of(watch, key, new.told)
        if now is not None:
            now = with_row(now, watch, new.told, named_values(connection, watch, table, new) or {})
        return watched_row(row, watch, was, now)

    def _table_of(self, emit: Emit | Watch) -> Table:
        table = self._found.tables.get(emit.name)
        if table is None:
            raise LookupError("the mapping does not fit the tables: see `ordercast attach --check`")
        return table

    def _change(self, connection: Connection, emit: Emit, kept: _Kept) -> Change:
        _check_whole(kept)
        new, old = read_row(kept.new), read_row(kept.old)
        now = old if kept.verb == "delete" else new
        table = self._found.tables.get(emit.name)
        told = now.told
        # The server sorts names of JSON as it likes.
        names = [*table.columns] if table is not None else sorted(now.key)
        key = {name: told[name] for name in names if name in now.key}
        by = {"database": self.name, "role": kept.writer, "connection": kept.connection}
        named: Mapping[str, Any] | None = {}
        if emit.when or emit.sql or emit.view:
            named = named_values(connection, emit, self._table_of(emit), now, old)
        return Change(str(kept.verb), emit.table, key, told, old.told, named, by)


def _check_whole(kept: _Kept) -> None:
    """Raises ValueError for a row of which the server sent a part."""
    if (kept.new is None and kept.verb != "delete") or (kept.old is None and kept.verb != "insert"):
        raise ValueError(_TOO_LARGE)


def _token(id_: int, micros: int) -> str:
    """What a row is known by: an outbox that is made anew counts from one again."""
    return f"{id_:x}.{micros:x}"
