"""Makes the schemas of payloads, from their Python types or shared with the OpenAPI document."""

from __future__ import annotations

from copy import deepcopy
from enum import Enum
from typing import Any, Final, get_args, get_type_hints, is_typeddict

import msgspec
from msgspec import Struct

from ordercast.api.openapi.descriptions import text_of_type, texts_of_fields
from ordercast.api.openapi.texts import FIELDS

_REF: Final = "#/components/schemas/{name}"
_OFFSET: Final = {
    "title": "Offset",
    "type": "string",
    "pattern": r"^[^:]+:\d+(\.\d+)?$",
    "description": "Where the feed stands behind this event: `epoch:seq`, or `epoch:seq.event`. The stock client keeps"
    " it, and presents it when it comes back.",
    "examples": ["5d1c0e:4711", "5d1c0e:4711.0"],
}
# Members of an HTTP problem that a socket error has as code and message.
_OF_HTTP: Final = ("type", "title", "status", "detail", "code")


class Schemas:
    """Collects the schemas that a document refers to."""

    def __init__(self, openapi: dict[str, Any]) -> None:
        self._shared: dict[str, Any] = openapi["components"]["schemas"]
        self._collected: dict[str, Any] = {"Offset": _OFFSET}
        self._types: dict[str, type[Any]] = {}

    def of(self, type_: Any) -> dict[str, Any]:
        """The schema of a type: a reference if it has a name; a union for several."""
        if isinstance(type_, tuple):
            return {"anyOf": [self.of(each) for each in type_]}
        self._types |= _named_types(type_)
        (schema,), components = msgspec.json.schema_components([type_], ref_template=_REF)
        for name in components:
            self._collect(name, components[name])
        return schema

    def error(self) -> dict[str, Any]:
        """The schema of a command's error."""
        if "CommandError" not in self._collected:
            members = {name: one for name, one in self._shared["Problem"]["properties"].items() if name not in _OF_HTTP}
            for other in _references(members):
                self._collect_shared(other)
            self._collected["CommandError"] = {
                "title": "CommandError",
                "type": "object",
                "description": "Why a command was refused: `code` is for programs, `message` a sentence for people.",
                "properties": {
                    "code": {"type": "string", "description": "What it is called by programs."},
                    "message": {"type": "string", "description": "A sentence for people."},
                    **members,
                },
                "required": ["code", "message"],
            }
        return {"$ref": _REF.format(name="CommandError")}

    def collected(self) -> dict[str, Any]:
        """All schemas by name."""
        return dict(sorted(self._collected.items()))

    def _collect(self, name: str, schema: dict[str, Any]) -> None:
        if name in self._collected:
            return
        if name in self._shared:
            self._collect_shared(name)
            return
        class_ = self._types.get(name)
        self._collected[name] = described = self._described(name, schema, class_)
        base = self._shared_base(class_)
        if base is not None:
            self._collect_shared(base)
            self._collected[name] = self._extending(base, described)

    def _collect_shared(self, name: str) -> None:
        """Collect a schema of the OpenAPI document and all that it refers to."""
        if name not in self._collected:
            self._collected[name] = deepcopy(self._shared[name])
            for other in _references(self._shared[name]):
                self._collect_shared(other)

    def _shared_base(self, class_: type[Any] | None) -> str | None:
        """The schema of the Struct that a Struct adds fields to, if the OpenAPI document has it."""
        bases = [] if class_ is None else class_.__mro__[1:]
        return next((each.__name__ for each in bases if each.__name__ in self._shared and each is not class_), None)

    def _extending(self, base: str, schema: dict[str, Any]) -> dict[str, Any]:
        known = self._shared[base]["properties"]
        own = {name: one for name, one in schema["properties"].items() if name not in known}
        required = [name for name in schema.get("required", []) if name in own]
        kept: dict[str, Any] = {name: schema[name] for name in ("title", "description") if name in schema}
        added = {"type": "object", "properties": own, "required": required}
        return {**kept, "allOf": [{"$ref": _REF.format(name=base)}, added]}

    def _described(self, name: str, schema: dict[str, Any], class_: type[Any] | None) -> dict[str, Any]:
        described: dict[str, Any] = {**schema, "description": text_of_type(name, class_) or ""}
        texts = texts_of_fields(class_)
        for field, property_ in described.get("properties", {}).items():
            text = texts.get(field) or FIELDS.get(field)
            if text is not None:
                property_.setdefault("description", text)
        return described


def _named_types(type_: Any) -> dict[str, type[Any]]:
    """The Structs, TypedDicts and enums in a type, at any depth, by name."""
    found: dict[str, type[Any]] = {}
    left = [type_]
    while left:
        each = left.pop()
        left += get_args(each)
        if not isinstance(each, type) or each.__name__ in found:
            continue
        if issubclass(each, Struct):
            found[each.__name__] = each
            left += [field.type for field in msgspec.structs.fields(each)]
        elif is_typeddict(each):
            found[each.__name__] = each
            left += get_type_hints(each).values()
        elif issubclass(each, Enum):
            found[each.__name__] = each
    return found


def _references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {name for each in schema for name in _references(each)}
    if not isinstance(schema, dict):
        return set()
    found = {name for each in schema.values() for name in _references(each)}
    reference = schema.get("$ref")
    return found | {reference.rsplit("/", 1)[-1]} if isinstance(reference, str) else found
