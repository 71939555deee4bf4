"""Reads JSON and timestamps that other programs wrote: fast if valid, leniently if not."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from typing import Any, Final

import msgspec

_DECODE: Final = msgspec.json.Decoder().decode
_FAULTS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# Beyond these, encoders and JavaScript differ.
_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**63 - 1
_INT_DIGITS_MAX: Final = 400


def read_json(text: str | bytes | msgspec.Raw) -> Any:
    """Decode JSON leniently: lone surrogates and invalid UTF-8 become U+FFFD, numbers beyond a double null, integers
    beyond 64 bits floats.

    Raises ValueError if it is no JSON or nested too deeply.
    """
    try:
        return _DECODE(text)
    except _FAULTS:
        return _read_leniently(text)


def is_moment(value: object) -> bool:
    """Whether it is a timestamp with an offset."""
    if not isinstance(value, str):
        return False
    try:
        moment = datetime.fromisoformat(value)
        return moment.tzinfo is not None and moment.timestamp() is not None
    except (ValueError, OverflowError):
        return False


def _read_leniently(text: str | bytes | msgspec.Raw) -> Any:
    written = text if isinstance(text, str) else bytes(memoryview(text)).decode("utf-8", "replace")
    try:
        value = json.loads(written, strict=False, parse_float=_float, parse_int=_int, parse_constant=lambda _: None)
        return _without_surrogates(value)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except ValueError:
        raise ValueError("it is no JSON") from None


def _float(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _int(digits: str) -> int | float | None:
    if len(digits) > _INT_DIGITS_MAX:
        return None
    number = int(digits)
    return number if _INT_MIN <= number <= _INT_MAX else _float(digits)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value
