"""Compiles an ``[[emit]]`` to PostgreSQL's SQL: one function, and a trigger on each table that has such rows.

Theory of operation. The function works the event out in a block of its own that catches every error: it has written
nothing, so the block takes no transaction number. What stands behind it is one plain INSERT. No column is named outside
of the body: a trigger that names one would keep the shop from dropping or retyping it.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ordercast.attach.gaps import gap_document, gap_rooms
from ordercast.attach.mapping import Emit
from ordercast.attach.templates import EVERY, VIEW, Field, Payload, Template
from ordercast.db.sql import quoted
from ordercast.db.types import ChangeKind

from .catalogue import Relation, Target, literal

T = TypeVar("T")

# PostgreSQL's functions take a hundred arguments.
_ARGUMENTS_MAX: Final = 100
_MOMENT: Final = """'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'"""
_MOMENTS: Final = frozenset({"timestamp", "timestamptz"})
_JSON: Final = frozenset({"json", "jsonb"})
_TEXTS: Final = frozenset({"text", "varchar", "bpchar"})
# Types that have no equality, or one that two databases would not agree on.
_NOT_COMPARED: Final = frozenset({"json", "xml", "point", "box", "polygon", "path"})


@dataclass(frozen=True, slots=True)
class CompiledTrigger:
    """One trigger, on one table."""

    emit: Emit
    target: Target
    name: str
    function: str
    create: str

    @property
    def drop(self) -> str:
        return f"DROP TRIGGER IF EXISTS {self.name} ON {self.target.quoted}"

    @property
    def always(self) -> str | None:
        """What has it fire for changes by replication too; None where the role may not say so."""
        return f"ALTER TABLE {self.target.quoted} ENABLE ALWAYS TRIGGER {self.name}" if self.target.is_owned else None


@dataclass(frozen=True, slots=True)
class Compiled:
    """All that one ``[[emit]]`` becomes."""

    emit: Emit
    functions: Mapping[str, str]
    """Bodies by the functions' names."""
    create_functions: tuple[str, ...]
    triggers: tuple[CompiledTrigger, ...]


def compile_emit(emit: Emit, relation: Relation, view: Relation | None, schema: str) -> Compiled:
    """Compile for a table, and the mapping's view where it has one. `schema` is ours."""
    bodies = {f"emit_{emit.id}": _Function(emit, relation, view, schema).body()}
    if "delete" in emit.on:
        bodies[f"emptied_{emit.id}"] = _emptied(emit, relation, schema)
    header = (
        f"LANGUAGE plpgsql SECURITY DEFINER SET search_path = {quoted(relation.schema)}, pg_temp SET timezone = 'UTC'"
    )
    made = tuple(
        f"CREATE OR REPLACE FUNCTION {quoted(schema)}.{name}() RETURNS trigger\n  {header} AS {_in_dollars(body)}"
        for name, body in bodies.items()
    )
    triggers = [trigger for target in relation.targets for trigger in _triggers(emit, target, schema)]
    return Compiled(emit, bodies, made, tuple(triggers))


def _in_dollars(body: str) -> str:
    tag = "$ordercast$"
    while tag in body:
        tag = tag[:-1] + "_$"
    return f"{tag}{body}{tag}"


def _triggers(emit: Emit, target: Target, schema: str) -> Iterator[CompiledTrigger]:
    verbs = " OR ".join(verb.upper() for verb in emit.on)
    name, function = f"ordercast_{emit.id}", f"emit_{emit.id}"
    called = f"EXECUTE FUNCTION {quoted(schema)}.{function}()"
    if emit.at_commit:
        made = (
            f"CREATE CONSTRAINT TRIGGER {name} AFTER {verbs} ON {target.quoted}"
            f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {called}"
        )
    else:
        made = f"CREATE TRIGGER {name} AFTER {verbs} ON {target.quoted} FOR EACH ROW {called}"
    yield CompiledTrigger(emit, target, name, function, made)
    if "delete" in emit.on:
        name, function = f"ordercast_{emit.id}_emptied", f"emptied_{emit.id}"
        made = (
            f"CREATE TRIGGER {name} AFTER TRUNCATE ON {target.quoted} FOR EACH STATEMENT"
            f" EXECUTE FUNCTION {quoted(schema)}.{function}()"
        )
        yield CompiledTrigger(emit, target, name, function, made)


def _emptied(emit: Emit, relation: Relation, schema: str) -> str:
    gap = literal(gap_document(gap_rooms(emit), "table_emptied"))
    return f"""
BEGIN
  IF to_regclass({literal(quoted(schema) + ".feed")}) IS NOT NULL THEN
    INSERT INTO {quoted(schema)}.feed (kind, entity_id, version, actor, at, after)
      VALUES ('{ChangeKind.FEED_RESYNC}', {literal(relation.name)}, 1, {quoted(schema)}.ordercast_actor(),
        {quoted(schema)}.ordercast_now(), {gap});
  END IF;
  RETURN NULL;
END"""


