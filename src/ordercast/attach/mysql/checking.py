"""Holds a mapping against the tables as they are now, and what is attached against what it comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pymysql

from ordercast.attach.mapping import Fault, Section, Verb, Watch
from ordercast.attach.mapping import Mapping as MappingFile
from ordercast.attach.section_faults import (
    APPLY,
    column_faults,
    missing_trigger,
    nearest,
    needless_trigger,
    other_trigger,
    refusal_fault,
    view_faults,
)

from .catalogue import AttachedTrigger, Catalogue, Table, filter_kind
from .compiling import OUTBOX, PUBLISH, outbox_of, publish_body, trigger_body, trigger_name
from .connecting import Connection, ask, is_lost, version_fault, words_of
from .kept_rows import parameters, question


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger that should be there."""

    emit: Section
    verb: Verb
    table: Table
    body: str

    @property
    def place(self) -> tuple[str, str]:
        return self.table.schema, trigger_name(self.emit, self.verb)


@dataclass(frozen=True, slots=True)
class Found:
    """What a mapping comes to in this database."""

    triggers: Mapping[tuple[str, str], Trigger]
    """By schema and name."""
    tables: Mapping[str, Table]
    """By the name of their section."""
    faults: tuple[Fault, ...]

    def has_place_for(self, trigger: AttachedTrigger) -> bool:
        """Whether that one should be there, on that table."""
        wanted = self.triggers.get((trigger.schema, trigger.name))
        return wanted is not None and wanted.table.name == trigger.table

    @property
    def schemas(self) -> set[str]:
        return {table.schema for table in self.tables.values()}


def catalogue_of(connection: Connection, database: str) -> Catalogue:
    return Catalogue(lambda query, values: ask(connection, query, values), database)


def resolve(connection: Connection, mapping: MappingFile, database: str) -> Found:
    """Raises pymysql.err.Error, OSError."""
    if too_old := version_fault(str(connection.get_server_info())):
        return Found({}, {}, (Fault(1, too_old),))
    catalogue = catalogue_of(connection, database)
    triggers: dict[tuple[str, str], Trigger] = {}
    tables: dict[str, Table] = {}
    faults: list[Fault] = []
    known: dict[str, Table | None] = {}
    for emit in mapping.sections:
        if emit.table not in known:
            known[emit.table] = catalogue.table(emit.table)
        table = known[emit.table]
        wrong = list(_faults_of(connection, catalogue, emit, table))
        faults += wrong
        if table is None or wrong:
            continue
        tables[emit.name] = table
        for verb in emit.on:
            trigger = Trigger(emit, verb, table, trigger_body(emit, verb, table, database))
            triggers[trigger.place] = trigger
    return Found(triggers, tables, tuple(sorted(faults)))


def _faults_of(connection: Connection, catalogue: Catalogue, emit: Section, table: Table | None) -> Iterator[Fault]:
    line = emit.line_of("table")
    if table is None:
        yield Fault(line, f"there is no table {emit.table}{nearest(emit.table, catalogue.names())}")
        return
    if table.is_view:
        yield Fault(line, f"{table.name} is a view, which has no triggers; name its table, and it as `view`")
        return
    yield from refusal_fault(emit, "MySQL")
    yield from column_faults(emit, table.name, table.columns)
    if emit.view:
        view = catalogue.table(emit.view)
        yield from view_faults(emit, table.name, table.key, None if view is None else view.columns)
    yield from _sql_faults(connection, emit, table)
    if isinstance(emit, Watch):
        yield from _watch_faults(emit, table)


def _watch_faults(watch: Watch, table: Table) -> Iterator[Fault]:
    line = watch.line_of("table")
    if not table.key:
        yield Fault(line, f"{table.name} has no primary key, by which a row is known")
    if table.engine.lower() != "innodb":
        yield Fault(line, f"{table.name} is {table.engine}, of which no snapshot can be read; InnoDB's can be watched")
    for number, name in enumerate(watch.where):
        if name in table.columns and filter_kind(table.columns[name]) is None:
            yield Fault(
                watch.line_of("where", number),
                f"{name} is {table.columns[name].type}; a filter takes texts, whole numbers, booleans and UUIDs",
            )


