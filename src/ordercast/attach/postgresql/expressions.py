"""Values of a row as SQL expressions: templates of a mapping, over NEW and OLD or whatever a row is called.

A trigger's function has them, and a query for the rows as they stand, so that both say the same of a row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from ordercast.attach.sections import Section
from ordercast.attach.templates import EVERY, VIEW, Field, Payload, Template
from ordercast.db.sql import quoted

from .catalogue import Relation, literal

T = TypeVar("T")

# PostgreSQL's functions take a hundred arguments.
_ARGUMENTS_MAX: Final = 100
_MOMENT: Final = """'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'"""
_MOMENTS: Final = frozenset({"timestamp", "timestamptz"})
_JSON: Final = frozenset({"json", "jsonb"})
_TEXTS: Final = frozenset({"text", "varchar", "bpchar"})


class Expressions:
    """Values of the rows of one relation."""

    def __init__(self, relation: Relation, schema: str, variables: Mapping[str, str], *, row: str = "NEW") -> None:
        """`variables` are what a mapping names, in SQL; `schema` is ours, quoted."""
        self._relation = relation
        self._schema = schema
        self._variables = variables
        self._row = row

    def of(self, row: str) -> Expressions:
        """The same of another row."""
        return Expressions(self._relation, self._schema, self._variables, row=row)

    def rooms(self, rooms: Sequence[Template]) -> str:
        """A room that has nothing in a place of its name is none. An expression may give several."""
        made, several = [], []
        for room in rooms:
            if room.only is not None and room.only.name in self._variables:
                several.append(f"{self._schema}.attach_rooms({self._as_json(room.only)})")
            else:
                made.append(" || ".join(self.room_part(part) for part in room.parts))
        names = f"array_remove(ARRAY[{', '.join(made)}]::text[], NULL)"
        return " || ".join((names, *several))

    def room_part(self, part: str | Field) -> str:
        return literal(part) if isinstance(part, str) else f"nullif({self.as_text(part)}, '')"

    def column(self, name: str) -> str:
        return f"{self._row}.{quoted(name)}"

    def differs(self, name: str) -> str:
        """Whether a column was changed by an update: byte by byte where its type calls equal what is told otherwise."""
        new, old = f"NEW.{quoted(name)}", f"OLD.{quoted(name)}"
        if name in self._relation.inexact:
            return f"ROW({new})::record *<> ROW({old})::record"
        return f"{new} IS DISTINCT FROM {old}"

    def json(self, value: Payload) -> str:
        if is_constant(value):
            return f"{literal(json.dumps(constant_of(value), ensure_ascii=False))}::json"
        if isinstance(value, Template):
            if value.only is not None:
                return self._as_json(value.only)
            return " || ".join(
                literal(part) if isinstance(part, str) else f"coalesce({self.as_text(part)}, '')"
                for part in value.parts
            )
        if isinstance(value, Mapping):
            return object_of([(name, self.json(each)) for name, each in value.items()])
        assert isinstance(value, list)
        return self.array(tuple(value))

    def array(self, values: tuple[Payload, ...]) -> str:
        parts = [f"json_build_array({', '.join(map(self.json, some))})" for some in _pieces(values, _ARGUMENTS_MAX)]
        return parts[0] if len(parts) == 1 else f"({' || '.join(f'{part}::jsonb' for part in parts)})"

    def _as_json(self, field: Field) -> str:
        """A value of `json_build_object`, which writes what is no JSON by its type."""
        if field.name in self._variables:
            return self._within(self._variables[field.name], field, "#>")
        row = "OLD" if field.is_old else self._row
        if field.name == EVERY:
            return self._whole(row)
        column, type_ = f"{row}.{quoted(field.name)}", self._relation.columns.get(field.name, "")
        if field.path:
            return self._within(self._parsed(column, type_), field, "#>")
        return _moment(column) if type_ in _MOMENTS else column

    def as_text(self, field: Field) -> str:
        if field.name in self._variables:
            return self._within(self._variables[field.name], field, "#>>")
        row = "OLD" if field.is_old else self._row
        if field.name == EVERY:
            return f"({self._whole(row)})::text"
        column, type_ = f"{row}.{quoted(field.name)}", self._relation.columns.get(field.name, "")
        if field.path or type_ in _JSON:
            return self._within(self._parsed(column, type_), field, "#>>")
        return _moment(column) if type_ in _MOMENTS else f"{column}::text"

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
        """The row, whatever columns it has by then; a moment is written as one of ours. Without what is worked out when
        it is read: a trigger does not know it.
        """
        virtual = ", ".join(map(literal, sorted(self._relation.virtual)))
        moments = [name for name, type_ in self._relation.columns.items() if type_ in _MOMENTS]
        written = [(name, _moment(f"{row}.{quoted(name)}")) for name in moments if name not in self._relation.virtual]
        whole = f"(to_jsonb({row}) - ARRAY[{virtual}])" if virtual else f"to_jsonb({row})"
        return whole + (f" || {object_of(written, 'jsonb')}" if written else "")


def expression(sql: str) -> str:
    """An expression, or a query in place of one; behind it a line ends, for a comment may."""
    return f"{sql.strip().rstrip(';')}\n"


def named_sql(section: Section, relation: Relation, view: Relation | None) -> dict[str, str]:
    """What a mapping names, as far as it uses that: each as SQL for its JSON, over NEW."""
    sql = dict(section.sql)
    if view is not None:
        row = " AND ".join(f"v.{quoted(name)} = NEW.{quoted(name)}" for name in relation.key)
        sql[VIEW] = f"SELECT to_jsonb(v) FROM {view.quoted} AS v WHERE {row} LIMIT 1"
    used = {each.name for _, each in section.fields}
    return {name: f"to_jsonb(({expression(each)}))" for name, each in sql.items() if name in used}


def _moment(value: str) -> str:
    """`infinity` is one too, which no format has."""
    return f"coalesce(to_char({value}, {_MOMENT}), {value}::text)"


def object_of(members: list[tuple[str, str]], type_: str = "json") -> str:
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