class _Function:
    def __init__(self, emit: Emit, relation: Relation, view: Relation | None, schema: str) -> None:
        self._emit = emit
        self._relation = relation
        self._schema = quoted(schema)
        self._sql = dict(emit.sql)
        if view is not None:
            row = " AND ".join(f"v.{quoted(name)} = NEW.{quoted(name)}" for name in relation.key)
            self._sql[VIEW] = f"SELECT to_jsonb(v) FROM {view.quoted} AS v WHERE {row} LIMIT 1"
        used = {each.name for _, each in emit.fields}
        self._variables = {name: f"ordercast_{n}" for n, name in enumerate(self._sql) if name in used}

    def body(self) -> str:
        emit, schema = self._emit, self._schema
        declared = "".join(f"\n  {name} jsonb;" for name in self._variables.values())
        work = "\n".join(self._work())
        if not emit.may_fail_writes:
            verb = "lower(TG_OP)"
            work = f"""\
BEGIN
{textwrap.indent(work, "  ")}
EXCEPTION WHEN OTHERS THEN
  PERFORM {schema}.attach_failed({literal(emit.name)}, {verb}, ordercast_entity, SQLSTATE, SQLERRM);
  RETURN NULL;
END;"""
        return f"""
#variable_conflict use_column
DECLARE
  ordercast_entity text;
  ordercast_rooms text[];
  ordercast_told text;{declared}
BEGIN
{textwrap.indent(work, "  ")}
  IF to_regclass({literal(schema + ".feed")}) IS NOT NULL THEN
    INSERT INTO {schema}.feed (kind, entity_id, version, actor, at, after)
      VALUES ('{ChangeKind.EVENT_PUBLISHED}', ordercast_entity, 1, {schema}.ordercast_actor(), {schema}.ordercast_now(),
        ordercast_told);
  END IF;
  RETURN NULL;
END"""

    def _work(self) -> Iterator[str]:
        emit, relation = self._emit, self._relation
        if "delete" in emit.on:
            yield "IF TG_OP = 'DELETE' THEN NEW := OLD; END IF;"
        if emit.changed:
            differ = " OR ".join(map(self._differs, emit.changed))
            yield f"IF TG_OP = 'UPDATE' AND NOT ({differ}) THEN RETURN NULL; END IF;"
        if emit.when:
            yield f"IF ({_expression(emit.when)}) IS NOT TRUE THEN RETURN NULL; END IF;"
        keys = " || ',' || ".join(f"coalesce(NEW.{quoted(name)}::text, '')" for name in relation.key)
        entity = literal(relation.name + (" " if keys else ""))
        yield f"ordercast_entity := left({entity}{' || ' + keys if keys else ''}, 500);"
        for name, variable in self._variables.items():
            yield f"{variable} := to_jsonb(({_expression(self._sql[name])}));"
        yield f"ordercast_rooms := {self._rooms()};"
        yield "IF cardinality(ordercast_rooms) = 0 THEN RETURN NULL; END IF;"
        yield f"ordercast_told := {self._document()}::text;"

    def _differs(self, name: str) -> str:
        cast = "::text" if self._relation.columns.get(name) in _NOT_COMPARED else ""
        return f"NEW.{quoted(name)}{cast} IS DISTINCT FROM OLD.{quoted(name)}{cast}"

    def _rooms(self) -> str:
        """A room that has nothing in a place of its name is none. An expression may give several."""
        made, several = [], []
        for room in self._emit.rooms:
            if room.only is not None and room.only.name in self._variables:
                several.append(f"{self._schema}.attach_rooms({self._as_json(room.only)})")
            else:
                made.append(" || ".join(self._room_part(part) for part in room.parts))
        rooms = f"array_remove(ARRAY[{', '.join(made)}]::text[], NULL)"
        return " || ".join((rooms, *several))

    def _room_part(self, part: str | Field) -> str:
        return literal(part) if isinstance(part, str) else f"nullif({self._as_text(part)}, '')"

    def _document(self) -> str:
        emit, relation = self._emit, self._relation
        key = [(name, f"to_json(NEW.{quoted(name)})") for name in relation.key]
        writer = [
            ("database", "current_database()"),
            ("role", "session_user"),
            ("application", "current_setting('application_name')"),
        ]
        return _object(
            [
                ("event", literal(emit.event) + "::text"),
                ("rooms", "to_json(ordercast_rooms)"),
                ("args", self._array(emit.args)),
                ("mapping", literal(emit.name) + "::text"),
                ("table", literal(relation.shown) + "::text"),
                ("on", "lower(TG_OP)"),
                ("key", _object(key)),
                ("writer", _object(writer)),
            ]
        )

    # --- Values -----------------------------------------------------------------------------------------------------

    def _json(self, value: Payload) -> str:
        if is_constant(value):
            return f"{literal(json.dumps(constant_of(value), ensure_ascii=False))}::json"
        if isinstance(value, Template):
            if value.only is not None:
                return self._as_json(value.only)
            return " || ".join(
                literal(part) if isinstance(part, str) else f"coalesce({self._as_text(part)}, '')"
                for part in value.parts
            )
        if isinstance(value, Mapping):
            return _object([(name, self._json(each)) for name, each in value.items()])
        assert isinstance(value, list)
        return self._array(tuple(value))

    def _array(self, values: tuple[Payload, ...]) -> str:
        parts = [f"json_build_array({', '.join(map(self._json, some))})" for some in _pieces(values, _ARGUMENTS_MAX)]
        return parts[0] if len(parts) == 1 else f"({' || '.join(f'{part}::jsonb' for part in parts)})"

    def _as_json(self, field: Field) -> str:
        """A value of `json_build_object`, which writes what is no JSON by its type."""
        if field.name in self._variables:
            return self._within(self._variables[field.name], field, "#>")
        row = "OLD" if field.is_old else "NEW"
        if field.name == EVERY:
            return self._whole(row)
        column, type_ = f"{row}.{quoted(field.name)}", self._relation.columns.get(field.name, "")
        if field.path:
            return self._within(self._parsed(column, type_), field, "#>")
        return f"to_char({column}, {_MOMENT})" if type_ in _MOMENTS else column

    def _as_text(self, field: Field) -> str:
        if field.name in self._variables:
            return self._within(self._variables[field.name], field, "#>>")
        row = "OLD" if field.is_old else "NEW"
        if field.name == EVERY:
            return f"({self._whole(row)})::text"
        column, type_ = f"{row}.{quoted(field.name)}", self._relation.columns.get(field.name, "")
        if field.path or type_ in _JSON:
            return self._within(self._parsed(column, type_), field, "#>>")
        return f"to_char({column}, {_MOMENT})" if type_ in _MOMENTS else f"{column}::text"

    @staticmethod
    def _parsed(column: str, type_: str) -> str:
        if type_ in _JSON:
            return column
        return f"{column}::jsonb" if type_ in _TEXTS else f"to_jsonb({column})"

    @staticmethod
    def _within(value: str, field: Field, operator: str) -> str:
        path = f"ARRAY[{', '.join(map(literal, field.path))}]::text[]"
        return value if not field.path and operator == "#>" else f"({value} {operator} {path})"

    def _whole(self, row: str) -> str:
        """The row, whatever columns it has by then; a moment is written as one of ours."""
        moments = [name for name, type_ in self._relation.columns.items() if type_ in _MOMENTS]
        written = [(name, f"to_char({row}.{quoted(name)}, {_MOMENT})") for name in moments]
        return f"to_jsonb({row})" + (f" || {_object(written, 'jsonb')}" if written else "")


