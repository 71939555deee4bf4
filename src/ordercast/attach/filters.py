"""``when`` of a mapping over documents: a filter as MongoDB's queries have it, on values as JSON has them.

``{ status = "paid", "shipping.city" = { "$in" = ["Dhaka"] }, "old.status" = { "$ne" = "paid" } }``. A path goes into
documents and arrays; ``old`` is the document before. As there, an array is what one of
its elements is, and what is of another kind is neither equal nor more nor less. TOML has no null: what is missing
is asked for by ``$exists``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from .templates import NEW, OLD

DEPTH_MAX: Final = 20
_ANY_OF: Final = ("$and", "$or", "$nor")
_ONE: Final = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")
_OPERATORS: Final = (*_ONE, "$in", "$nin", "$exists")


def faults_of_filter(filter_: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What of it is no filter, and where."""
    if len(path) > DEPTH_MAX:
        yield path, "a filter is not as deep as that"
    elif not isinstance(filter_, Mapping) or not filter_:
        yield path, 'a filter is a table, as { status = "paid" }'
    else:
        for name, wanted in filter_.items():
            yield from _faults_of_part(name, wanted, (*path, name))


def _faults_of_part(name: str, wanted: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if name in _ANY_OF:
        if not isinstance(wanted, list) or not wanted:
            yield path, f"{name} has a list of filters"
        else:
            for number, each in enumerate(wanted):
                yield from faults_of_filter(each, (*path, number))
    elif name.startswith("$"):
        yield path, f"{name} is none of {', '.join(_ANY_OF)}"
    elif not all(name.split(".")):
        yield path, f"{name!r} names no field"
    elif _has_operators(wanted):
        for operator, value in wanted.items():
            yield from _faults_of_operator(operator, value, (*path, operator))
    else:
        yield from _faults_of_value(wanted, path)


def _faults_of_operator(
    operator: str, value: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if operator not in _OPERATORS:
        yield path, f"{operator} is none of {', '.join(_OPERATORS)}"
    elif isinstance(value, list) is not (operator in {"$in", "$nin"}):
        yield path, f"{operator} has {'one value' if isinstance(value, list) else 'a list'}"
    elif operator == "$exists" and not isinstance(value, bool):
        yield path, "$exists is true or false"
    else:
        yield from _faults_of_value(value, path)


def _faults_of_value(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, str | int | float | bool):
            yield path, "a filter compares texts, numbers, true and false; write a moment as a text"


def matches(filter_: Mapping[str, Any], new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether a change is one of those. A document that is deleted is `new` as it was."""
    return all(_has(name, wanted, new, old) for name, wanted in filter_.items())


def _has(name: str, wanted: Any, new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    if name in _ANY_OF:
        found = (matches(each, new, old) for each in wanted)
        return all(found) if name == "$and" else any(found) is (name == "$or")
    steps = name.split(".")
    is_old = steps[0] == OLD and len(steps) > 1
    if steps[0] in {OLD, NEW} and len(steps) > 1:
        steps = steps[1:]
    values = list(_values(old if is_old else new, steps))
    asked = wanted if _has_operators(wanted) else {"$eq": wanted}
    return all(_is(operator, value, values) for operator, value in asked.items())


def _has_operators(wanted: Any) -> bool:
    return isinstance(wanted, Mapping) and bool(wanted) and all(name.startswith("$") for name in wanted)


def _values(value: Any, steps: Sequence[str]) -> Iterator[Any]:
    """What stands at a path: of an array within it, what stands in each of its documents."""
    if not steps:
        yield value
    elif isinstance(value, Mapping):
        if steps[0] in value:
            yield from _values(value[steps[0]], steps[1:])
    elif isinstance(value, list):
        if steps[0].isascii() and steps[0].isdigit() and int(steps[0]) < len(value):
            yield from _values(value[int(steps[0])], steps[1:])
        for each in value:
            if isinstance(each, Mapping):
                yield from _values(each, steps)


_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "$gt": lambda value, wanted: value > wanted,
    "$gte": lambda value, wanted: value >= wanted,
    "$lt": lambda value, wanted: value < wanted,
    "$lte": lambda value, wanted: value <= wanted,
}


def _is(operator: str, wanted: Any, values: Sequence[Any]) -> bool:
    match operator:
        case "$exists":
            return bool(values) is wanted
        case "$in":
            return any(_equals(each, values) for each in wanted)
        case "$nin":
            return not any(_equals(each, values) for each in wanted)
        case "$eq":
            return _equals(wanted, values)
        case "$ne":
            return not _equals(wanted, values)
    return any(_kind(each) is _kind(wanted) and _ORDER[operator](each, wanted) for each in _with_elements(values))


def _equals(wanted: Any, values: Sequence[Any]) -> bool:
    return any(_kind(each) is _kind(wanted) and each == wanted for each in _with_elements(values))


def _with_elements(values: Sequence[Any]) -> Iterator[Any]:
    for value in values:
        yield value
        if isinstance(value, list):
            yield from value


def _kind(value: Any) -> type:
    """Whole numbers and others are one kind; true and 1 are not."""
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)
