"""Inspects tables for damaged rows, for readiness and `ordercast repair`.

Every rule of the schema is checked again, as a row may be older than the rule or written with checks disabled; also
texts and JSON beyond the database's rules.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import msgspec

from ordercast.commerce.errors import UnknownStatus
from ordercast.commerce.states import Fulfilment, resolve_status
from ordercast.commerce.timestamps import timestamp

from . import nouns
from .columns import Column, Table
from .dialects import POSTGRESQL, Dialect
from .domains import Kind
from .lenient_json import is_moment, read_json
from .sql import expand
from .store import change_of
from .transaction import Transaction
from .types import Change

# Rows per read, some milliseconds.
ROWS_AT_ONCE: Final = 500
NEVER: Final = "1970-01-01T00:00:00.000Z"
"""Replaces an invalid timestamp, so that what depends on it is due at once."""
_INT_MAX: Final = 2**63 - 1
# Larger sums are damaged.
AMOUNT_MAX: Final = 10**13

# JSON columns; their types differ between the databases.
JSON_COLUMNS: Final = frozenset(
    {
        "after", "answer", "args", "asked", "attachments", "before", "billing_info", "cart_items", "data",
        "delivery_zones", "document", "former_attachments", "ours", "payment_info", "raw", "rooms",
        "shipping_info", "tax_rates_bp", "theirs",
    }
)  # fmt: skip
_MOMENTS: Final = frozenset({"at", "since", "until"})

Check = Callable[[Change], str | None]
"""Returns why a feed row cannot be published; see ``feed.encoding.check_row``."""


class StoredText(bytes):
    """A text's bytes, as distinct from a BLOB's."""

    __slots__ = ()


class Unrepairable:
    """Replaces a value that only a person can know."""


UNREPAIRABLE: Final = Unrepairable()


@dataclass(frozen=True, slots=True)
class ColumnProblem:
    """The problem of a value, and the nearest readable one."""

    column: str
    problem: str
    replacement: Any
    """The replacement, or UNREPAIRABLE."""


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
            found = _column_problem(self.table.name, column, value)
            if found is not None:
                damaged.problems.append(found)
        broken = [rule for rule, truth in zip(self.rules.items(), truths, strict=True) if not truth]
        known = {each.column for each in damaged.problems}
        damaged.problems.extend(_rules_broken(self.table.name, broken, by_name, known))
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


# --- What is wrong ----------------------------------------------------------------------------------------------------


def _column_problem(table: str, column: Column, value: Any) -> ColumnProblem | None:
    """The problem of a value, and the nearest correct one."""
    if value is None:
        return (
            None
            if column.is_optional or column.is_key
            else ColumnProblem(column.name, "is missing", _default(table, column))
        )
    if column.kind is Kind.INTEGER:
        return _integer_problem(column, value)
    if column.kind in {Kind.REAL, Kind.BYTES}:
        return None
    text, problem = _text_of(value)
    if column.name in JSON_COLUMNS and table != "feed":
        return _json_problem(table, column, text, problem)
    if _is_moment_column(column) and not is_moment(text):
        return ColumnProblem(column.name, "is no moment", _default(table, column) if not column.is_optional else None)
    return None if problem is None else ColumnProblem(column.name, problem, text)


def _text_of(value: Any) -> tuple[str, str | None]:
    if isinstance(value, str):
        return value, None
    if isinstance(value, bytes):
        problem = None if isinstance(value, StoredText) else "is no text"
        try:
            return value.decode(), problem
        except UnicodeDecodeError:
            return value.decode("utf-8", "replace"), "is not UTF-8"
    return str(value), "is no text"


def _json_problem(table: str, column: Column, text: str, problem: str | None) -> ColumnProblem | None:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        try:
            repaired: Any = msgspec.json.encode(read_json(text)).decode()
        except (ValueError, RecursionError):
            repaired = None if column.is_optional else _default(table, column)
        return ColumnProblem(column.name, "is no JSON that can be published", repaired)
    return None if problem is None else ColumnProblem(column.name, problem, text)


def _integer_problem(column: Column, value: Any) -> ColumnProblem | None:
    if type(value) is int:
        return None
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    nearest = round(max(-_INT_MAX, min(number, _INT_MAX))) if math.isfinite(number) else 0
    return ColumnProblem(column.name, "is no whole number", UNREPAIRABLE if column.is_key else nearest)


def _rules_broken(
    table: str, broken: list[tuple[str, str]], values: dict[str, Any], known: set[str]
) -> list[ColumnProblem]:
    """The schema's rules that the row breaks. Repairs use the row's own values, or clamp a number to its bounds; others
    need a person. Rules about repaired columns are checked again afterwards.
    """
    problems: dict[str, ColumnProblem] = {}
    # What the row itself says comes first: a total at its bound would break the rule of the sums in turn.
    # Of orders alone: other tables have rules that are called like theirs.
    derived = {name: _derived(name, values) for name, _ in broken} if table == "orders" else {}
    nearest = [(name, *each) for name, found in derived.items() for each in found]
    nearest += [(name, *found) for name, rule in broken for found in _within_bounds(rule, values)]
    for name, column, repaired in nearest:
        if column not in known:
            problems.setdefault(column, ColumnProblem(column, f"breaks {name}", repaired))
    for name, rule in broken:
        if not any(re.search(rf"\b{column}\b", rule) for column in (*problems, *known)):
            problems[name] = ColumnProblem(name, "is broken; a person must say what is right", UNREPAIRABLE)
    return list(problems.values())


def _derived(name: str, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """A column of a broken rule with the value that follows from the order's other columns."""
    if name == "order_sums" and all(type(values[part]) is int for part in _SUMS):
        subtotal, discount, fee, tax, is_included = (values[part] for part in _SUMS)
        total = subtotal - discount + fee + (0 if is_included else tax)
        if 0 <= total <= AMOUNT_MAX:
            yield "total", total
    if name == "status_known":
        status, fulfilment = _text_of(values["status"])[0], _text_of(values["fulfilment"])[0]
        with suppress(UnknownStatus, ValueError):
            yield "status", str(resolve_status(status, Fulfilment(fulfilment)))


