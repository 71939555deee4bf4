"""What is wrong with a stored value, and the nearest one that can be read: by its column, and by its table's rules.

Values alone: nothing here reads a database.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ordercast.commerce.errors import UnknownStatus
from ordercast.commerce.money import AMOUNT_MAX
from ordercast.commerce.states import Fulfilment, resolve_status
from ordercast.commerce.timestamps import timestamp

from .columns import Column
from .domains import Kind
from .lenient_json import is_moment, read_json

NEVER: Final = "1970-01-01T00:00:00.000Z"
"""Replaces an invalid timestamp, so that what depends on it is due at once."""
_INT_MAX: Final = 2**63 - 1

# JSON columns; their types differ between the databases.
JSON_COLUMNS: Final = frozenset(
    {
        "after", "answer", "args", "asked", "attachments", "before", "billing_info", "cart_items", "data",
        "delivery_zones", "document", "former_attachments", "ours", "payment_info", "raw", "rooms",
        "shipping_info", "tax_rates_bp", "theirs",
    }
)  # fmt: skip
_MOMENTS: Final = frozenset({"at", "since", "until"})


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


def column_problem(table: str, column: Column, value: Any) -> ColumnProblem | None:
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


def rules_broken(
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


def feed_document_problem(name: str, value: Any) -> ColumnProblem | None:
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
