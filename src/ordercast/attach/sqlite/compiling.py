"""Compiles an ``[[emit]]`` to SQLite's triggers, which keep a row as it was in the shop's outbox, and work nothing out.

A trigger of SQLite can catch no error. So it has nothing in it that could fail: the event is made of the row by our own
process, a moment later (``outbox_relay``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ordercast.attach.mapping import Fault, Section, Verb, Watch
from ordercast.attach.mapping import Mapping as MappingFile
from ordercast.attach.section_faults import column_faults, refusal_fault, view_faults
from ordercast.db.sql import literal, quoted
from ordercast.db.watched_rows import ColumnKind

OUTBOX: Final = "ordercast_outbox"
PUBLISH: Final = "ordercast_publish"
# Its functions take 127 arguments, in versions before 3.48.
_COLUMNS_AT_ONCE: Final = 60
# Columns that an index begins with.
_INDEXED: Final = """
SELECT c.name FROM pragma_index_list(?) AS i JOIN pragma_index_info(i.name) AS c WHERE c.seqno = 0 AND i.partial = 0
"""
_NOW: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

_IS_NO_ROOM: Final = (
    "CASE WHEN json_valid(NEW.rooms) THEN json_type(NEW.rooms) <> 'array' OR json_array_length(NEW.rooms) = 0"
    " OR EXISTS (SELECT 1 FROM json_each(NEW.rooms) WHERE type <> 'text' OR value = '') ELSE 1 END"
)
_IS_NO_ARRAY: Final = (
    "NEW.args IS NOT NULL AND CASE WHEN json_valid(NEW.args) THEN json_type(NEW.args) <> 'array' ELSE 1 END"
)
SUPPORT: Final = {
    # Not AUTOINCREMENT, which would leave a table behind: a row is known by its token, and numbers only order.
    OUTBOX: f"""CREATE TABLE {OUTBOX} (
  id INTEGER PRIMARY KEY,
  token TEXT NOT NULL DEFAULT (lower(hex(randomblob(6)))),
  at TEXT NOT NULL DEFAULT ({_NOW}),
  emit TEXT, verb TEXT, new TEXT, old TEXT,
  event TEXT, rooms TEXT, args TEXT
)""",
    PUBLISH: f"CREATE VIEW {PUBLISH} (event, rooms, args) AS SELECT event, rooms, args FROM {OUTBOX}",
    f"{PUBLISH}_by_sql": f"""CREATE TRIGGER {PUBLISH}_by_sql INSTEAD OF INSERT ON {PUBLISH}
BEGIN
  SELECT RAISE(ABORT, 'event: it has a name') WHERE coalesce(NEW.event, '') = '';
  SELECT RAISE(ABORT, 'rooms: the JSON array of at least one room, each a text that is not empty') WHERE {_IS_NO_ROOM};
  SELECT RAISE(ABORT, 'args: the JSON array of the event''s arguments') WHERE {_IS_NO_ARRAY};
  INSERT INTO {OUTBOX} (event, rooms, args) VALUES (NEW.event, NEW.rooms, coalesce(NEW.args, '[]'));
