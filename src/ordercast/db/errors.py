"""What a store raises.

Exception
+-- WriteConflict          run again; nobody outside hears of it
+-- Unstorable             a value that the database cannot hold
+-- RuleBroken             a CHECK refuses the value
+-- StoreError             nothing was written; come back
    +-- Overloaded
    +-- NotCommitted
    |   +-- LockedElsewhere
    +-- Unheard
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
    """Another node has changed meanwhile what this unit decided on: it is run again. Nobody outside hears of it."""


class Unstorable(Exception):
    """A value that the database cannot hold, such as a text with a NUL, or a number past 64 bits. It is refused before
    it comes so far: what lets one through is a fault of ours.
    """

    def __init__(self) -> None:
        super().__init__("Something in this request cannot be kept: a NUL in a text, or a number that is too large.")


# A CHECK, or a value of another type. What a trigger refuses may be an operator's own word, and hold for a time.
_BROKEN_RULES: Final = frozenset({"SQLITE_CONSTRAINT_CHECK", "SQLITE_CONSTRAINT_DATATYPE"})
_CHECK_VIOLATION: Final = "23514"


class RuleBroken(Exception):
    """A CHECK of the database, or a domain, refuses the value. Doors look for what it would refuse before it comes so
    far; what another program did meanwhile may let one through.
    """

    @classmethod
    def of(cls, error: Exception) -> RuleBroken | None:
        """What the driver of either database raises for it."""
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
    """The store could not do what was asked; nothing was written. Come back in `retry_after_s`."""

    retry_after_s = 1


class Overloaded(StoreError):
    """More work is waiting than the store's bound allows."""

    def __init__(self, what: str, waiting: int) -> None:
        super().__init__(f"{waiting} {what} are waiting already.")


class NotCommitted(StoreError):
    """The database could not do it, whatever was asked: locked by another program, disk full, and the like."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"The change was not committed: {clause(cause)}.")


class FeedRowMissing(StoreError):
    """No trigger told the feed of what this unit has written: it is taken back, for nobody would hear of it."""

    def __init__(self, entity_id: str) -> None:
        super().__init__(
            f"The change of {entity_id} was not committed: the trigger that tells of it is missing; nobody would hear."
        )


class LockedElsewhere(NotCommitted):
    """Another program holds a row, a table or a whole file that the change needs, such as a person who forgot to
    commit. The same may be asked again, under the same key, and succeeds when that program has ended.
    """

    retry_after_s = 2

    def __init__(self, cause: Exception, what: str = "what it needs") -> None:
        super().__init__(cause)
        self.what = what

    def __str__(self) -> str:
        return f"The change was not committed: {self.what} is locked by another program."


class OutcomeUnknown(StoreError):
    """The connection to the database was lost while the change was being committed: it may have been kept."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(
            f"Whether the change was committed is not known ({clause(cause)}); repeat it with the same Idempotency-Key."
        )


class StoreUnavailable(StoreError):
    """The database could not be read: locked by another program, an I/O error, and the like."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"The database could not be read: {clause(cause)}.")


class ReadLockedElsewhere(StoreUnavailable):
    """Another program has locked a whole table that was to be read, or the whole file."""

    retry_after_s = 2

    def __str__(self) -> str:
        return "The database could not be read: a table that is needed is locked by another program."


class StoreClosed(StoreError):
    def __init__(self) -> None:
        super().__init__("The store is closed.")


class Unusable(StoreError):
    """The file cannot be opened as a shop's database: no database at all, one of a newer version, no place for one."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"The database cannot be opened: {clause(cause)}.")


def is_database_error(error: BaseException) -> bool:
    """Whether a driver raised it."""
    return isinstance(error, sqlite3.Error) or any(
        class_.__module__ == "psycopg" and class_.__name__ == "Error" for class_ in type(error).__mro__
    )


def clause(cause: Exception) -> str:
    """What a driver's error says, to be put into a sentence: further lines are for the log, and may hold a row."""
    words = str(cause).strip().partition("\n")[0].rstrip(".")
    return words or type(cause).__name__
