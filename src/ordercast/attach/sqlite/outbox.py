"""The outbox in a shop's SQLite file: rows as triggers have kept them, and the events that they make."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ordercast.attach.json_values import answered, parsed
from ordercast.attach.kept_changes import Change, failed, published
from ordercast.attach.mapping import Emit, Section, Watch
from ordercast.attach.mapping import Mapping as MappingFile
from ordercast.attach.outbox_relay import OutboxRow
from ordercast.attach.templates import VIEW
from ordercast.attach.watched_rows import state_of, watched_row, with_row
from ordercast.db.sql import quoted

from .attaching import applied_faults, open_file
from .compiling import OUTBOX, Found, Table, question, resolve

# A look costs some microseconds.
LOOK_S: Final = 0.02
_READ: Final = f"SELECT id, token, at, emit, verb, new, old, event, rooms, args FROM {OUTBOX} ORDER BY id LIMIT ?"
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|\+00:?00)?")
_SECONDS_MAX: Final = 10**11
"""A number of seconds until the year 5138; a larger one counts milliseconds."""


class SqliteOutbox:
    """See ``outbox_relay.Outbox``."""

    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)

    def __init__(self, path: Path, mapping: MappingFile) -> None:
        self.name = path.name
        self._path = path
        self._mapping = mapping
        self._emits: dict[str, Emit | Watch] = {
            **{emit.id: emit for emit in mapping.emits},
            **{watch.id: watch for watch in mapping.watches},
        }
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._schema_version = -1
        self._data_version = -1
        self._found = Found({}, {}, ())
        self._faults: list[str] = []

    def __repr__(self) -> str:
        return f"<SqliteOutbox {self.name}>"

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        """The connection; another one where the file was replaced, as by a restore."""
        inode = self._path.stat().st_ino
        if self._connection is None or inode != self._inode:
            self.close()
            self._connection, self._inode = open_file(self._path), inode
            self._schema_version = -1
        return self._connection

    # --- Looking ----------------------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Return when another program has committed, or after so long."""
        connection, until = self._open(), time.monotonic() + seconds
        while time.monotonic() < until:
            version = _pragma(connection, "data_version")
            if version != self._data_version:
                self._data_version = version
                return
            time.sleep(LOOK_S)

    def faults(self) -> list[str]:
        """What the mapping and the file do not agree on; looked at when the schema has changed."""
        connection = self._open()
        version = _pragma(connection, "schema_version")
        if version != self._schema_version:
            self._found = resolve(connection, self._mapping)
            faults = {*self._found.faults, *applied_faults(connection, self._found, self._mapping)}
            self._faults = [f"{self._mapping.fault(each.line, each.sentence)}." for each in sorted(faults)]
            self._schema_version = version
        return self._faults

    # --- Rows -------------------------------------------------------------------------------------------------------

    def read(self, limit: int) -> list[OutboxRow]:
        return [self._row(*values) for values in self._open().execute(_READ, [limit]).fetchall()]

    def delete_known(self, tokens: Collection[str]) -> None:
        connection = self._open()
        known = connection.execute(f"SELECT id, token FROM {OUTBOX}").fetchall()
        self.delete([id_ for id_, token in known if token in tokens])

    def delete(self, ids: Sequence[int]) -> None:
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(f"DELETE FROM {OUTBOX} WHERE id = ?", [(id_,) for id_ in ids])
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _row(self, id_: int, token: str, at: str, emit_id: str | None, *rest: str | None) -> OutboxRow:
        verb, new, old, event, rooms, args = rest
        if emit_id is None:
            return published(OutboxRow(id_, token, at, "published", "", None), event, rooms, args)
        emit = self._emits.get(emit_id)
        if emit is None:  # of a mapping that was taken away
            return OutboxRow(id_, token, at, "", "", None)
        row = OutboxRow(id_, token, at, emit.table, emit.name, None)
        try:
            if isinstance(emit, Watch):
                return self._watched(row, emit, columns_of(new), columns_of(old))
            return self._change(emit, str(verb), columns_of(new), columns_of(old)).told(row, emit)
        except (sqlite3.Error, LookupError, ValueError, TypeError, OverflowError) as error:
            return failed(row, str(error) or type(error).__name__)

    def _watched(self, row: OutboxRow, watch: Watch, new: dict[str, Any], old: dict[str, Any]) -> OutboxRow:
        table = self._table_of(watch)
        was, now = (state_of(watch, table.key, told_by_type(each, table)) if each else None for each in (old, new))
        if now is not None:
            now = with_row(now, watch, told_by_type(new, table), named_values(self._open(), watch, table, new) or {})
        return watched_row(row, watch, was, now)

    def _table_of(self, emit: Emit | Watch) -> Table:
        table = self._found.tables.get(emit.name)
        if table is None:
            raise LookupError("the mapping does not fit the tables: see `ordercast attach --check`")
        return table

    def _change(self, emit: Emit, verb: str, new: dict[str, Any], old: dict[str, Any]) -> Change:
        table = self._table_of(emit)
        now = old if verb == "delete" else new
        key = {name: now.get(name) for name in table.key}
        named = named_values(self._open(), emit, table, now, old)
        told = told_by_type(now, table), told_by_type(old, table)
        return Change(verb, table.name, key, *told, named, {"database": self.name})


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def columns_of(kept: str | None) -> dict[str, Any]:
    return {} if kept is None else {name: value for piece in json.loads(kept) for name, value in piece.items()}


