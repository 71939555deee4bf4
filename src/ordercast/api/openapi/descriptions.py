"""Adds texts to the OpenAPI document: docstrings, strings under fields, and a glossary for repeated terms."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import msgspec
from litestar.openapi.spec import OpenAPI, Operation, Parameter, Schema

from .structs import Structs
from .texts import FIELDS, PARAMETERS, SCHEMAS

# The "Raises" part of a docstring is for programmers, not clients.
_RAISES: Final = re.compile(r"\s*\bRaises\b[^.]*(\.(?=\s|$)|$)", re.DOTALL)
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def text_for_people(docstring: str) -> str:
    """A docstring as paragraphs, without what it raises."""
    return _flowing(_RAISES.sub("", docstring))


def describe(document: OpenAPI, structs: Structs) -> None:
    """Add a text to each operation, parameter, schema and property without one."""
    for operation in _operations(document):
        _describe_operation(operation)
    for name, schema in (document.components.schemas or {}).items():
        if isinstance(schema, Schema):
            _describe_schema(name, schema, structs.get(name))


def _operations(document: OpenAPI) -> Iterator[Operation]:
    for item in (document.paths or {}).values():
        yield from filter(None, (getattr(item, method) for method in _METHODS))


def _describe_operation(operation: Operation) -> None:
    operation.description = text_for_people(operation.description or "")
    # Of `ListOrders`: "List orders".
    words = re.findall(r"[A-Z][a-z]*", operation.summary or "")
    operation.summary = " ".join(words).capitalize()
    for parameter in operation.parameters or []:
        if isinstance(parameter, Parameter) and not parameter.description:
            parameter.description = PARAMETERS.get(parameter.name)


def _flowing(text: str) -> str:
    """Join the lines of paragraphs."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(text))
    return "\n\n".join(" ".join(each.split()) for each in paragraphs).strip()


def _describe_schema(name: str, schema: Schema, class_: type[msgspec.Struct] | None) -> None:
    schema.description = schema.description or text_of_type(name, class_)
    texts = texts_of_fields(class_)
    for field, property_ in (schema.properties or {}).items():
        text = texts.get(field) or FIELDS.get(field)
        # A reference may have a text beside its schema's (JSON Schema 2020-12).
        if text is not None and not property_.description:
            property_.description = text


def text_of_type(name: str, class_: type[Any] | None) -> str | None:
    """The docstring of a class, or the glossary's text for the schema called `name`."""
    docstring = "" if class_ is None else class_.__dict__.get("__doc__") or ""
    return text_for_people(docstring) or SCHEMAS.get(name)


def texts_of_fields(class_: type[Any] | None) -> dict[str, str]:
    """The strings under the fields of a Struct or TypedDict, by JSON name."""
    if class_ is None:
        return {}
    found: dict[str, str] = {}
    for each in reversed(class_.__mro__):
        if each.__module__.startswith("ordercast."):
            found |= _texts(each.__module__).get(each.__name__, {})
    is_struct = issubclass(class_, msgspec.Struct)
    names = {field.name: field.encode_name for field in msgspec.structs.fields(class_)} if is_struct else {}
    return {names.get(name, name): text for name, text in found.items()}


@cache
def _texts(module: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    found: dict[str, dict[str, str]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            # TypedDicts do not know their bases at run time.
            bases = [found.get(base.id, {}) for base in node.bases if isinstance(base, ast.Name)]
            found[node.name] = {key: text for texts in (*bases, _under_fields(node)) for key, text in texts.items()}
    return found


def _under_fields(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, text in zip(node.body, node.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(docstring))):
                found[name] = _flowing(docstring)
    return found
