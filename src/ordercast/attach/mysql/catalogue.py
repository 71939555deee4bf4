"""Tables, columns, keys and triggers, as ``information_schema`` knows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from ordercast.attach.sections import Verb
from ordercast.db.watched_rows import ColumnKind

Ask: TypeAlias = Callable[[str, Any], list[tuple[Any, ...]]]

_TABLE: Final = """
SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, coalesce(ENGINE, '') FROM information_schema.TABLES
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s
"""
_COLUMNS: Final = """
SELECT COLUMN_NAME, lower(DATA_TYPE), lower(COLUMN_TYPE), CHARACTER_SET_NAME, COLLATION_NAME, COLUMN_KEY = 'PRI'
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION
"""
# MariaDB's JSON is a text with this rule.
_CHECKS: Final = """
SELECT c.CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS c
JOIN information_schema.TABLE_CONSTRAINTS t
  ON t.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA AND t.CONSTRAINT_NAME = c.CONSTRAINT_NAME AND t.TABLE_NAME = {table}
WHERE c.CONSTRAINT_SCHEMA = %s AND t.TABLE_NAME = %s AND lower(c.CHECK_CLAUSE) LIKE 'json_valid(%%'
"""
_TRIGGERS: Final = """
SELECT TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_STATEMENT, DEFINER FROM information_schema.TRIGGERS
WHERE TRIGGER_SCHEMA = %s AND TRIGGER_NAME LIKE 'ordercast\\_%%' ORDER BY TRIGGER_NAME
"""
_PROCEDURE: Final = """
SELECT ROUTINE_DEFINITION FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s AND ROUTINE_NAME = %s
"""
_FOREIGN_KEYS: Final = """
SELECT r.TABLE_NAME, r.REFERENCED_TABLE_NAME, r.CONSTRAINT_NAME, r.DELETE_RULE, r.UPDATE_RULE
FROM information_schema.REFERENTIAL_CONSTRAINTS r
WHERE r.CONSTRAINT_SCHEMA = %s AND r.TABLE_NAME = %s ORDER BY r.REFERENCED_TABLE_NAME, r.CONSTRAINT_NAME
"""
_INDEXED: Final = """
SELECT DISTINCT COLUMN_NAME FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND SEQ_IN_INDEX = 1
"""
_REFERENCES: Final = """
SELECT COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND REFERENCED_TABLE_SCHEMA = TABLE_SCHEMA
"""
_NAMES: Final = """
SELECT TABLE_NAME FROM information_schema.TABLES
WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME
"""
_NUMBERS: Final = frozenset({
    "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year", "bit",
})  # fmt: skip
_BYTES: Final = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector"})
_SHAPES: Final = frozenset({
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
    "geometrycollection", "geomcollection",
})  # fmt: skip
_WHOLE: Final = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "year"})
_FLAGS: Final = frozenset({"tinyint(1)", "bit(1)"})
_OURS: Final = re.compile(r"ordercast_([0-9a-f]{12})_(?:insert|update|delete)")


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and how its values are kept in the outbox."""

    name: str
    type: str
    charset: str = ""
    collation: str = ""
    is_json: bool = False
    is_flag: bool = False
    is_key: bool = False
    is_padded: bool = False
    """Whether its numbers are written with zeros in front (`ZEROFILL`, `YEAR`), as JSON has none."""

    @property
    def kind(self) -> str:
        """One letter, before the name in the outbox: a row says by itself what its values are. Capital: of the key."""
        letter = self._letter()
        return letter.upper() if self.is_key else letter

    def _letter(self) -> str:
        if self.is_json:
            return "j"
        if self.is_flag:
            return "b"
        if self.type in _NUMBERS:
            return "n"
        if self.type in _BYTES:
            return "x"
        return {"date": "d", "datetime": "m", "timestamp": "s"}.get(self.type, "t")

    @property
    def is_bytes(self) -> bool:
        return self._letter() == "x"

    @property
    def is_shape(self) -> bool:
        return self.type in _SHAPES


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view."""

    schema: str
    name: str
    is_view: bool
    engine: str
    columns: dict[str, Column]

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns.values() if column.is_key)

    @property
    def quoted(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """By what rows of a table go or change with those of another, which fires no trigger."""

    table: str
    of: str
    name: str
    on_delete: str
    on_update: str

    def unheard(self, verb: Verb) -> str | None:
        """Which such changes of its table are not told, a clause; None where there are none."""
        if verb == "delete" and self.on_delete == "CASCADE":
            return self._sentence("go with", "ON DELETE CASCADE", f"delete those of {self.table} first")
        if verb == "update" and self.on_delete == "SET NULL":
            return self._sentence("change with", "ON DELETE SET NULL", f"update those of {self.table} first")
        if verb == "update" and self.on_update in {"CASCADE", "SET NULL"}:
            return self._sentence("change with", f"ON UPDATE {self.on_update}", "update them yourself")
        return None

    def _sentence(self, what: str, rule: str, instead: str) -> str:
        return (
            f"rows of {self.table} that {what} their {self.of} are not told:"
            f" a cascade ({self.name}, {rule}) fires no trigger; {instead}"
        )


@dataclass(frozen=True, slots=True)
class AttachedTrigger:
    """A trigger of ours, as the server has it."""

    schema: str
    name: str
    table: str
    body: str
    definer: str

    @property
    def emit_id(self) -> str:
        found = _OURS.fullmatch(self.name)
        return found[1] if found else ""


class Catalogue:
    """Asks for what is there now. `database` is the one that the URL names, in which the outbox is."""

    def __init__(self, ask: Ask, database: str) -> None:
        self._ask = ask
        self.database = database

    def table(self, name: str) -> Table | None:
        """A table of the database, or ``shop.orders`` of another on the server."""
        found = self._table(self.database, name)
        schema, dot, rest = name.partition(".")
        return found or (self._table(schema, rest) if dot else None)

    def _table(self, schema: str, name: str) -> Table | None:
        rows = [row for row in self._ask(_TABLE, [schema, name]) if row[1] == name]
        if not rows:
            return None
        ((schema, name, kind, engine),) = rows
        known = self._json_columns(schema, name)
        columns = {
            column: Column(
                column,
                type_,
                charset or "",
                collation or "",
                type_ == "json" or (type_ == "longtext" and column in known),
                full in _FLAGS,
                bool(is_key),
                type_ == "year" or "zerofill" in full,
            )
            for column, type_, full, charset, collation, is_key in self._ask(_COLUMNS, [schema, name])
        }
        return Table(schema, name, "VIEW" in kind, engine, columns)

    def _json_columns(self, schema: str, table: str) -> set[str]:
        """Only MariaDB's rules name their table, by which they are told apart: a column's rule is called as it is."""
        has = "SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'information_schema'"
        names = self._ask(f"{has} AND TABLE_NAME = 'CHECK_CONSTRAINTS' AND COLUMN_NAME = 'TABLE_NAME'", [])
        if not names:
            return set()
        rules = self._ask(_CHECKS.format(table="c.TABLE_NAME"), [schema, table])
        return {
            found[1].replace("``", "`")
            for (rule,) in rules
            if (found := re.fullmatch(r"json_valid\(`((?:[^`]|``)*)`\)", rule, re.IGNORECASE))
        }

    def names(self) -> list[str]:
        return [name for (name,) in self._ask(_NAMES, [self.database])]

    def references(self, table: Table) -> dict[str, tuple[str, str]]:
        return {column: (of, to) for column, of, to in self._ask(_REFERENCES, [table.schema, table.name])}

    def foreign_keys(self, table: Table) -> list[ForeignKey]:
        return [ForeignKey(*row) for row in self._ask(_FOREIGN_KEYS, [table.schema, table.name])]

    def unheard(self, table: Table, verb: Verb) -> list[str]:
        """Which changes of a table fire no trigger, a clause each."""
        found = [clause for key in self.foreign_keys(table) if (clause := key.unheard(verb)) is not None]
        truncate = f"TRUNCATE of {table.name} is not told: it fires no trigger; DELETE does"
        return [*found, truncate] if verb == "delete" else found

    def indexed(self, table: Table) -> set[str]:
        """The columns that an index begins with."""
        return {name for (name,) in self._ask(_INDEXED, [table.schema, table.name])}

    def has_table(self, name: str) -> bool:
        return bool(self._ask(_TABLE, [self.database, name]))

    def procedure(self, name: str) -> str | None:
        """Its body: None where there is none, empty where this account may not see it."""
        rows = self._ask(_PROCEDURE, [self.database, name])
        return str(rows[0][0] or "") if rows else None

    def attached(self, outbox: str, schemas: Iterable[str] = ()) -> list[AttachedTrigger]:
        """Triggers of ours that fill this outbox: of the database, and of `schemas` besides. One at a time, for a
        server may have thousands of others, whose tables it opens to look.
        """
        asked = sorted({self.database, *schemas})
        found = [AttachedTrigger(*row) for schema in asked for row in self._ask(_TRIGGERS, [schema])]
        return [trigger for trigger in found if trigger.emit_id and outbox in trigger.body]


def filter_kind(column: Column) -> ColumnKind | None:
    """How a filter compares a column; None where it cannot."""
    if column.is_flag:
        return "boolean"
    if column.type in _WHOLE:
        return "integer"
    if column.type == "uuid":
        return "uuid"
    return "text" if column.charset and not column.is_json else None


def quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def literal(text: str) -> str:
    """A text within SQL. Backslashes depend on a mode, and MariaDB leaves some out where it shows a trigger."""
    pieces = ["'" + piece.replace("'", "''") + "'" for piece in text.split("\\")]
    return pieces[0] if len(pieces) == 1 else f"CONCAT({', CHAR(92 USING utf8mb4), '.join(pieces)})"
