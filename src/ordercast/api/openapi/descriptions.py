"""Texts of the API's document: what stands beside handlers and fields in the code, and a glossary for what is the same
wherever it occurs.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from typing import Final

import msgspec
from litestar.openapi.spec import OpenAPI, Operation, Parameter, Schema

from .structs import Structs
from .texts import FIELDS, PARAMETERS, SCHEMAS

# What a docstring tells its programmers, not those who call: which exceptions the handler lets through.
_RAISES: Final = re.compile(r"\s*\bRaises\b[^.]*(\.(?=\s|$)|$)", re.DOTALL)
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def describe(document: OpenAPI, structs: Structs) -> None:
    """Put a text to each operation, parameter, schema and property that has none."""
    for operation in _operations(document):
        _describe_operation(operation)
    for name, schema in (document.components.schemas or {}).items():
        if isinstance(schema, Schema):
            _describe_schema(name, schema, structs.get(name))


def _operations(document: OpenAPI) -> Iterator[Operation]:
    for item in (document.paths or {}).values():
        yield from filter(None, (getattr(item, method) for method in _METHODS))


def _describe_operation(operation: Operation) -> None:
    operation.description = _for_callers(operation.description or "")
    # Of `ListOrders`: "List orders".
    words = re.findall(r"[A-Z][a-z]*", operation.summary or "")
    operation.summary = " ".join(words).capitalize()
    for parameter in operation.parameters or []:
        if isinstance(parameter, Parameter) and not parameter.description:
            parameter.description = PARAMETERS.get(parameter.name)


def _for_callers(docstring: str) -> str:
    return _flowing(_RAISES.sub("", docstring))


def _flowing(text: str) -> str:
    """Paragraphs without the lines of the source."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(text))
    return "\n\n".join(" ".join(each.split()) for each in paragraphs).strip()


def _describe_schema(name: str, schema: Schema, class_: type[msgspec.Struct] | None) -> None:
    said = "" if class_ is None else class_.__dict__.get("__doc__") or ""
    schema.description = schema.description or _for_callers(said) or SCHEMAS.get(name)
    beside = {} if class_ is None else _beside_fields(class_)
    for field, property_ in (schema.properties or {}).items():
        text = beside.get(field) or FIELDS.get(field)
        # A reference has its schema's own text beside the one here (JSON Schema 2020-12 allows both).
        if text is not None and not property_.description:
            property_.description = text


def _beside_fields(class_: type[msgspec.Struct]) -> dict[str, str]:
    """The strings that stand under fields, by the fields' names in JSON."""
    found: dict[str, str] = {}
    for each in reversed(class_.__mro__):
        if each.__module__.startswith("ordercast."):
            found |= _texts(each.__module__).get(each.__name__, {})
    names = {field.name: field.encode_name for field in msgspec.structs.fields(class_)}
    return {names[name]: text for name, text in found.items() if name in names}


@cache
def _texts(module: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: _under_fields(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _under_fields(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, text in zip(node.body, node.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                found[name] = _flowing(said)
    return found
