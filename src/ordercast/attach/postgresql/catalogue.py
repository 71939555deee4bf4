"""What PostgreSQL's catalogue says of the shop's tables, and of what was attached to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ordercast.db import sql
from ordercast.db.sql import quoted

Ask: TypeAlias = Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]
"""Runs a query with its ``%(named)s`` parameters."""

_TABLES: Final = """
SELECT c.oid::bigint, n.nspname, c.relname, c.relkind::text, pg_has_role(c.relowner, 'USAGE'),
  has_table_privilege(c.oid, 'TRIGGER'), has_table_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %(name)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = coalesce(%(schema)s, n.nspname)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND (CAST(%(schema)s AS text) IS NOT NULL OR n.nspname = 'public' OR n.nspname IS DISTINCT FROM current_schema())
ORDER BY n.nspname <> 'public', n.nspname
"""
# A domain is told as what it is made of.
_COLUMNS: Final = """
SELECT a.attname, coalesce(base.typname, t.typname), a.attgenerated::text, coalesce(base.typtype, t.typtype) = 'e',
  coalesce(c.collisdeterministic, true)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_type base ON t.typtype = 'd' AND base.oid = t.typbasetype
  LEFT JOIN pg_collation c ON c.oid = a.attcollation
WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_KEY: Final = """
SELECT a.attname FROM pg_index i, unnest(i.indkey::smallint[]) WITH ORDINALITY AS key (attnum, place), pg_attribute a
WHERE i.indrelid = %(oid)s AND i.indisprimary AND a.attrelid = i.indrelid AND a.attnum = key.attnum ORDER BY key.place
"""
# Of a table that others inherit from; partitions have its triggers by themselves.
_HEIRS: Final = """
WITH RECURSIVE heirs AS (
  SELECT inhrelid AS oid FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
    WHERE inhparent = %(oid)s AND NOT c.relispartition
  UNION SELECT inhrelid FROM pg_inherits JOIN heirs ON inhparent = heirs.oid)
SELECT c.oid::bigint, n.nspname, c.relname, pg_has_role(c.relowner, 'USAGE')
FROM heirs JOIN pg_class c ON c.oid = heirs.oid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 2, 3
"""
_ATTACHED: Final = """
SELECT t.tgrelid::bigint, t.tgname, t.tgenabled::text, p.proname, p.prosrc, p.prosecdef,
  pg_get_triggerdef(t.oid), n.nspname, c.relname
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgname ~ '^(00_)?ordercast_'
  AND p.pronamespace = to_regnamespace(quote_ident(current_schema()))
ORDER BY 2, 1
"""
_OWN_SCHEMA: Final = """
SELECT coalesce(current_schema(), btrim(split_part(current_setting('search_path'), ',', 1), ' "'))
"""
# Columns that an index begins with.
_INDEXED: Final = """
SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = %(oid)s AND i.indisvalid AND i.indpred IS NULL
"""
# Triggers fire by name, byte by byte. One of the shop's that fired before ours and changed the row again would have
# that change told before the one that it follows.
TRIGGER_PREFIX: Final = "00_ordercast_"
_OURS: Final = re.compile(r"(?:00_)?ordercast_([0-9a-f]{12})(?:_emptied)?")
# Types of which equal values are told alike.
_COMPARED: Final = frozenset({
    "text", "varchar", "bpchar", "name", "int2", "int4", "int8", "numeric", "float4", "float8", "bool", "uuid", "bytea",
    "date", "time", "timestamp", "timestamptz", "jsonb", "oid", "inet", "cidr", "money",
})  # fmt: skip
_KINDS: Final = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}