def _sql_faults(connection: Connection, emit: Section, table: Table) -> Iterator[Fault]:
    """Have the server read each piece of SQL."""
    pieces: list[tuple[tuple[str, ...], str]] = [(("sql", name), sql) for name, sql in emit.sql.items()]
    if emit.when:
        pieces.append((("when",), emit.when))
    has_old = not isinstance(emit, Watch)
    nothing: list[Any] = parameters(table, *([{}, {}] if has_old else [{}]))
    for path, sql in pieces:
        try:
            ask(connection, f"EXPLAIN {question([sql], table, has_old=has_old)}", nothing)
        except pymysql.err.Error as error:
            if is_lost(error):
                raise
            yield Fault(emit.line_of(*path), f"the server cannot read this: {words_of(error)}")


def applied_faults(connection: Connection, found: Found, mapping: MappingFile, database: str) -> Iterator[Fault]:
    """What is missing, or another than it should be."""
    catalogue = catalogue_of(connection, database)
    there = {(each.schema, each.name): each for each in catalogue.attached(outbox_of(database), found.schemas)}
    if found.triggers and not catalogue.has_table(OUTBOX):
        yield Fault(1, f"{OUTBOX} is missing in the shop's database, and changes go unseen: {APPLY}")
    if found.triggers and catalogue.procedure(PUBLISH) not in {"", publish_body(database)}:
        yield Fault(1, f"the procedure {PUBLISH} is missing or another than ours: {APPLY}")
    for place, wanted in found.triggers.items():
        former = there.pop(place, None)
        emit = wanted.emit
        if former is None:
            yield missing_trigger(emit)
        elif not found.has_place_for(former):
            yield Fault(emit.line, f"the trigger of {emit.table} is on {former.table} now: {APPLY} anew")
        elif not is_same(former, wanted):
            yield other_trigger(emit)
    ids = {section.id for section in mapping.sections}
    for former in there.values():
        if former.emit_id not in ids:
            yield needless_trigger(former.table)


def notes(connection: Connection, found: Found, mapping: MappingFile, database: str) -> Iterator[Fault]:
    """What is to be known, and is no fault: what changes rows without firing triggers, and who those run as."""
    catalogue = catalogue_of(connection, database)
    for trigger in found.triggers.values():
        yield from _unheard(trigger.emit, trigger.verb, trigger.table, catalogue)
    for watch in mapping.watches:
        if watch.name in found.tables:
            yield from _slow_filters(watch, found.tables[watch.name], catalogue)
    settings = "SELECT CURRENT_USER(), @@log_bin, @@binlog_format, @@innodb_autoinc_lock_mode"
    ((user, log, binlog, autoinc),) = ask(connection, settings)
    for definer in sorted({each.definer for each in catalogue.attached(outbox_of(database), found.schemas)} - {user}):
        yield Fault(1, f"triggers run as {definer}: once that account is dropped, every write to their tables fails")
    if log and binlog == "STATEMENT":
        yield Fault(
            1, "binlog_format is STATEMENT: what a trigger inserts may differ on replicas; MIXED and ROW are safe"
        )
    if autoinc == 0:
        yield Fault(
            1, "innodb_autoinc_lock_mode is 0: writers of attached tables wait for each other; 1 and 2 are right"
        )


def _slow_filters(watch: Watch, table: Table, catalogue: Catalogue) -> Iterator[Fault]:
    """Columns of filters by which rows are found only by looking at all of them."""
    indexed = catalogue.indexed(table)
    for number, name in enumerate(watch.where):
        if name not in indexed:
            line = watch.line_of("where", number)
            yield Fault(line, f"no index of {table.name} begins with {name}: each snapshot by it reads the whole table")


def _unheard(emit: Section, verb: Verb, table: Table, catalogue: Catalogue) -> Iterator[Fault]:
    line, name = emit.line_of("table"), table.name
    if table.engine.lower() != "innodb":
        yield Fault(
            line, f"{name} is {table.engine}, without transactions: what fails half-way stays written, and is told"
        )
    yield from (Fault(line, clause) for clause in catalogue.unheard(table, verb))


def is_same(former: AttachedTrigger | None, wanted: Trigger) -> bool:
    """Whether that trigger need not be made anew."""
    return former is not None and former.body == wanted.body