def _object(members: list[tuple[str, str]], type_: str = "json") -> str:
    """`json_build_object`, in pieces where there are more than a function takes."""
    pieces = _pieces(members, _ARGUMENTS_MAX // 2)
    many = "jsonb" if len(pieces) > 1 else type_
    made = [
        f"{many}_build_object({', '.join(f'{literal(name)}, {value}' for name, value in piece)})" for piece in pieces
    ]
    return made[0] if len(made) == 1 else f"({' || '.join(made)})"


def _pieces(values: Sequence[T], size: int) -> list[Sequence[T]]:
    """One at least, be it empty."""
    return [values[at : at + size] for at in range(0, len(values) or 1, size)]


def _expression(sql: str) -> str:
    """An expression, or a query in place of one; behind it a line ends, for a comment may."""
    return f"{sql.strip().rstrip(';')}\n"


def is_constant(value: Payload) -> bool:
    """Whether a payload is the same for every row."""
    if isinstance(value, Template):
        return value.constant is not None
    if isinstance(value, Mapping):
        return all(map(is_constant, value.values()))
    return all(map(is_constant, value)) if isinstance(value, list) else True


def constant_of(value: Payload) -> Any:
    if isinstance(value, Template):
        return value.constant
    if isinstance(value, Mapping):
        return {name: constant_of(each) for name, each in value.items()}
    return [constant_of(each) for each in value] if isinstance(value, list) else value