@dataclass(frozen=True, slots=True)
class Target:
    """A table that a trigger is made on."""

    oid: int
    schema: str
    name: str
    is_owned: bool
    """Whether the connection's role may do what its owner may: have a trigger fire always."""

    @property
    def quoted(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"


@dataclass(frozen=True, slots=True)
class Relation:
    """A table of the shop's, or a view."""

    oid: int
    schema: str
    name: str
    kind: str
    """As people call it, where it is no table."""
    may_trigger: bool
    may_select: bool
    columns: dict[str, str]
    """Their types by their names."""
    virtual: frozenset[str]
    """Columns that are worked out when they are read: no trigger sees them."""
    key: tuple[str, ...]
    targets: tuple[Target, ...] = field(default=())
    """The table itself, and those that inherit from it."""
    enums: frozenset[str] = frozenset()
    """Columns that have one of a few words."""
    inexact: frozenset[str] = frozenset()
    """Columns whose equality is not sameness: they have none (JSON), or a wider one (`citext`, circles)."""

    @property
    def shown(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"


@dataclass(frozen=True, slots=True)
class AttachedTrigger:
    """A trigger of ours that is there."""

    oid: int
    name: str
    enabled: str
    """``O`` for ordinary sessions, ``A`` always, ``R`` for replication alone, ``D`` never."""
    function: str
    body: str
    is_definer: bool
    definition: str
    schema: str
    table: str

    @property
    def shown(self) -> str:
        return f"{self.schema}.{self.table}"

    @property
    def emit_id(self) -> str:
        found = _OURS.fullmatch(self.name)
        return found[1] if found else ""

    @property
    def drop(self) -> str:
        return f"DROP TRIGGER IF EXISTS {quoted(self.name)} ON {quoted(self.schema)}.{quoted(self.table)}"


def literal(text: str) -> str:
    """A text as SQL has it, whatever ``standard_conforming_strings`` says."""
    found = sql.literal(text)
    return found if "\\" not in text else "E" + found.replace("\\", "\\\\")


class Catalogue:
    """Answers what mappings ask of one database; a table is looked up once."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: dict[str, Relation | str] = {}

    def find(self, name: str) -> Relation | str:
        """The table or view of that name, or why there is none, a clause."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> Relation | str:
        found = self._tables(None, name)
        schema, _, rest = name.partition(".")
        if not found and rest:
            found = self._tables(schema, rest)
        if not found:
            return f"there is no table {name}"
        if len(found) > 1 and found[0][1] != "public":
            places = ", ".join(f"{row[1]}.{row[2]}" for row in found)
            return f"there are several tables {name}: write one of {places}"
        oid, schema, table, kind, is_owned, may_trigger, may_select = found[0]
        columns = self._ask(_COLUMNS, {"oid": oid})
        heirs = self._ask(_HEIRS, {"oid": oid}) if kind == "r" else []
        return Relation(
            oid,
            schema,
            table,
            _KINDS.get(kind, ""),
            may_trigger,
            may_select,
            {name: type_ for name, type_, *_ in columns},
            frozenset(name for name, _, generated, *_ in columns if generated == "v"),
            tuple(name for (name,) in self._ask(_KEY, {"oid": oid})),
            (Target(oid, schema, table, is_owned), *(Target(*row) for row in heirs)),
            frozenset(name for name, _, _, is_enum, _ in columns if is_enum),
            frozenset(
                name
                for name, type_, _, is_enum, is_exact in columns
                if not is_exact or not (is_enum or type_ in _COMPARED)
            ),
        )

    def _tables(self, schema: str | None, name: str) -> list[tuple[Any, ...]]:
        return self._ask(_TABLES, {"schema": schema, "name": name})

    def attached(self) -> list[AttachedTrigger]:
        """All triggers of ours, on whatever table."""
        return [AttachedTrigger(*row) for row in self._ask(_ATTACHED, {})]

    def indexed(self, relation: Relation) -> frozenset[str]:
        """The columns by which rows of a table are found without looking at all of them."""
        return frozenset(name for (name,) in self._ask(_INDEXED, {"oid": relation.oid}))

    def own_schema(self) -> str:
        """Ours; that of the path, where it is yet to be made."""
        ((schema,),) = self._ask(_OWN_SCHEMA, {})
        return str(schema)