def named_values(
    connection: sqlite3.Connection,
    section: Section,
    table: Table,
    new: Mapping[str, Any],
    old: Mapping[str, Any] | None = None,
) -> dict[str, Any] | None:
    """What a mapping's SQL comes to, None where its condition is not met; without `old`, of a row as it is."""
    named: dict[str, Any] = {}
    expressions = [*([section.when] if section.when else []), *section.sql.values()]
    if expressions:
        rows = [(row, of) for row, of in (("n", new), ("o", old)) if of is not None]
        values = {f"{row}{place}": _raw(of.get(name)) for row, of in rows for place, name in enumerate(table.columns)}
        query = question(expressions, table, has_old=old is not None)
        answers = list(connection.execute(query, values).fetchone())
        if section.when and not answers.pop(0):
            return None
        named = {name: answered(answer) for name, answer in zip(section.sql, answers, strict=True)}
    if section.view:
        where = " AND ".join(f"{quoted(name)} = ?" for name in table.key)
        cursor = connection.execute(
            f"SELECT * FROM {quoted(section.view)} WHERE {where} LIMIT 1", [_raw(new.get(name)) for name in table.key]
        )
        found = cursor.fetchone()
        names = [each[0] for each in cursor.description]
        named[VIEW] = None if found is None else dict(zip(names, map(answered, found), strict=True))
    return named


def _raw(value: Any) -> Any:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value


def told_by_type(row: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """A row as JSON has it, by the types that its columns were declared with: SQLite keeps flags as numbers."""
    return {name: _by_type(value, table.columns.get(name, "")) for name, value in row.items()}


def _by_type(value: Any, declared: str) -> Any:
    if isinstance(value, dict):
        return f"\\x{value['hex'].lower()}"
    if declared.startswith("BOOL") and value in {0, 1}:
        return bool(value)
    if declared.startswith(("DATETIME", "TIMESTAMP")):
        return _moment(value)
    return parsed(value) if declared.startswith("JSON") else value


def _moment(value: Any) -> Any:
    """A moment of UTC, as ORMs keep it: Prisma as milliseconds, the others as a text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if abs(value) >= _SECONDS_MAX else value
        try:
            return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        except (ValueError, OverflowError, OSError):  # past what a calendar has
            return value
    if isinstance(value, str) and (found := _MOMENT.fullmatch(value)) is not None:
        return f"{found[1]}T{found[2]}.{(found[3] or '')[:3]:0<3}Z"
    return value


def is_ours(path: Path) -> bool:
    """Whether that file is one of Ordercast's own."""
    if not path.is_file() or not path.stat().st_size:
        return False
    connection = open_file(path)
    try:
        names = "SELECT count(*) FROM sqlite_master WHERE name IN ('feed', 'published_events', 'alembic_version')"
        (count,) = connection.execute(names).fetchone()
        return bool(count == 3)
    except sqlite3.Error:
        return False
    finally:
        connection.close()
