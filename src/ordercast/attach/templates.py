"""Templates of a mapping: texts with columns in braces, ``customer_{customerId}``; a payload is JSON made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

_TOKEN: Final = re.compile(r'\{\{|\}\}|\{((?:"[^"]*"|[^{}"])*)\}|[{}]|[^{}]+')
_SEGMENT: Final = re.compile(r'"((?:[^"]|"")+)"|([^."]+)')
OLD: Final = "old"
NEW: Final = "new"
VIEW: Final = "view"
EVERY: Final = "*"


class TemplateError(ValueError):
    """A template that is none, in a clause."""


@dataclass(frozen=True, slots=True)
class Field:
    """A value of the row: ``{total}``, ``{old.status}``, ``{shipping.phone}``; ``{*}`` is the whole row."""

    name: str
    """A column, or an expression that the mapping names; ``*``."""
    path: tuple[str, ...] = ()
    """Within its JSON."""
    is_old: bool = False
    """Whether it is the row's before the change."""

    def __str__(self) -> str:
        return "{" + ".".join((*([OLD] if self.is_old else []), self.name, *self.path)) + "}"


@dataclass(frozen=True, slots=True)
class Template:
    """A text's parts, in turn. One that is a field alone has the field's type."""

    parts: tuple[str | Field, ...]

    def __str__(self) -> str:
        return "".join(
            str(part) if isinstance(part, Field) else part.replace("{", "{{").replace("}", "}}") for part in self.parts
        )

    @property
    def fields(self) -> Iterator[Field]:
        return (part for part in self.parts if isinstance(part, Field))

    @property
    def only(self) -> Field | None:
        """The field that it is, with no text around it."""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], Field) else None

    @property
    def constant(self) -> str | None:
        return "".join(map(str, self.parts)) if not any(self.fields) else None


Payload: TypeAlias = "Template | Mapping[str, Any] | list[Any] | int | float | bool | None"
"""JSON whose texts are templates."""


def parse(text: str) -> Template:
    """Read a template. ``{{`` and ``}}`` are braces themselves. Raises TemplateError."""
    parts: list[str | Field] = []
    for token in _TOKEN.finditer(text):
        if token[1] is not None:
            parts.append(_field(token[1]))
            continue
        word = {"{{": "{", "}}": "}"}.get(token[0], token[0])
        if token[0] in {"{", "}"}:
            raise TemplateError(f"a brace stands alone in {text!r}; write {token[0] * 2} for the brace itself")
        if parts and isinstance(parts[-1], str):
            parts[-1] += word
        else:
            parts.append(word)
    return Template(tuple(parts))


def _field(inner: str) -> Field:
    segments, at = [], 0
    while at < len(inner):
        found = _SEGMENT.match(inner, at)
        if found is None:
            raise TemplateError(f"{{{inner}}} names no column")
        segments.append(found[1].replace('""', '"') if found[1] else found[2].strip())
        at = found.end() + 1
        if found.end() < len(inner) and inner[found.end()] != ".":
            raise TemplateError(f"{{{inner}}} names no column")
    if not segments or not all(segments) or inner.endswith("."):
        raise TemplateError(f"{{{inner}}} names no column")
    is_old = segments[0] == OLD and len(segments) > 1
    if segments[0] in {OLD, NEW} and len(segments) > 1:
        segments = segments[1:]
    return Field(segments[0], tuple(segments[1:]), is_old)


def fields_in(payload: Payload) -> Iterator[Field]:
    """Every field of a payload."""
    if isinstance(payload, Template):
        yield from payload.fields
    elif isinstance(payload, Mapping):
        for value in payload.values():
            yield from fields_in(value)
    elif isinstance(payload, list):
        for value in payload:
            yield from fields_in(value)
