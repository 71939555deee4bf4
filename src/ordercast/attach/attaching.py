"""What makes, checks and takes away what a mapping needs: each database has one of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from .mapping import Fault
from .suggestions import Dialect, KnownTable


class Attaching(Protocol):
    """One connection to the database whose tables these are. Used as a context, and ended there."""

    dialect: Dialect

    def __enter__(self) -> Attaching: ...
    def __exit__(self, *_: object) -> None: ...
    def known_tables(self) -> list[KnownTable]:
        """All tables, for a suggestion."""
        ...

    def check(self) -> list[Fault]:
        """All that keeps something from being told as the file says."""
        ...

    def notes(self) -> list[Fault]:
        """What is to be known besides, and is no fault."""
        ...

    def script(self) -> str:
        """What makes it, for a database administrator's terminal. Raises MappingError."""
        ...

    def apply(self) -> list[str]:
        """Make it: what was done. Raises MappingError, and what its driver does."""
        ...

    def detach(self, *, with_schema: bool) -> list[str]:
        """Take all of it away: what was done."""
        ...


def transaction_script(statements: Iterable[str]) -> str:
    """Statements that are done at once."""
    return "".join(["BEGIN;\n\n", *(f"{statement};\n\n" for statement in statements), "COMMIT;\n"])
