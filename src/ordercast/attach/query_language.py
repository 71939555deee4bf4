"""What of a mapping is said in the wrong words for the database that it is about: SQL to documents, or a filter to
tables. Beyond that each database says what it lacks.
"""

from __future__ import annotations

from collections.abc import Iterator

from .mapping import Emit, Fault, Mapping, MappingError

# Each is a change stream and some connections of its own.
COLLECTIONS_MAX = 50


def check_query_language(mapping: Mapping, *, of_documents: bool) -> None:
    """Raises MappingError."""
    if found := sorted(_document_faults(mapping) if of_documents else _table_faults(mapping)):
        raise MappingError(mapping.path, found)


def _table_faults(mapping: Mapping) -> Iterator[Fault]:
    for emit in mapping.emits:
        if emit.filter:
            yield Fault(emit.line_of("when"), "`when` is SQL here, a text; a filter is for MongoDB's documents")


def _document_faults(mapping: Mapping) -> Iterator[Fault]:
    for emit in mapping.emits:
        yield from _faults_of(emit)
    for watch in mapping.watches:
        yield Fault(watch.line, "collections of MongoDB cannot be watched; tell of them by [[emit]]")
    collections = list(dict.fromkeys(emit.table for emit in mapping.emits))
    for name in collections[COLLECTIONS_MAX:]:
        line = next(emit.line_of("table") for emit in mapping.emits if emit.table == name)
        yield Fault(line, f"at most {COLLECTIONS_MAX} collections are followed")


def _faults_of(emit: Emit) -> Iterator[Fault]:
    if emit.when:
        yield Fault(emit.line_of("when"), '`when` is a filter here, as { status = "paid" }; MongoDB knows no SQL')
    if emit.sql:
        yield Fault(emit.line_of("sql"), "MongoDB knows no SQL; a payload names fields by paths, as {customer.name}")
    if emit.view:
        yield Fault(emit.line_of("view"), "a view of MongoDB is not looked up; a payload names fields of the document")
    if emit.at_commit:
        yield Fault(emit.line_of("at"), "of MongoDB every change is told as committed; leave `at` out")
    if emit.may_fail_writes:
        yield Fault(
            emit.line_of("on_error"), "of MongoDB events are made behind the commit, which nothing can refuse then"
        )
    if emit.table.startswith("system.") or "$" in emit.table:
        yield Fault(emit.line_of("table"), f"{emit.table} is no collection of a shop's")
