"""Inspects tables for damaged rows, for readiness and `ordercast repair`.

Every rule of the schema is checked again, as a row may be older than the rule or written with checks disabled; also
texts and JSON beyond the database's rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from . import nouns
from .column_problems import (
    JSON_COLUMNS,
    UNREPAIRABLE,
    ColumnProblem,
    StoredText,
    bytes_of,
    column_problem,
    feed_document_problem,
    rules_broken,
)
from .columns import Column, Table
from .dialects import POSTGRESQL, Dialect
from .domains import Kind
from .sql import expand
from .store import change_of
from .transaction import Transaction
from .types import Change

# Rows per read, some milliseconds.
ROWS_AT_ONCE: Final = 500

Check = Callable[[Change], str | None]
"""Returns why a feed row cannot be published; see ``feed.encoding.check_row``."""


@dataclass(frozen=True, slots=True)
class DamagedTableRow:
    """A damaged row and its problems. `key` are the primary key's stored values."""

    table: str
    key: tuple[Any, ...]
    name: str
    """Its id or key, for people."""
    problems: list[ColumnProblem] = field(default_factory=list)
    change: Change | None = None
    """For feed rows only."""

    @property
    def problem(self) -> str:
        return "; ".join(f"{each.column}: {each.problem}" for each in self.problems)


# --- Reading ----------------------------------------------------------------------------------------------------------


def tables(dialect: Dialect) -> list[Table]:
    """All tables, the feed last: repairing other rows writes to it."""
    return sorted(nouns.tables(dialect), key=lambda table: table.name == "feed")


@dataclass(frozen=True, slots=True)
class TablePage:
    """Inspected rows: the damaged ones, and the next page's key; None at the end."""

    damaged: list[DamagedTableRow]
    after: tuple[Any, ...] | None


def inspect_page(
    transaction: Transaction,
    table: Table,
    after: tuple[Any, ...] | None,
    check: Check | None,
    limit: int = ROWS_AT_ONCE,
) -> TablePage:
    """Inspect the rows after the key `after`; None for the first."""
    values = {} if after is None else RowQuery.values(after)
    query, rows = _fetch(transaction, table, lambda query: query.page_after(after, limit), values)
    found = [row for row in (query.examine(values, check) for values in rows) if row.problems]
    return TablePage(found, query.key(rows[-1]) if len(rows) == limit else None)


def is_damaged(transaction: Transaction, table: Table, name: str, check: Check | None) -> bool | None:
    """Whether the row of that name is still damaged; None if it cannot be found by name."""
    column = RowQuery.of(table, transaction.dialect).named_by
    if column is None or "\ufffd" in name:
        return None
    is_number = column.kind is Kind.INTEGER
    if is_number and not name.lstrip("-").isdecimal():
        return False
    value = int(name) if is_number else name
    query, rows = _fetch(transaction, table, lambda query: query.by_name(), {"name": value})
    return any(query.examine(values, check).problems for values in rows)


def inspect_row(transaction: Transaction, row: DamagedTableRow, check: Check | None) -> DamagedTableRow | None:
    """The row now; None if it is sound or gone."""
    (table,) = (table for table in tables(transaction.dialect) if table.name == row.table)
    query, rows = _fetch(transaction, table, lambda query: query.by_key(), RowQuery.values(row.key))
    examined = [query.examine(values, check) for values in rows]
    return examined[0] if examined and examined[0].problems else None


def _fetch(
    transaction: Transaction, table: Table, text_of: Callable[[RowQuery], str], values: dict[str, Any]
) -> tuple[RowQuery, list[tuple[Any, ...]]]:
    query = RowQuery.of(table, transaction.dialect)
    with transaction.as_stored(StoredText):
        try:
            rows = transaction.attempt(lambda part: part.all(text_of(query), **values))
        except Exception as error:
            if not transaction.is_of_row(error):
                raise
            # A rule may fail on damaged JSON: then check only the columns.
            query = RowQuery.of(table, transaction.dialect, with_rules=False)
            rows = transaction.all(text_of(query), **values)
    return query, rows


