"""JSON at the edge of the wire: msgspec, with the two places where JavaScript and strict JSON part.

What is sent goes by orjson where it can: it refuses bytes, so nobody need look for them first, which took longer than
all the encoding.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec
import orjson

from .errors import MalformedPacket, UnencodableValue

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()
# Escaped backslashes too, so that none is taken for the beginning of an escape; pairs before halves.
_SURROGATES = re.compile(
    rb"\\(?:\\|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2}))"
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def decode_json(text: bytes) -> Any:
    """Parse JSON text. Raises MalformedPacket, also for nesting deeper than the interpreter's stack."""
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise MalformedPacket("JSON", "is nested too deeply") from None
    except ValueError as error:  # msgspec.DecodeError, and UnicodeDecodeError for strings that are not UTF-8
        return _decode_repaired(replace_lone_surrogates(text), error)


def _decode_repaired(text: bytes, error: ValueError) -> Any:
    """Parse what other languages write and strict JSON has not, if that was the `error`: a string that was cut inside
    an emoji, once each half is U+FFFD, and numbers that are none, as null, which is what JavaScript makes of them.
    """
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise MalformedPacket("JSON", "is nested too deeply") from None
    except ValueError:
        if _NUMBERS.search(text) is None:
            raise MalformedPacket("JSON", str(error)) from None
    try:
        return _number_decoder.decode(text.decode())
    except RecursionError:
        raise MalformedPacket("JSON", "is nested too deeply") from None
    except ValueError:
        raise MalformedPacket("JSON", str(error)) from None


# Python's own encoder writes the words; a number past a double's range is valid JSON, and infinite in JavaScript.
_NUMBERS = re.compile(rb"NaN|Infinity|[0-9][eE]\+?[0-9]{3}|[0-9]{309}")


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


_number_decoder = json.JSONDecoder(parse_float=_finite, parse_constant=lambda _name: None)


def replace_lone_surrogates(text: bytes) -> bytes:
    """Give JSON text with U+FFFD for each escape of half a surrogate pair, which JavaScript writes of a cut string."""
    return _SURROGATES.sub(_without_half, text)


def _without_half(escape: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if escape[1] else escape[0]


def _replaced(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, (list, tuple)):
        return [_replaced(item) for item in value]
    if isinstance(value, dict):
        return {_replaced(key): _replaced(item) for key, item in value.items()}
    return value


_PLAIN = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS


def encode_plain_json(value: Any) -> bytes:
    """Give what `encode_json` gives for the types of JSON itself. Raises TypeError for all else, bytes above all."""
    return orjson.dumps(value, None, _PLAIN)


def encode_json(value: Any) -> bytes:
    """Give compact JSON; NaN and infinities become null, as JavaScript has it. Raises UnencodableValue."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encode_lone_surrogates(value)
    except RecursionError:
        raise UnencodableValue("the value is nested too deeply, or contains itself") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise UnencodableValue(str(error)) from None


def _encode_lone_surrogates(value: Any) -> bytes:
    """Send what can be sent of a string with half an emoji in it."""
    try:
        return _encoder.encode(_replaced(msgspec.to_builtins(value, str_keys=True)))
    except (RecursionError, TypeError, ValueError, OverflowError) as error:
        raise UnencodableValue(str(error)) from None
