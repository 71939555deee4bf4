"""Compiles a ``[[watch]]`` to PostgreSQL's SQL: what its trigger's function does, and the query for rows as they stand.

Both say a row by the same expressions: a row in a snapshot and the same row in an event are alike.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ordercast.attach.mapping import Fault, Watch
from ordercast.attach.templates import Field, Template
from ordercast.attach.watched_rows import texts_in_rooms
from ordercast.db.sql import quoted
from ordercast.db.types import ChangeKind
from ordercast.db.watched_rows import ColumnKind, TableFilter, WatchableTable

from .catalogue import Relation, literal
from .expressions import Expressions, named_sql, object_of

_KINDS: Final[Mapping[str, ColumnKind]] = {
    "text": "text",
    "varchar": "text",
    "bpchar": "text",
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "bool": "boolean",
    "uuid": "uuid",
}
_FITS: Final[Mapping[ColumnKind, re.Pattern[str]]] = {
    "text": re.compile(r"[^\x00]*"),
    "integer": re.compile(r"-?[0-9]{1,9}"),
    "uuid": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "boolean": re.compile("true|false"),
}
"""Parts of rooms' names that can be compared with a column, so that an index of it is used."""


def kind_of(relation: Relation, name: str) -> ColumnKind | None:
    """How a filter compares a column; None where it cannot."""
    return "text" if name in relation.enums else _KINDS.get(relation.columns.get(name, ""))


def watch_faults(watch: Watch, relation: Relation) -> Iterator[Fault]:
    """What of it cannot be in this database."""
    if not relation.key:
        yield Fault(watch.line_of("table"), f"{relation.shown} has no primary key, by which a row is known")
    if not relation.may_select:
        yield Fault(
            watch.line_of("table"), f"this role may not read it for snapshots: GRANT SELECT ON {relation.quoted} TO it"
        )
    for number, name in enumerate(watch.where):
        if name in relation.columns and kind_of(relation, name) is None:
            yield Fault(
                watch.line_of("where", number),
                f"{name} is {relation.columns[name]}; a filter takes texts, enums, whole numbers, booleans and UUIDs",
            )


def watch_body(watch: Watch, relation: Relation, view: Relation | None, schema: str) -> str:
    """The body of the trigger's function: the row before and after, in one row of our feed."""
    sql = named_sql(watch, relation, view)
    variables = {name: f"ordercast_{n}" for n, name in enumerate(sql)}
    values = Expressions(relation, schema, variables)
    declared = "".join(f"\n  {name} jsonb;" for name in variables.values())
    named = "".join(f"    {variable} := {sql[name]};\n" for name, variable in variables.items())
    old = values.of("OLD")
    differ = (
        "NEW *<> OLD"
        if watch.depends_on_all
        else " OR ".join(map(values.differs, dict.fromkeys((*watch.columns(), *relation.key))))
    )
    new_entity, old_entity = (
        f"left({literal(watch.shown + ' ')} || "
        + " || ',' || ".join(f"coalesce({row.column(name)}::text, '')" for name in relation.key)
        + ", 500)"
        for row in (values, old)
    )
    told = object_of([("table", literal(watch.shown) + "::text"), ("was", "ordercast_was"), ("now", "ordercast_now")])
    work = textwrap.indent(
        f"""\
IF TG_OP = 'UPDATE' AND NOT ({differ}) THEN RETURN NULL; END IF;
IF TG_OP = 'DELETE' THEN ordercast_entity := {old_entity}; ELSE ordercast_entity := {new_entity}; END IF;
IF TG_OP <> 'INSERT' THEN
  ordercast_rooms := {old.rooms(watch.rooms)};
  IF cardinality(ordercast_rooms) > 0 THEN
    ordercast_was := {_state(watch, relation, old, with_row=False)};
  END IF;
END IF;
IF TG_OP <> 'DELETE' THEN
  ordercast_rooms := {values.rooms(watch.rooms)};
  IF cardinality(ordercast_rooms) > 0 THEN
{named}    ordercast_now := {_state(watch, relation, values, with_row=True)};
  END IF;
END IF;
IF ordercast_was IS NULL AND ordercast_now IS NULL THEN RETURN NULL; END IF;
ordercast_told := {told}::text;""",
        "    ",
    )
    return f"""
#variable_conflict use_column
DECLARE
  ordercast_entity text;
  ordercast_rooms text[];
  ordercast_was json;
  ordercast_now json;
  ordercast_told text;{declared}
BEGIN
  BEGIN
{work}
  EXCEPTION WHEN OTHERS THEN
    PERFORM {schema}.attach_failed({literal(watch.name)}, lower(TG_OP), ordercast_entity, SQLSTATE, SQLERRM);
    RETURN NULL;
  END;
  IF to_regclass({literal(schema + ".feed")}) IS NOT NULL THEN
    INSERT INTO {schema}.feed (kind, entity_id, version, actor, at, after)
      VALUES ('{ChangeKind.ROW_CHANGED}', ordercast_entity, 1, {schema}.ordercast_actor(), {schema}.ordercast_now(),
        ordercast_told);
  END IF;
  RETURN NULL;
END"""


