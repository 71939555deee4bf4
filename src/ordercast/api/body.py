"""Decodes request bodies into structs, with errors that name the field."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Annotated, Any, Final, NoReturn, TypeVar

import msgspec
from litestar.dto import AbstractDTO, DTOFieldDefinition
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition
from msgspec import Meta, Struct

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.text_patterns import explanation_of, text_matching
from ordercast.protocol.json import replace_lone_surrogates

from .errors import BodyMalformed, UnsupportedBody

T = TypeVar("T")

# No control characters. Python's `$` also matches before a final line feed.
PLAIN: Final = r"^[^\x00-\x1f\x7f]+$(?!\n)"
NO_CONTROLS: Final = "Control characters are not taken here"
IdText = Annotated[str, text_matching(PLAIN, NO_CONTROLS, min_length=1, max_length=64)]
INTEGER_MAX: Final = 2**63 - 1  # what both databases can count to
Version = Annotated[int, Meta(ge=1, le=INTEGER_MAX)]
"""The version that the client saw; a change to another one is rejected."""

# A name that cannot be taken is "at `key` in" the object that has it.
_PLACE: Final = re.compile(r"^(?P<problem>.*?)(?: - at (?:`key` in )?`\$?\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_FORM: Final = re.compile(r"Expected `str` matching regex (?P<pattern>.*)", re.DOTALL)
_NAMED: Final = re.compile(r"(?:unknown|missing required) field `(?P<name>[^`]*)`", re.DOTALL)
FIELD_CHARACTERS_MAX: Final = 200


class JsonBody(AbstractDTO[T]):
    """Decodes a body by msgspec directly; Litestar would make Python objects first."""

    def decode_bytes(self, value: bytes) -> Any:
        media_type = self.asgi_connection.headers.get("content-type", "")
        if not _is_json(media_type):
            raise UnsupportedBody(media_type)
        return decode(value, self.model_type)

    @classmethod
    def create_for_field_definition(cls, *_args: Any, **_kwargs: Any) -> None:
        """No transfer model: the struct is the wire format."""

    @classmethod
    def create_openapi_schema(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,  # noqa: ARG003 - the base's signature
        schema_creator: Any,
    ) -> Reference | Schema:
        schema: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return schema

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Generator[DTOFieldDefinition, None, None]:  # noqa: ARG003
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:  # noqa: ARG003
        return False


def decode(body: bytes, type_: type[T]) -> T:
    """Decode `body` as `type_`, with U+FFFD for lone surrogates, as sockets do.

    Raises BodyMalformed if it is no JSON, InvalidField for a wrong field.
    """
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        _refuse_field(str(error))
    except msgspec.DecodeError as error:
        mended = replace_lone_surrogates(body)
        if mended != body:
            return decode(mended, type_)
        raise BodyMalformed(f"The body is not JSON: {_sentence(str(error))}") from None
    except UnicodeDecodeError:
        raise BodyMalformed("The body is not UTF-8.") from None
    except RecursionError:
        raise BodyMalformed("The body is nested too deeply.") from None


def convert(value: object, type_: type[T]) -> T:
    """Convert decoded JSON, such as a socket command. Raises InvalidField."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        _refuse_field(str(error))


def _refuse_field(message: str) -> NoReturn:
    match = _PLACE.match(message)
    problem, path = (match["problem"], match["path"] or "") if match else (message, "")
    path, in_map, _ = path.partition("[...]")  # which member of a map it is, the library does not tell
    named = None if in_map else _NAMED.search(problem)
    if named is not None:
        path = f"{path}.{named['name']}" if path else named["name"]
    raise InvalidField(path[:FIELD_CHARACTERS_MAX], _sentence(in_words(problem))[: 2 * FIELD_CHARACTERS_MAX]) from None


# The usual error of moments helps only those who know the RFC.
_WORDS: Final = {
    "Invalid RFC3339 encoded datetime": "A moment is wanted, such as 2026-12-01T09:00:00Z",
    "Expected `datetime` with a timezone component": "A moment needs its offset from UTC, such as Z",
}


def in_words(problem: str) -> str:
    """What msgspec says of a value, with a sentence in place of a pattern."""
    match = _FORM.fullmatch(problem)
    if match is None:
        return _WORDS.get(problem, problem)
    return explanation_of(match["pattern"]) or "It is not written as is wanted here"


def _sentence(text: str) -> str:
    return text.removeprefix("JSON is malformed: ").rstrip(".") + "."


def _is_json(media_type: str) -> bool:
    essence = media_type.split(";", maxsplit=1)[0].strip().lower()
    # A body without a type counts as JSON; a cross-site form does not.
    return essence in {"", "application/json"} or (essence.startswith("application/") and essence.endswith("+json"))


def changed_fields(edit: Struct, *, besides: frozenset[str]) -> dict[str, Any]:
    """The fields that a request sets, without those in `besides`."""
    values = {name: getattr(edit, name) for name in edit.__struct_fields__ if name not in besides}
    return {name: value for name, value in values.items() if value is not msgspec.UNSET}
