"""What may be wrong with a section in any database, and with its trigger: each fault, and the words for it, once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from typing import Final

from .mapping import Fault
from .sections import Section

APPLY: Final = "`ordercast attach --apply` makes it"


def nearest(name: str, names: Iterable[str]) -> str:
    """A clause with the name that may have been meant; empty where none is like it."""
    known = list(names)
    near = get_close_matches(name, known, 1) or [each for each in known if each.lower() == name.lower()]
    return f"; there is {near[0]}" if near else ""


def column_faults(section: Section, table: str, columns: Collection[str]) -> Iterator[Fault]:
    for name, line in section.columns().items():
        if name not in columns:
            yield Fault(line, f"{table} has no column {name}{nearest(name, columns)}")


def view_faults(section: Section, table: str, key: Collection[str], columns: Collection[str] | None) -> Iterator[Fault]:
    """Of the section's view; None for its columns is one that is not there."""
    if columns is None:
        yield Fault(section.line_of("view"), f"there is no view {section.view}")
    elif not key or not set(key) <= set(columns):
        yield Fault(section.line_of("view"), f"{section.view} has not the key of {table}")


def refusal_fault(section: Section, database: str) -> Iterator[Fault]:
    """Where events are made behind the commit."""
    if section.may_fail_writes:
        yield Fault(
            section.line_of("on_error"),
            f"in {database} events are made behind the commit, which nothing can refuse then",
        )


# --- What is at work --------------------------------------------------------------------------------------------------


def missing_trigger(section: Section) -> Fault:
    return Fault(section.line, f"a trigger on {section.table} is missing, and no {section.event} is told: {APPLY}")


def other_trigger(section: Section) -> Fault:
    return Fault(section.line, f"a trigger on {section.table} is another than the file says: {APPLY}")


def needless_trigger(table: str) -> Fault:
    return Fault(1, f"a trigger on {table} is of no [[emit]] any more: `ordercast attach --apply` takes it away")
