"""Statements as values: SQL that can be read, and pasted into ``psql`` or ``sqlite3``, with ``:named`` parameters.

What the two databases say differently stands in it as a macro, an ``@`` and a name of ``Dialect``:
``@for_update``, ``@json_texts(:ids)``. A statement's text for a database is made when that database first needs it.
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
    """A statement's text by database, each made when it is first asked for."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[Dialect], str]) -> None:
        self._make = make

    def __missing__(self, dialect: Dialect) -> str:
        text = self[dialect] = self._make(dialect)
        return text


class Statement:
    """One statement, of a noun's module."""

    __slots__ = ("sql", "texts")

    def __init__(self, sql: str = "", **by_dialect: str) -> None:
        """`sql`, or where nothing of it is the same ``sqlite`` and ``postgresql``."""
        self.sql: str | dict[str, str] = {name: cleandoc(each) for name, each in by_dialect.items()} or cleandoc(sql)
        self.texts = _Texts(self._text)
        """As each database takes it."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {' '.join(str(self.sql).split())[:60]}>"

    def _text(self, dialect: Dialect) -> str:
        sql = self.sql if isinstance(self.sql, str) else self.sql[dialect.name]
        return with_parameters(expand(sql, dialect).strip().replace("%", dialect.percent), dialect.parameter)


class BulkStatement(Statement):
    """An INSERT of any number of rows: its ``@bulk_values(column type, ...)`` name the columns of a row.

    SQLite runs it for each row, at no cost. A database server reads all rules of a table anew for each statement: an
    order alone took it three times as long as one among many. It is given all rows as one JSON array.
    """

    __slots__ = ("columns",)

    def __init__(self, sql: str) -> None:
        super().__init__(sql)
        _, _, values = sql.partition("@bulk_values")
        named, _ = arguments_at(values, 0)
        self.columns = tuple(each.split()[0] for each in named)

    def encoded(self, rows: Iterable[Mapping[str, Any]]) -> str:
        """The parameter ``rows``."""
        return _ENCODE([[_in_json(row[name]) for name in self.columns] for row in rows]).decode()


def _in_json(value: Any) -> Any:
    # As PostgreSQL reads bytes from text.
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value


def statements_in(namespace: Mapping[str, Any]) -> dict[str, Statement]:
    """The statements that a module defines, by their names; of others' it imports the module, and none by name."""
    return dict(_statements_in(namespace))


def _statements_in(namespace: Mapping[str, Any]) -> Iterator[tuple[str, Statement]]:
    for name, value in namespace.items():
        if isinstance(value, Statement):
            yield name, value
        elif isinstance(value, Mapping):
            yield from ((f"{name}.{key}", each) for key, each in value.items() if isinstance(each, Statement))
