"""Values that databases give, as JSON can have them."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any


def parse(text: str) -> Any:
    """What a text of JSON says. A number past a double's range, which databases take, is null. Raises ValueError."""
    return json.loads(text, parse_float=_finite, parse_constant=_refuse)


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def parsed(value: Any) -> Any:
    """A text that is JSON's object or list, as that; anything else as it is."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return parse(value)
        except ValueError:
            return value
    return value


def answered(value: Any) -> Any:
    """What an expression of SQL gave: JSON comes out of SQLite and MySQL as a text."""
    if isinstance(value, Decimal):
        return number(value)
    return f"\\x{value.hex()}" if isinstance(value, bytes) else parsed(value)


def number(value: Decimal) -> int | float | None:
    """As whoever reads JSON has it: whole numbers to the digit, others as doubles."""
    return int(value) if value.as_tuple().exponent == 0 else _finite(str(value))