class RowQuery:
    """The SELECT of a table's rows, with a boolean for each rule."""

    def __init__(self, table: Table, dialect: Dialect, *, with_rules: bool) -> None:
        self.table = table
        self.dialect = dialect
        self.columns: list[Column] = list(table.columns.values())
        self.keys: list[Column] = list(table.key)
        self.rules = dict(_rules(table, dialect)) if with_rules else {}
        self.named_by = self._naming()
        """The column of the name, if one is enough."""

    @staticmethod
    @cache
    def of(table: Table, dialect: Dialect, *, with_rules: bool = True) -> RowQuery:
        return RowQuery(table, dialect, with_rules=with_rules)

    def _naming(self) -> Column | None:
        if self.table.name == "feed":
            return self.table.columns["seq"]
        named = self.table.columns.get("id")
        if named is not None and named.kind is Kind.TEXT:
            return named
        return self.keys[0] if len(self.keys) == 1 else None

    @property
    def rows(self) -> str:
        shown = [self._shown(column) for column in self.columns]
        shown += [f"CASE WHEN ({rule}) THEN 1 WHEN ({rule}) IS NULL THEN 1 ELSE 0 END" for rule in self.rules.values()]
        return f'SELECT {", ".join(shown)} FROM "{self.table.name}"'

    def page_after(self, after: tuple[Any, ...] | None, limit: int) -> str:
        keys = ", ".join(f'"{column.name}"' for column in self.keys)
        where = "" if after is None else f" WHERE ({keys}) > ({', '.join(map(self.given, range(len(self.keys))))})"
        return f"{self.rows}{where} ORDER BY {keys} LIMIT {limit}"

    def by_key(self) -> str:
        return f"{self.rows} WHERE {self.has_key}"

    @property
    def has_key(self) -> str:
        return " AND ".join(f'"{column.name}" = {self.given(place)}' for place, column in enumerate(self.keys))

    def by_name(self) -> str:
        assert self.named_by is not None
        return f'{self.rows} WHERE "{self.named_by.name}" = {"%(name)s" if self.dialect is POSTGRESQL else ":name"}'

    @staticmethod
    def values(key: tuple[Any, ...]) -> dict[str, Any]:
        return {f"key_{place}": bytes_of(value) for place, value in enumerate(key)}

    def given(self, place: int) -> str:
        is_text = self.keys[place].kind is Kind.TEXT
        if self.dialect is POSTGRESQL:
            return f"%(key_{place})s"
        return f"CAST(:key_{place} AS TEXT)" if is_text else f":key_{place}"

    def _shown(self, column: Column) -> str:
        # Some drivers decode JSON.
        as_text = self.dialect is POSTGRESQL and column.name in JSON_COLUMNS
        return f'CAST("{column.name}" AS text)' if as_text else f'"{column.name}"'

    def key(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(row[self.columns.index(column)] for column in self.keys)

    def examine(self, row: tuple[Any, ...], check: Check | None) -> DamagedTableRow:
        values, truths = row[: len(self.columns)], row[len(self.columns) :]
        by_name = dict(zip((column.name for column in self.columns), values, strict=True))
        key = self.key(row)
        damaged = DamagedTableRow(self.table.name, key, _name(by_name, key), [])
        is_told = self.table.name == "feed" and check is not None and by_name["seq"] is not None
        for column, value in zip(self.columns, values, strict=True):
            if is_told and column.name in {"before", "after"}:
                continue
            found = column_problem(self.table.name, column, value)
            if found is not None:
                damaged.problems.append(found)
        broken = [rule for rule, truth in zip(self.rules.items(), truths, strict=True) if not truth]
        known = {each.column for each in damaged.problems}
        damaged.problems.extend(rules_broken(self.table.name, broken, by_name, known))
        if is_told and check is not None:
            return _undeliverable(damaged, by_name, check)
        return damaged


def _rules(table: Table, dialect: Dialect) -> Iterator[tuple[str, str]]:
    for check in sorted(table.checks, key=lambda check: check.name):
        if check.only in {None, dialect.name}:
            yield check.name, expand(check.condition, dialect)


def _name(values: dict[str, Any], key: tuple[Any, ...]) -> str:
    named = values.get("id")
    parts = (named,) if isinstance(named, StoredText | str) else key
    return " ".join(part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in parts)


def _undeliverable(damaged: DamagedTableRow, values: dict[str, Any], check: Check) -> DamagedTableRow:
    columns = ("seq", "kind", "entity_id", "version", "actor", "reason", "at", "before", "after")
    change = change_of(tuple(values[name] for name in columns))
    problem = check(change)
    problems = damaged.problems if problem is None else [ColumnProblem("after", problem, UNREPAIRABLE)]
    if problem is None:
        for name in ("before", "after"):
            if values[name] is not None and (found := feed_document_problem(name, values[name])) is not None:
                problems.append(found)
    return DamagedTableRow(damaged.table, damaged.key, str(values["seq"]), problems, change)
