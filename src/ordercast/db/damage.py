"""Rows that cannot be read, or not told: each is known by its table and key, said once, and left out by who reads it.

A row can be there against every rule of the schema: written before the rule, or by a program that switched it off. It
harms itself alone: whoever reads many goes on without it, whoever needs it is told which it is.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from typing import Final

from ordercast.commerce.errors import ShopError
from ordercast.telemetry import DAMAGED_ROWS

# Known by name, and remembered as said. Whoever damages more than that is told how many, and the rest as these go.
ROWS_MAX: Final = 10_000
PROBLEM_MAX: Final = 200

log = logging.getLogger("ordercast.db")


class DamagedRow(ShopError):
    """What was asked for needs this row, and it cannot be read."""

    def __init__(self, table: str, key: object, problem: str) -> None:
        self.table, self.key, self.problem = table, str(key), problem[:PROBLEM_MAX]
        super().__init__(f"{described(table, key)} cannot be read ({self.problem}). `ordercast repair` mends it.")


class DamagedRows:
    """Those that were met in one database; used from any thread."""

    def __init__(self) -> None:
        self._standing: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._said: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<DamagedRows {len(self._standing)}>"

    def __len__(self) -> int:
        return len(self._standing)

    def note(self, table: str, key: object, problem: str) -> bool:
        """Remember that the row cannot be read; False where that was known. It is logged once, though often met."""
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
        """Whether it has not been said before that this cannot be done to that row."""
        with self._lock:
            is_new = (deed, str(key)) not in self._said
            self._said[deed, str(key)] = None
            if len(self._said) > ROWS_MAX:
                self._said.popitem(last=False)
        return is_new

    def mended(self, table: str, key: object) -> None:
        """Forget a row that was read well, or is there no more."""
        with self._lock:
            if self._standing.pop((table, str(key)), None) is not None:
                DAMAGED_ROWS.set(len(self._standing))

    def of(self, table: str) -> list[str]:
        """The keys of those of one table."""
        with self._lock:
            return [key for of, key in self._standing if of == table]

    def all(self) -> list[tuple[str, str]]:
        """The tables and keys of all."""
        with self._lock:
            return list(self._standing)

    def sentences(self, rows_max: int) -> list[str]:
        """Up to so many rows by name, and how many more there are."""
        with self._lock:
            found = list(self._standing.items())
        shown = [f"{described(table, key)} is damaged: {problem}" for (table, key), problem in found[:rows_max]]
        return shown if len(found) <= rows_max else [*shown, f"and {len(found) - rows_max} more"]


def described(table: str, key: object) -> str:
    """A row by name; a key may be anything that a program has written."""
    return f"The row {ascii(str(key)[:80])[1:-1]} of {table}"


def problem_of(error: BaseException) -> str:
    """What was wrong, in a few words and without the row's own contents, which may be somebody's address."""
    words = str(error)
    if isinstance(error, UnicodeError):
        words = "the text is not UTF-8"
    elif isinstance(error, KeyError):
        words = f"{words} is missing"
    elif isinstance(error, RecursionError):
        words = "it is nested too deeply"
    return (words or type(error).__name__)[:PROBLEM_MAX]
