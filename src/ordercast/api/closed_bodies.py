"""Which objects of the API's document take no other fields than those they name: all that requests are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec.inspect
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPI, Schema


def close_bodies(application: Litestar, document: OpenAPI) -> None:
    """Say so in the application's document, as the decoder has it (JSON Schema, ``additionalProperties``)."""
    schemas = document.components.schemas or {}
    closed = {name for body in _bodies(application) for name in _closed(msgspec.inspect.type_info(body))}
    for name in closed & schemas.keys():
        schema = schemas[name]
        assert isinstance(schema, Schema)
        schema.additional_properties = False


def _bodies(application: Litestar) -> Iterator[Any]:
    for route in application.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler) and handler.parsed_data_field is not None:
                yield handler.parsed_data_field.annotation


def _closed(kind: msgspec.inspect.Type) -> Iterator[str]:
    """The names of the structs in a type, at any depth, that refuse fields they do not know."""
    if isinstance(kind, msgspec.inspect.StructType):
        if kind.forbid_unknown_fields:
            yield kind.cls.__name__
        for field in kind.fields:
            yield from _closed(field.type)
    elif isinstance(kind, msgspec.inspect.UnionType):
        for each in kind.types:
            yield from _closed(each)
    elif isinstance(kind, msgspec.inspect.CollectionType):
        yield from _closed(kind.item_type)
    elif isinstance(kind, msgspec.inspect.DictType):
        yield from _closed(kind.value_type)
    elif isinstance(kind, msgspec.inspect.Metadata):
        yield from _closed(kind.type)
