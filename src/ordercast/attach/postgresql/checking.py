"""Holds a mapping against a database: what it names must be there, and what it became must be at work."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field

from ordercast.attach.mapping import Emit, Fault, Mapping, Watch
from ordercast.attach.section_faults import APPLY, column_faults, needless_trigger

from .catalogue import AttachedTrigger, Catalogue, Relation
from .compiling import Compiled, CompiledTrigger, compile_section
from .watching import WatchedTable, watch_faults


@dataclass(frozen=True, slots=True)
class Found:
    """What a mapping comes to in a database."""

    compiled: tuple[Compiled, ...]
    """Of each `[[emit]]` that the database has everything for."""
    faults: tuple[Fault, ...]
    """Why the others cannot be, a sentence each, with its line."""
    watched: MappingOf[str, WatchedTable] = field(default_factory=dict)
    """The tables that may be watched, by the names that they are asked for by."""
    schema: str = ""
    """Ours."""


def resolve(mapping: Mapping, catalogue: Catalogue) -> Found:
    """Compile what can be."""
    watched: dict[str, WatchedTable] = {}
    compiled, faults, schema = list[Compiled](), list[Fault](), catalogue.own_schema()
    sections: list[Emit | Watch] = [*mapping.emits, *mapping.watches]
    for emit in sections:
        relation = catalogue.find(emit.table)
        wrong = list(_faults_of(emit, relation, catalogue))
        faults += wrong
        if not wrong and isinstance(relation, Relation):
            found = catalogue.find(emit.view) if emit.view else None
            view = found if isinstance(found, Relation) else None
            if isinstance(emit, Watch):
                watched[emit.shown] = WatchedTable(emit, relation, view)
            compiled.append(compile_section(emit, relation, view, schema))
    return Found(tuple(compiled), tuple(sorted(faults)), watched, schema)


def _faults_of(emit: Emit | Watch, relation: Relation | str, catalogue: Catalogue) -> Iterator[Fault]:
    line = emit.line_of("table")
    if isinstance(relation, str):
        yield Fault(line, relation)
        return
    if relation.kind:
        yield Fault(
            line, f"{relation.shown} is {relation.kind}, whose rows no trigger sees; name its table, and it as `view`"
        )
        return
    if not relation.may_trigger:
        yield Fault(line, f"this role may make no trigger: GRANT TRIGGER ON {relation.quoted} TO it")
    for name, at in emit.columns().items():
        if name in relation.virtual:
            yield Fault(at, f"{relation.shown} works {name} out when it is read, so no trigger sees it; name it in SQL")
    yield from column_faults(emit, relation.shown, relation.columns)
    if emit.view:
        yield from _view_faults(emit, relation, catalogue)
    if isinstance(emit, Watch):
        yield from watch_faults(emit, relation)


def _view_faults(emit: Emit | Watch, relation: Relation, catalogue: Catalogue) -> Iterator[Fault]:
    line, view = emit.line_of("view"), catalogue.find(emit.view)
    if isinstance(view, str):
        yield Fault(line, view)
        return
    if not relation.key:
        yield Fault(line, f"{relation.shown} has no primary key, by which its row of {emit.view} could be found")
    for name in relation.key:
        if name not in view.columns:
            yield Fault(line, f"{view.shown} has no column {name}, the key of {relation.shown}")


# --- What is at work --------------------------------------------------------------------------------------------------


def applied_faults(found: Found, attached: list[AttachedTrigger], mapping: Mapping) -> Iterator[Fault]:
    """What is missing, silenced, or another than it should be: a sentence each."""
    there = {(trigger.oid, trigger.name): trigger for trigger in attached}
    for compiled in found.compiled:
        for wanted in compiled.triggers:
            trigger = there.pop((wanted.target.oid, wanted.name), None)
            fault = fault_of(wanted, compiled, trigger)
            if fault is not None:
                yield Fault(compiled.emit.line, fault)
    ours = {section.id for section in mapping.sections}
    for trigger in there.values():
        if trigger.emit_id not in ours:
            yield needless_trigger(trigger.shown)


def fault_of(wanted: CompiledTrigger, compiled: Compiled, trigger: AttachedTrigger | None) -> str | None:
    """Why a trigger does not do what it should."""
    table, event = f"{wanted.target.schema}.{wanted.target.name}", wanted.emit.event
    if trigger is None:
        return f"the trigger on {table} is missing, and no {event} is told: {APPLY}"
    if trigger.enabled in {"D", "R"} or (trigger.enabled == "O" and wanted.target.is_owned):
        silent = "is disabled" if trigger.enabled == "D" else "does not fire always"
        return f"the trigger on {table} {silent}, and no {event} is told: {wanted.always or APPLY}"
    if trigger.body != compiled.functions[wanted.function] or not trigger.is_definer:
        return f"the trigger on {table} is another than the file says: {APPLY}"
    if not _is_same(trigger.definition, wanted):
        return f"the trigger on {table} fires at other times than the file says: {APPLY}"
    return None


def _is_same(definition: str, wanted: CompiledTrigger) -> bool:
    """Whether PostgreSQL's words for a trigger say the same: it has its own order of verbs, and quotes less."""
    verbs = {verb for verb in ("INSERT", "UPDATE", "DELETE", "TRUNCATE") if f" {verb} " in wanted.create}
    head, _, rest = definition.partition(" ON ")
    there = {verb for verb in ("INSERT", "UPDATE", "DELETE", "TRUNCATE") if f" {verb} " in f"{head} "}
    return (
        there == verbs
        and " WHEN " not in rest
        and " OF " not in head
        and (("DEFERRABLE" in rest) == wanted.emit.at_commit or wanted.name.endswith("_emptied"))
    )


def slow_filters(mapping: Mapping, catalogue: Catalogue) -> Iterator[Fault]:
    """Columns of filters by which rows are found only by looking at all of them."""
    for watch in mapping.watches:
        relation = catalogue.find(watch.table)
        if isinstance(relation, Relation) and not relation.kind:
            indexed = catalogue.indexed(relation)
            for number, name in enumerate(watch.where):
                if name in relation.columns and name not in indexed:
                    yield Fault(
                        watch.line_of("where", number),
                        f"no index of {relation.shown} begins with {name}: each snapshot by it reads the whole table",
                    )


def unheard_targets(found: Found) -> Iterator[Fault]:
    """Where changes by replication go unheard, for the role may not say otherwise."""
    for compiled in found.compiled:
        if any(trigger.always is None for trigger in compiled.triggers):
            table = compiled.triggers[0].target
            yield Fault(
                compiled.emit.line,
                f"{table.schema}.{table.name} is another role's: what comes to it by replication is not told",
            )