END""",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view of the shop's file."""

    name: str
    kind: str
    columns: dict[str, str]
    """Their declared types."""
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a mapping comes to in a file."""

    triggers: Mapping[str, tuple[Section, str]]
    """Each by its name, with its SQL."""
    tables: Mapping[str, Table]
    """By the name of the `[[emit]]`."""
    faults: tuple[Fault, ...]


def table_of(connection: sqlite3.Connection, name: str) -> Table | None:
    row = connection.execute(
        "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?", [name]
    ).fetchone()
    if row is None:
        return None
    columns = connection.execute("SELECT name, upper(type), pk FROM pragma_table_xinfo(?) WHERE hidden <> 1", [name])
    found = columns.fetchall()
    keys = sorted((pk, column) for column, _, pk in found if pk)
    return Table(row[0], row[1], {column: type_ for column, type_, _ in found}, tuple(column for _, column in keys))


def resolve(connection: sqlite3.Connection, mapping: MappingFile) -> Found:
    """Compile what can be."""
    triggers, tables, faults = dict[str, tuple[Section, str]](), dict[str, Table](), list[Fault]()
    for emit in mapping.sections:
        table = table_of(connection, emit.table)
        wrong = list(_faults_of(connection, emit, table))
        faults += wrong
        if table is None or wrong:
            continue
        tables[emit.name] = table
        for verb in emit.on:
            name = f"ordercast_{emit.id}_{verb}"
            triggers[name] = (emit, _trigger(name, emit, verb, table))
    return Found(triggers, tables, tuple(sorted(faults)))


def _faults_of(connection: sqlite3.Connection, emit: Section, table: Table | None) -> Iterator[Fault]:
    line = emit.line_of("table")
    if table is None:
        yield Fault(line, f"there is no table {emit.table}")
        return
    if table.kind == "view":
        yield Fault(line, f"{table.name} is a view, whose rows no trigger sees; name its table, and it as `view`")
        return
    yield from refusal_fault(emit, "SQLite")
    yield from column_faults(emit, table.name, table.columns)
    if emit.view:
        view = table_of(connection, emit.view)
        yield from view_faults(emit, table.name, table.key, None if view is None else view.columns)
    if isinstance(emit, Watch):
        yield from _watch_faults(emit, table)
    yield from _sql_faults(connection, emit, table)


def _watch_faults(watch: Watch, table: Table) -> Iterator[Fault]:
    if not table.key:
        yield Fault(watch.line_of("table"), f"{table.name} has no primary key, by which a row is known")
    for number, name in enumerate(watch.where):
        if name in table.columns and filter_kind(table, name) is None:
            declared = table.columns[name] or "as nothing"
            yield Fault(
                watch.line_of("where", number),
                f"{name} is declared {declared}; a filter takes texts, whole numbers and booleans",
            )


def slow_filters(connection: sqlite3.Connection, mapping: MappingFile) -> Iterator[Fault]:
    """Columns of filters by which rows are found only by looking at all of them."""
    for watch in mapping.watches:
        table = table_of(connection, watch.table)
        if table is None:
            continue
        indexed = {*table.key[:1], *(name for (name,) in connection.execute(_INDEXED, [table.name]))}
        for number, name in enumerate(watch.where):
            if name in table.columns and name not in indexed:
                line = watch.line_of("where", number)
                yield Fault(
                    line, f"no index of {table.name} begins with {name}: each snapshot by it reads the whole table"
                )


def filter_kind(table: Table, name: str) -> ColumnKind | None:
    """How a filter compares a column, by the type that it was declared with; None where it cannot."""
    declared = table.columns.get(name, "")
    if declared.startswith("BOOL"):
        return "boolean"
    if "INT" in declared:
        return "integer"
    return "text" if any(word in declared for word in ("CHAR", "TEXT", "CLOB")) else None


def _sql_faults(connection: sqlite3.Connection, emit: Section, table: Table) -> Iterator[Fault]:
    """Have SQLite read each piece of SQL."""
    pieces: list[tuple[tuple[str, ...], str]] = [(("sql", name), sql) for name, sql in emit.sql.items()]
    if emit.when:
        pieces.append((("when",), emit.when))
    for path, sql in pieces:
        try:
            connection.execute(
                f"EXPLAIN {question([sql], table, has_old=not isinstance(emit, Watch))}",
                dict.fromkeys(parameters(table)),
            ).fetchall()
        except sqlite3.Error as error:
            yield Fault(emit.line_of(*path), f"SQLite cannot read this: {error}")


def parameters(table: Table) -> list[str]:
    return [f"{row}{place}" for row in ("n", "o") for place in range(len(table.columns))]


def question(expressions: Sequence[str], table: Table, *, has_old: bool = True) -> str:
    """A query for what expressions over NEW and OLD come to, of the values of both; or over NEW alone."""
    asked = ", ".join(f"({each.strip().rstrip(';')}\n)" for each in expressions)
    new, old = (
        "(SELECT " + ", ".join(f":{row}{place} AS {quoted(name)}" for place, name in enumerate(table.columns)) + ")"
        for row in ("n", "o")
    )
    return f"SELECT {asked} FROM {new} AS NEW" + (f" CROSS JOIN {old} AS OLD" if has_old else "")


def _trigger(name: str, emit: Section, verb: Verb, table: Table) -> str:
    columns = needed_columns(emit, table)
    new = "NULL" if verb == "delete" else row_as_json("NEW", columns)
    old = "NULL" if verb == "insert" else row_as_json("OLD", columns)
    when, changed = "", columns if isinstance(emit, Watch) else emit.changed
    if verb == "update" and changed:
        when = " WHEN " + " OR ".join(
            f"NEW.{quoted(each)} IS NOT OLD.{quoted(each)} COLLATE BINARY" for each in changed
        )
    return f"""CREATE TRIGGER {name} AFTER {verb.upper()} ON {quoted(table.name)}{when}
BEGIN
  INSERT INTO {OUTBOX} (emit, verb, new, old) VALUES ('{emit.id}', '{verb}', {new}, {old});
END"""


def needed_columns(emit: Section, table: Table) -> list[str]:
    """The columns that are kept: a column that a trigger names cannot be dropped."""
    names = {*emit.columns(), *table.key}
    if emit.when or emit.depends_on_all:
        names |= table.columns.keys()
    return [each for each in table.columns if each in names]


def row_as_json(row: str, columns: Sequence[str]) -> str:
    """A row as JSON, of whatever is in it: a number past a double's range is null, bytes are hexadecimal digits."""
    pieces = [columns[at : at + _COLUMNS_AT_ONCE] for at in range(0, len(columns) or 1, _COLUMNS_AT_ONCE)]
    objects = [
        "json_object(" + ", ".join(f"{literal(name)}, {_value(f'{row}.{quoted(name)}')}" for name in piece) + ")"
        for piece in pieces
    ]
    return f"json_array({', '.join(objects)})"


def _value(column: str) -> str:
    return (
        f"CASE typeof({column}) WHEN 'blob' THEN json_object('hex', hex({column}))"
        f" WHEN 'real' THEN CASE WHEN abs({column}) < 1.79e308 THEN {column} END ELSE {column} END"
    )
