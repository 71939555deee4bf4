"""Finds the structs of requests and responses, by schema name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias, get_args

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPI, Schema
from msgspec import Struct

Structs: TypeAlias = dict[str, type[Struct]]


def structs_of_requests(application: Litestar) -> Structs:
    """All structs in request bodies, at any depth."""
    bodies = (handler.parsed_data_field for handler in _handlers(application))
    return _structs_in(body.annotation for body in bodies if body is not None)


def structs_of_answers(application: Litestar) -> Structs:
    """All structs in responses, at any depth, errors included."""
    handlers = list(_handlers(application))
    others = [answer.data_container for each in handlers for answer in (each.responses or {}).values()]
    return _structs_in([*(each.parsed_return_field.annotation for each in handlers), *others])


def close_bodies(document: OpenAPI, structs: Structs) -> None:
    """Mark objects that reject unknown fields (JSON Schema ``additionalProperties``), as the decoder does."""
    schemas = document.components.schemas or {}
    for name, struct in structs.items():
        schema = schemas.get(name)
        if struct.__struct_config__.forbid_unknown_fields and isinstance(schema, Schema):
            schema.additional_properties = False


def _handlers(application: Litestar) -> Iterator[HTTPRouteHandler]:
    for route in application.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler):
                yield handler


def _structs_in(annotations: Iterable[Any]) -> Structs:
    found: Structs = {}
    left = list(annotations)
    while left:
        each = left.pop()
        if isinstance(each, type) and issubclass(each, Struct) and each.__name__ not in found:
            found[each.__name__] = each
            left += [field.type for field in msgspec.structs.fields(each)]
        left += get_args(each)
    return found
