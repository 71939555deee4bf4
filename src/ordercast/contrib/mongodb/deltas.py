"""Applying a change stream's description of an update to the document as it was before.

The stream can also look the document up, but shows it as it is by then: two quick moves would both show the second.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

Document = dict[str, Any]
Step = str | int


def updated(document: Document, description: Mapping[str, Any]) -> Document:
    """The document after an update; `description` is the event's ``updateDescription``."""
    result = copy.deepcopy(document)
    known = description.get("disambiguatedPaths")
    for truncated in description.get("truncatedArrays") or ():
        array = _find(result, _steps(result, truncated["field"], known))
        if isinstance(array, list):
            del array[truncated["newSize"] :]
    for path in description.get("removedFields") or ():
        _remove(result, _steps(result, path, known))
    for path, value in (description.get("updatedFields") or {}).items():
        _set(result, _steps(result, path, known), copy.deepcopy(value))
    return result


def _steps(document: Document, path: str, known: Mapping[str, Sequence[Step]] | None) -> Sequence[Step]:
    """A path is written with dots, which a field's own name may have too.

    Newer servers name each path with such a field, so one that they do not name has none. Of older ones it is guessed.
    """
    if known is not None:
        return known.get(path) or path.split(".")
    return [path] if path in document else path.split(".")


def _find(value: Any, steps: Sequence[Step]) -> Any:
    for step in steps:
        if isinstance(value, list):
            index = _index(step)
            value = value[index] if index is not None and index < len(value) else None
        else:
            value = value.get(str(step)) if isinstance(value, dict) else None
    return value


def _remove(document: Document, steps: Sequence[Step]) -> None:
    parent = _find(document, steps[:-1])
    index = _index(steps[-1])
    if isinstance(parent, dict):
        parent.pop(str(steps[-1]), None)
    elif isinstance(parent, list) and index is not None and index < len(parent):
        parent[index] = None  # as $unset does: the others keep their places


def _set(document: Document, steps: Sequence[Step], value: Any) -> None:
    parent: Any = document
    for step in steps[:-1]:
        child = _find(parent, [step])
        if not isinstance(child, (dict, list)):
            child = {}
            _put(parent, step, child)
        parent = child
    _put(parent, steps[-1], value)


def _put(parent: Document | list[Any], step: Step, value: Any) -> None:
    if isinstance(parent, dict):
        parent[str(step)] = value
        return
    index = _index(step)
    if index is None:
        raise ValueError(f"{step!r} is no place in an array")
    parent.extend([None] * (index + 1 - len(parent)))
    parent[index] = value


def _index(step: Step) -> int | None:
    if isinstance(step, int):
        return step
    return int(step) if step.isascii() and step.isdigit() else None