def _within_bounds(rule: str, values: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Columns out of a rule's bounds, with the nearest value."""
    for column, value in values.items():
        if type(value) is not int:
            continue
        for pattern in _BOUNDS:
            if (bound := re.search(pattern.format(column), rule)) is not None:
                low, high = int(bound.groupdict().get("low") or 0), int(bound.groupdict().get("high") or _INT_MAX)
                if not low <= value <= high:
                    yield column, max(low, min(value, high))


_SUMS: Final = ("subtotal", "discount", "shipping_fee", "tax", "prices_include_tax")
# The schema's forms of bounds.
_BOUNDS: Final = (
    r"\b{}\"? >= (?P<low>0)",
    r"\b{}\"? <= (?P<high>\d+)",
    r"\b{}\"? BETWEEN (?P<low>-?\d+) AND (?P<high>\d+)",
)


def _undeliverable(damaged: DamagedTableRow, values: dict[str, Any], check: Check) -> DamagedTableRow:
    columns = ("seq", "kind", "entity_id", "version", "actor", "reason", "at", "before", "after")
    change = change_of(tuple(values[name] for name in columns))
    problem = check(change)
    problems = damaged.problems if problem is None else [ColumnProblem("after", problem, UNREPAIRABLE)]
    if problem is None:
        for name in ("before", "after"):
            if values[name] is not None and (found := _feed_document_problem(name, values[name])) is not None:
                problems.append(found)
    return DamagedTableRow(damaged.table, damaged.key, str(values["seq"]), problems, change)


def _feed_document_problem(name: str, value: Any) -> ColumnProblem | None:
    text, problem = _text_of(value)
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        try:
            repaired = msgspec.json.encode(read_json(text)).decode()
        except (ValueError, RecursionError):
            repaired = None  # the change is published without it
        return ColumnProblem(name, "is no JSON that can be published", repaired)
    return None if problem is None else ColumnProblem(name, problem, text)


def _is_moment_column(column: Column) -> bool:
    return column.name in _MOMENTS or column.name.endswith("_at")


def _default(table: str, column: Column) -> Any:
    """A neutral default for a column."""
    if table == "revocations" and column.name == "since":
        return timestamp(time.time_ns() // 1_000_000)  # revokes all issued until now
    if _is_moment_column(column):
        return NEVER
    if column.name in JSON_COLUMNS:
        return column.default if column.default is not None and column.default[:1] in "[{" else "{}"
    if column.kind is Kind.INTEGER:
        return 0
    return b"" if column.kind is Kind.BYTES else ""


def bytes_of(value: Any) -> Any:
    """A stored value as a parameter: drivers reject subclasses of bytes."""
    return bytes(value) if isinstance(value, StoredText) else value
