"""Damaged rows: rows that cannot be read or published. Each is known by table and key, logged once, and skipped by
readers.

A row may break the schema's rules if it was written before them, or with checks disabled. It harms only itself: lists
skip it, and who needs it gets an error that names it.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from typing import Final

from ordercast.commerce.errors import ShopError
from ordercast.telemetry import DAMAGED_ROWS

# Rows remembered; of more only the number is known.
ROWS_MAX: Final = 10_000
PROBLEM_MAX: Final = 200

log = logging.getLogger("ordercast.db")


class DamagedRow(ShopError):
    """The request needs this row, which cannot be read."""

    def __init__(self, table: str, key: object, problem: str) -> None:
        self.table, self.key, self.problem = table, str(key), problem[:PROBLEM_MAX]
        super().__init__(f"{described(table, key)} cannot be read ({self.problem}). `ordercast repair` mends it.")


class DamagedRows:
    """The damaged rows of a database; thread-safe."""

    def __init__(self) -> None:
        self._standing: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._said: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<DamagedRows {len(self._standing)}>"

    def __len__(self) -> int:
        return len(self._standing)

    def note(self, table: str, key: object, problem: str) -> bool:
        """Record a damaged row, logged once; False if it was known."""
        name, problem = (table, str(key)), problem[:PROBLEM_MAX]
        with self._lock:
            is_new = (*name, problem) not in self._said
            self._said[*name, problem] = None
            self._standing[name] = problem
            for known in (self._standing, self._said):
                if len(known) > ROWS_MAX:
                    known.popitem(last=False)
            DAMAGED_ROWS.set(len(self._standing))
        if is_new:
            log.error("%s is damaged: %s", described(table, key), problem)
        return is_new

    def is_first(self, deed: str, key: object) -> bool:
        """Whether this failure was not logged before for that row."""
        with self._lock:
            is_new = (deed, str(key)) not in self._said
            self._said[deed, str(key)] = None
            if len(self._said) > ROWS_MAX:
                self._said.popitem(last=False)
        return is_new

    def repaired(self, table: str, key: object) -> None:
        """Forget a row that was read well, or is gone."""
        with self._lock:
            if self._standing.pop((table, str(key)), None) is not None:
                DAMAGED_ROWS.set(len(self._standing))

    def of(self, table: str) -> list[str]:
        """The keys of a table's damaged rows."""
        with self._lock:
            return [key for of, key in self._standing if of == table]

    def all(self) -> list[tuple[str, str]]:
        """Tables and keys of all."""
        with self._lock:
            return list(self._standing)

    def sentences(self, rows_max: int) -> list[str]:
        """Up to `rows_max` rows by name, and the number of the rest."""
        with self._lock:
            found = list(self._standing.items())
        shown = [f"{described(table, key)} is damaged: {problem}" for (table, key), problem in found[:rows_max]]
        return shown if len(found) <= rows_max else [*shown, f"and {len(found) - rows_max} more"]


def described(table: str, key: object) -> str:
    """A row's name for messages; a key may be any value."""
    return f"The row {ascii(str(key)[:80])[1:-1]} of {table}"


def problem_of(error: BaseException) -> str:
    """The problem in a few words, without the row's contents, which may be personal."""
    words = str(error)
    if isinstance(error, UnicodeError):
        words = "the text is not UTF-8"
    elif isinstance(error, KeyError):
        words = f"{words} is missing"
    elif isinstance(error, RecursionError):
        words = "it is nested too deeply"
    return (words or type(error).__name__)[:PROBLEM_MAX]
