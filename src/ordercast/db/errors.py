"""Errors of stores.

Exception
+-- WriteConflict          retried internally
+-- Unstorable             a value that the database cannot hold
+-- RuleBroken             a CHECK refuses the value
+-- StoreError             nothing was written; retry later
    +-- Overloaded
    +-- NotCommitted
    |   +-- LockedElsewhere
    +-- FeedRowMissing
    +-- OutcomeUnknown     or it was written after all
    +-- StoreUnavailable
    |   +-- ReadLockedElsewhere
    +-- StoreClosed
    +-- Unusable
"""

from __future__ import annotations

import sqlite3
from typing import Final


class WriteConflict(Exception):
    """Another node changed what this unit read; the unit is retried internally."""


class Unstorable(Exception):
    """A value that the database cannot store, such as a text with NUL, or an integer beyond 64 bits. It should be
    rejected before: reaching here is a bug.
    """

    def __init__(self) -> None:
        super().__init__("Something in this request cannot be kept: a NUL in a text, or a number that is too large.")


# A CHECK or type error. Errors of triggers may be an operator's, and temporary.
_BROKEN_RULES: Final = frozenset({"SQLITE_CONSTRAINT_CHECK", "SQLITE_CONSTRAINT_DATATYPE"})
_CHECK_VIOLATION: Final = "23514"


class RuleBroken(Exception):
    """A CHECK or domain refused the value. Requests are validated before, but another program may have interfered."""

    @classmethod
    def of(cls, error: Exception) -> RuleBroken | None:
        """The error for a driver's exception; None for others."""
        is_sqlites = getattr(error, "sqlite_errorname", None) in _BROKEN_RULES
        is_postgresqls = (
            getattr(error, "sqlstate", None) == _CHECK_VIOLATION
            and getattr(getattr(error, "diag", None), "constraint_name", None) is not None
        )
        if not (is_sqlites or is_postgresqls):
            return None
        sentence, *_ = str(error).splitlines() or [""]
        broken = cls(f"The database refuses this: {sentence.rstrip('.')}.")
        broken.__cause__ = error
        return broken


class StoreError(Exception):
    """The store failed and nothing was written. Retry after `retry_after_s`."""

    retry_after_s = 1


class Overloaded(StoreError):
    """The queue is full."""

    def __init__(self, what: str, waiting: int) -> None:
        super().__init__(f"{waiting} {what} are waiting already.")


class NotCommitted(StoreError):
    """The database failed, whatever the statement: locked, disk full, and the like."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"The change was not committed: {clause(cause)}.")


class FeedRowMissing(StoreError):
    """No trigger wrote the feed row of this unit, so it is rolled back: nobody would be notified."""

    def __init__(self, entity_id: str) -> None:
        super().__init__(
            f"The change of {entity_id} was not committed: the trigger that tells of it is missing; nobody would hear."
        )


class LockedElsewhere(NotCommitted):
    """Another program locks a row, table or file that the change needs. The same request, with the same key, succeeds
    later.
    """

    retry_after_s = 2

    def __init__(self, cause: Exception, what: str = "what it needs") -> None:
        super().__init__(cause)
        self.what = what

    def __str__(self) -> str:
        return f"The change was not committed: {self.what} is locked by another program."


class OutcomeUnknown(StoreError):
    """The connection was lost during the commit: it may have succeeded."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(
            f"Whether the change was committed is not known ({clause(cause)}); repeat it with the same Idempotency-Key."
        )


class StoreUnavailable(StoreError):
    """The database could not be read: locked, I/O error, and the like."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"The database could not be read: {clause(cause)}.")


class ReadLockedElsewhere(StoreUnavailable):
    """Another program locks a whole table, or the file."""

    retry_after_s = 2

    def __str__(self) -> str:
        return "The database could not be read: a table that is needed is locked by another program."


class StoreClosed(StoreError):
    def __init__(self) -> None:
        super().__init__("The store is closed.")


class Unusable(StoreError):
    """The database cannot be used: not a database, a newer version, or no such place."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"The database cannot be opened: {clause(cause)}.")


def is_database_error(error: BaseException) -> bool:
    """Whether it is a driver's error."""
    return isinstance(error, sqlite3.Error) or any(
        class_.__module__ == "psycopg" and class_.__name__ == "Error" for class_ in type(error).__mro__
    )


def clause(cause: Exception) -> str:
    """A driver's error as a clause; further lines are left to the log, as they may quote a row."""
    words = str(cause).strip().partition("\n")[0].rstrip(".")
    return words or type(cause).__name__