def _state(watch: Watch, relation: Relation, values: Expressions, *, with_row: bool) -> str:
    """A `RowState`."""
    members = [
        ("key", object_of([(name, values.column(name)) for name in relation.key])),
        ("rooms", "to_json(ordercast_rooms)"),
        ("where", object_of([(name, values.as_text(Field(name))) for name in watch.where])),
    ]
    return object_of([*members, ("row", values.json(watch.payload))] if with_row else members)


@dataclass(frozen=True, slots=True)
class WatchedTable:
    """A watch in a database that has everything for it."""

    watch: Watch
    relation: Relation
    view: Relation | None = None

    def watchable(self) -> WatchableTable:
        key: dict[str, ColumnKind] = {name: kind_of(self.relation, name) or "text" for name in self.relation.key}
        where = {name: kind for name in self.watch.where if (kind := kind_of(self.relation, name)) is not None}
        return self.watch.watchable(key, where)

    def query(
        self, wanted: TableFilter, rooms: frozenset[str], schema: str, bytes_max: int
    ) -> tuple[str, dict[str, Any]]:
        """The query for rows as they stand, of those that somebody in `rooms` may see; and its values. Behind each row
        stands whether all rows up to it are small enough.
        """
        values: dict[str, Any] = {}
        conditions = [*self._of_filter(wanted, values), *self._of_rooms(rooms, schema, values)]
        found = Expressions(self.relation, schema, named_sql(self.watch, self.relation, self.view))
        state = _state(self.watch, self.relation, found, with_row=True).replace(
            "to_json(ordercast_rooms)", f"to_json({found.rooms(self.watch.rooms)})"
        )
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        text = f"""
WITH found AS MATERIALIZED (
  SELECT {state.replace("%", "%%")}::text AS state FROM {self.relation.quoted.replace("%", "%%")} AS "new"{where}
  LIMIT {self.watch.limit + 1:d})
SELECT CASE WHEN sum(octet_length(state)) OVER (ROWS UNBOUNDED PRECEDING) <= {bytes_max:d} THEN state END FROM found
"""
        return text, values

    def _of_filter(self, wanted: TableFilter, values: dict[str, Any]) -> Iterator[str]:
        key = zip(self.relation.key, ((text,) for text in wanted.key), strict=True) if wanted.key is not None else ()
        for name, texts in (*key, *wanted.where):
            yield self._is_one_of(name, texts, values)

    def _of_rooms(self, rooms: frozenset[str], schema: str, values: dict[str, Any]) -> Iterator[str]:
        """Rows of these rooms; of a room that one column names by comparing that, for which there may be an index."""
        if any(room.constant in rooms for room in self.watch.rooms):
            return
        made = []
        found = Expressions(self.relation, schema, {})
        for room in self.watch.rooms:
            if room.constant is not None:
                continue
            named = self._named_by_column(room, rooms)
            if named is not None:
                made.append(self._is_one_of(*named, values))
            else:
                name = f"value{len(values)}"
                values[name] = _array(sorted(rooms))
                expression = " || ".join(found.room_part(part) for part in room.parts)
                made.append(f"({expression.replace('%', '%%')}) = ANY(CAST(%({name})s AS text[]))")
        yield f"({' OR '.join(made) or 'false'})"

    def _named_by_column(self, room: Template, rooms: frozenset[str]) -> tuple[str, tuple[str, ...]] | None:
        named = texts_in_rooms(room, rooms)
        if named is None:
            return None
        name, texts = named
        kind = kind_of(self.relation, name)
        if kind is None or name in self.relation.enums:
            return None
        return name, tuple(text for text in texts if text is not None and _FITS[kind].fullmatch(text))

    def _is_one_of(self, column: str, texts: tuple[str | None, ...], values: dict[str, Any]) -> str:
        """The driver says no type of a text, so that it becomes an array of the column's."""
        shown = f'"new".{quoted(column).replace("%", "%%")}'
        name = f"value{len(values)}"
        values[name] = _array([text for text in texts if text is not None])
        is_one = f"{shown} = ANY(%({name})s)"
        return f"({is_one} OR {shown} IS NULL)" if None in texts else is_one


def _array(texts: list[str]) -> str:
    """An array as PostgreSQL writes it."""
    escaped = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in escaped) + "}"
