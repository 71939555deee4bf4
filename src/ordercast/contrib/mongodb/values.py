"""Values of BSON as JSON and our columns take them. What cannot be read is None, never an error and never NaN."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from bson import Binary, DBRef, Decimal128, Int64, ObjectId, Regex, json_util
from bson.binary import UUID_SUBTYPE
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.timestamp import Timestamp as BsonTimestamp

from ordercast.commerce.currencies import exponent_of
from ordercast.commerce.timestamps import YEAR_MAX, YEAR_MIN, timestamp

# JavaScript reads whole numbers exactly up to here.
INTEGER_MAX: Final = 2**53 - 1
TEXT_MAX: Final = 500
ID_MAX: Final = 128
UUID_BYTES: Final = 16

# A text that is no UTF-8, or a date of the year 300,000, must not end the stream that carries it.
CODEC: Final[CodecOptions[dict[str, Any]]] = CodecOptions(
    tz_aware=True,
    tzinfo=UTC,
    unicode_decode_error_handler="replace",
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)
_EXTENDED: Final = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL,
    tz_aware=True,
    tzinfo=UTC,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)
_ID: Final = re.compile(r"[\x21-\x7e]+")
# As Decimal128 has it: enough digits that scaling an amount rounds nothing.
_EXACT: Final = Context(prec=80, Emax=10_000, Emin=-10_000)


# --- Whole documents --------------------------------------------------------------------------------------------------


def to_extended_json(value: Any) -> str:
    """Canonical extended JSON, which keeps every BSON type: `from_extended_json` gives the same value again."""
    return json_util.dumps({"v": value}, json_options=_EXTENDED)


def from_extended_json(text: str) -> Any:
    return json_util.loads(text, json_options=_EXTENDED)["v"]


# --- Single values ----------------------------------------------------------------------------------------------------


def text(value: Any, length_max: int = TEXT_MAX) -> str | None:
    """A text to be shown; numbers and ids are written out. None for what is none, and for an empty one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, ObjectId, Decimal128)):
        value = str(value)
    # PostgreSQL's JSON has no NUL.
    return (value.replace("\0", "").strip()[:length_max] or None) if isinstance(value, str) else None


def whole(value: Any) -> int | None:
    """A whole number, however it is written."""
    number = _decimal(value)
    if number is None or number != number.to_integral_value() or abs(number) > INTEGER_MAX:
        return None
    return int(number)


def minor(value: Any, currency: str) -> int | None:
    """An amount of major units, as ``12.5``, in minor units of `currency`: exactly, a half to the even neighbour."""
    number = _decimal(value)
    if number is None or number < 0 or number > INTEGER_MAX:
        return None
    scaled = int(number.scaleb(exponent_of(currency), _EXACT).to_integral_value(ROUND_HALF_EVEN))
    return scaled if scaled <= INTEGER_MAX else None


def moment_of(value: Any) -> str | None:
    """A date, or a text that is one, as our moments are written."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime) or not YEAR_MIN <= value.year <= YEAR_MAX:
        return None
    zoned = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return timestamp(round(zoned.timestamp() * 1000))


def name_of(value: Any) -> str | None:
    """An id as people and programs name it: an ObjectId's 24 digits, a UUID, a number, a plain text.

    An embedded document is named by its own ``_id``. None for what no URL and no room could be made of.
    """
    if isinstance(value, Mapping):
        return name_of(value.get("_id", value.get("id")))
    if isinstance(value, Binary) and value.subtype == UUID_SUBTYPE:
        return str(value.as_uuid())
    if isinstance(value, (ObjectId, Int64)) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    if isinstance(value, str) and len(value) <= ID_MAX and _ID.fullmatch(value):
        return value
    return None


def time_of(value: BsonTimestamp) -> str:
    """A cluster time as a text that sorts as the times do."""
    return f"{value.time:010d}.{value.inc:010d}"


def timestamp_of(time: str) -> BsonTimestamp:
    seconds, _, increment = time.partition(".")
    return BsonTimestamp(int(seconds), int(increment))


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, Decimal128):
            number = value.to_decimal()
        elif isinstance(value, float):
            number = Decimal(repr(value))  # 19.99 as it is shown, not as the binary fraction nearest to it
        elif isinstance(value, (int, str)):
            number = Decimal(value)
        else:
            return None
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


# --- As JSON has them -------------------------------------------------------------------------------------------------


def to_json(value: Any) -> Any:
    """A value as JSON has it: ids, decimals and moments as people write them, what JSON has no word for as null."""
    for types, json_of in _JSON_OF:
        if isinstance(value, types):
            return json_of(value)
    return None


def _without_nul(text: str) -> str:
    return str(text).replace("\0", "")  # PostgreSQL's JSON has none


def _moment_to_json(value: datetime) -> str:
    zoned = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _decimal_to_json(value: Decimal128) -> int | float | None:
    """As whoever reads JSON has it: whole numbers to the digit, others as doubles."""
    number = value.to_decimal()
    if not number.is_finite():
        return None
    return int(number) if number == number.to_integral_value() and abs(number) <= INTEGER_MAX else float(number)


def _bytes_to_json(value: bytes) -> str:
    is_uuid = isinstance(value, Binary) and value.subtype == UUID_SUBTYPE and len(value) == UUID_BYTES
    return str(UUID(bytes=bytes(value))) if is_uuid else f"\\x{value.hex()}"


# The first that a value is. Code is a text too, and true a whole number.
_JSON_OF: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...]] = (
    (bool, bool),
    (str, _without_nul),
    (int, int),
    (float, lambda value: value if math.isfinite(value) else None),
    (Mapping, lambda value: {_without_nul(name): to_json(each) for name, each in value.items()}),
    ((list, tuple), lambda value: [to_json(each) for each in value]),
    (ObjectId, str),
    (datetime, _moment_to_json),
    (BsonTimestamp, lambda value: _moment_to_json(value.as_datetime())),
    (Decimal128, _decimal_to_json),
    (bytes, _bytes_to_json),
    (DBRef, lambda value: to_json(value.as_doc())),
    (Regex, lambda value: value.pattern),
)
