"""Compiles an ``[[emit]]`` to PostgreSQL's SQL: one function, and a trigger on each table that has such rows.

Theory of operation. The function works the event out in a block of its own that catches every error: it has written
nothing, so the block takes no transaction number. What stands behind it is one plain INSERT. No column is named outside
of the body: a trigger that names one would keep the shop from dropping or retyping it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ordercast.attach.gaps import gap_document, gap_rooms
from ordercast.attach.mapping import Emit, Section, Watch
from ordercast.db.sql import quoted
from ordercast.db.types import ChangeKind, GapReason

from .catalogue import TRIGGER_PREFIX, Relation, Target, literal
from .expressions import Expressions, expression, named_sql, object_of
from .watching import watch_body


@dataclass(frozen=True, slots=True)
class CompiledTrigger:
    """One trigger, on one table."""

    emit: Section
    target: Target
    name: str
    function: str
    create: str

    @property
    def drop(self) -> str:
        return f"DROP TRIGGER IF EXISTS {quoted(self.name)} ON {self.target.quoted}"

    @property
    def ordinary(self) -> str:
        """What has it fire in ordinary sessions."""
        return f"ALTER TABLE {self.target.quoted} ENABLE TRIGGER {quoted(self.name)}"

    @property
    def always(self) -> str | None:
        """What has it fire for changes by replication too; None where the role may not say so."""
        if not self.target.is_owned:
            return None
        return f"ALTER TABLE {self.target.quoted} ENABLE ALWAYS TRIGGER {quoted(self.name)}"


@dataclass(frozen=True, slots=True)
class Compiled:
    """All that one ``[[emit]]`` becomes."""

    emit: Section
    functions: Mapping[str, str]
    """Bodies by the functions' names."""
    create_functions: tuple[str, ...]
    triggers: tuple[CompiledTrigger, ...]


def compile_section(emit: Emit | Watch, relation: Relation, view: Relation | None, schema: str) -> Compiled:
    """Compile for a table, and the mapping's view where it has one. `schema` is ours."""
    body = (
        _Function(emit, relation, view, schema).body()
        if isinstance(emit, Emit)
        else watch_body(emit, relation, view, quoted(schema))
    )
    bodies = {f"emit_{emit.id}": body}
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


def _triggers(emit: Section, target: Target, schema: str) -> Iterator[CompiledTrigger]:
    verbs = " OR ".join(verb.upper() for verb in emit.on)
    name, function = f"{TRIGGER_PREFIX}{emit.id}", f"emit_{emit.id}"
    called = f"EXECUTE FUNCTION {quoted(schema)}.{function}()"
    if emit.at_commit:
        made = (
            f"CREATE CONSTRAINT TRIGGER {quoted(name)} AFTER {verbs} ON {target.quoted}"
            f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {called}"
        )
    else:
        made = f"CREATE TRIGGER {quoted(name)} AFTER {verbs} ON {target.quoted} FOR EACH ROW {called}"
    yield CompiledTrigger(emit, target, name, function, made)
    if "delete" in emit.on:
        name, function = f"{TRIGGER_PREFIX}{emit.id}_emptied", f"emptied_{emit.id}"
        made = (
            f"CREATE TRIGGER {quoted(name)} AFTER TRUNCATE ON {target.quoted} FOR EACH STATEMENT"
            f" EXECUTE FUNCTION {quoted(schema)}.{function}()"
        )
        yield CompiledTrigger(emit, target, name, function, made)


def _emptied(emit: Section, relation: Relation, schema: str) -> str:
    gap = literal(gap_document(gap_rooms(emit), GapReason.TABLE_EMPTIED))
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
        self._sql = named_sql(emit, relation, view)
        self._variables = {name: f"ordercast_{n}" for n, name in enumerate(self._sql)}
        self._values = Expressions(relation, self._schema, self._variables)

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
            differ = " OR ".join(self._values.differs(name) for name in emit.changed)
            yield f"IF TG_OP = 'UPDATE' AND NOT ({differ}) THEN RETURN NULL; END IF;"
        if emit.when:
            yield f"IF ({expression(emit.when)}) IS NOT TRUE THEN RETURN NULL; END IF;"
        keys = " || ',' || ".join(f"coalesce(NEW.{quoted(name)}::text, '')" for name in relation.key)
        entity = literal(relation.name + (" " if keys else ""))
        yield f"ordercast_entity := left({entity}{' || ' + keys if keys else ''}, 500);"
        for name, variable in self._variables.items():
            yield f"{variable} := {self._sql[name]};"
        yield f"ordercast_rooms := {self._values.rooms(emit.rooms)};"
        yield "IF cardinality(ordercast_rooms) = 0 THEN RETURN NULL; END IF;"
        yield f"ordercast_told := {self._document()}::text;"

    def _document(self) -> str:
        emit, relation = self._emit, self._relation
        key = [(name, f"to_json(NEW.{quoted(name)})") for name in relation.key]
        writer = [
            ("database", "current_database()"),
            ("role", "session_user"),
            ("application", "current_setting('application_name')"),
        ]
        return object_of(
            [
                ("event", literal(emit.event) + "::text"),
                ("rooms", "to_json(ordercast_rooms)"),
                ("args", self._values.array(emit.args)),
                ("mapping", literal(emit.name) + "::text"),
                ("table", literal(relation.shown) + "::text"),
                ("on", "lower(TG_OP)"),
                ("key", object_of(key)),
                ("writer", object_of(writer)),
            ]
        )
