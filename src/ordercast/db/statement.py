"""Statements as values: SQL that can be pasted into ``psql`` or ``sqlite3``, with ``:named`` parameters.

Differences of the databases are macros, ``@`` and a name of ``Dialect``: ``@for_update``, ``@json_texts(:ids)``. A
statement's text is expanded at first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import cleandoc
from typing import Any, Final

import msgspec

from .dialects import Dialect
from .sql import arguments_at, expand, with_parameters

_ENCODE: Final = msgspec.json.Encoder().encode


class _Texts(dict[Dialect, str]):
    """A statement's text by dialect, expanded at first use."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[Dialect], str]) -> None:
        self._make = make

    def __missing__(self, dialect: Dialect) -> str:
        text = self[dialect] = self._make(dialect)
        return text


class Statement:
    """A statement of a noun."""

    __slots__ = ("sql", "texts")

    def __init__(self, sql: str = "", **by_dialect: str) -> None:
        """`sql`, or ``sqlite`` and ``postgresql`` if nothing is shared."""
        self.sql: str | dict[str, str] = {name: cleandoc(each) for name, each in by_dialect.items()} or cleandoc(sql)
        self.texts = _Texts(self._text)
        """The expanded text by dialect."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {' '.join(str(self.sql).split())[:60]}>"

    def _text(self, dialect: Dialect) -> str:
        sql = self.sql if isinstance(self.sql, str) else self.sql[dialect.name]
        return with_parameters(expand(sql, dialect).strip().replace("%", dialect.percent), dialect.parameter)


class BulkStatement(Statement):
    """A bulk INSERT: ``@bulk_values(column type, ...)`` names the columns.

    SQLite runs it for each row, which is cheap. PostgreSQL parses a table's rules for each statement, which tripled the
    cost of an order, so it gets all rows as one JSON array.
    """

    __slots__ = ("columns",)

    def __init__(self, sql: str) -> None:
        super().__init__(sql)
        _, _, values = sql.partition("@bulk_values")
        named, _ = arguments_at(values, 0)
        self.columns = tuple(each.split()[0] for each in named)

    def encoded(self, rows: Iterable[Mapping[str, Any]]) -> str:
        """Encode rows as the parameter ``rows``."""
        return _ENCODE([[_in_json(row[name]) for name in self.columns] for row in rows]).decode()


def _in_json(value: Any) -> Any:
    # PostgreSQL's text form of bytes.
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value


def statements_in(namespace: Mapping[str, Any]) -> dict[str, Statement]:
    """The statements that a module defines, by name, without imported ones."""
    return dict(_statements_in(namespace))


def _statements_in(namespace: Mapping[str, Any]) -> Iterator[tuple[str, Statement]]:
    for name, value in namespace.items():
        if isinstance(value, Statement):
            yield name, value
        elif isinstance(value, Mapping):
            yield from ((f"{name}.{key}", each) for key, each in value.items() if isinstance(each, Statement))
