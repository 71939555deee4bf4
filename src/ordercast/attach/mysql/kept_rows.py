"""Rows as triggers have kept them: values by the letter before each name, as JSON tells them, and as SQL takes them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from ordercast.attach.json_values import number, parse

from .catalogue import Column, Table, quoted

_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?")
# MySQL's zero: no moment.
_NO_DAY: Final = "0000-00-00"


@dataclass(frozen=True, slots=True)
class KeptRow:
    """One row: its values as they were kept, by column."""

    values: dict[str, Any] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()

    @property
    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return {name: _told(value, self.kinds[name]) for name, value in self.values.items()}


def read_row(kept: str | None) -> KeptRow:
    if kept is None:
        return KeptRow()
    document: dict[str, Any] = json.loads(kept, parse_float=Decimal)
    kinds = {name[1:]: name[0].lower() for name in document}
    key = tuple(name[1:] for name in document if name[0].isupper())
    return KeptRow({name[1:]: value for name, value in document.items()}, kinds, key)


def moment(text: str) -> str | None:
    """A DATETIME, which has no zone: of UTC, as ORMs write it."""
    found = _MOMENT.fullmatch(text)
    if found is None or found[1] == _NO_DAY:
        return None
    return f"{found[1]}T{found[2]}.{(found[3] or '')[:3]:0<3}Z"


def seconds(value: Decimal | int) -> str | None:
    """A TIMESTAMP, in seconds of UTC."""
    milliseconds = int(value * 1000)
    if milliseconds == 0:
        return None
    whole = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def day(text: str) -> str | None:
    return None if text == _NO_DAY else text


_TELL: Final[Mapping[str, Callable[[Any], Any]]] = {
    "b": lambda value: bool(value) if value in {0, 1} else value,
    "d": day,
    "j": parse,
    "m": moment,
    "s": seconds,
    "x": lambda value: f"\\x{value.lower()}",
}


def _told(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind in _TELL:
        return _TELL[kind](value)
    return number(value) if isinstance(value, Decimal) else value


# --- As SQL takes it --------------------------------------------------------------------------------------------------


def question(expressions: Sequence[str], table: Table, *, has_old: bool = True) -> str:
    """A query for what expressions over NEW and OLD come to, of the values of both; or over NEW alone."""
    asked = ", ".join(f"({each.strip().rstrip(';').replace('%', '%%')}\n)" for each in expressions)
    row = ", ".join(f"{typed(column)} AS {quoted(column.name).replace('%', '%%')}" for column in table.columns.values())
    both = f"SELECT {asked} FROM (SELECT {row}) AS `NEW`"
    return f"{both} CROSS JOIN (SELECT {row}) AS `OLD`" if has_old else both


def parameters(table: Table, *rows: Mapping[str, Any]) -> list[Any]:
    """Values of the new row, and of the old one where that is asked for."""
    return [raw(row.get(column.name), column) for row in rows for column in table.columns.values()]


def typed(column: Column) -> str:
    """A parameter of the column's own type and collation, so that it is compared as the column would be."""
    kind = column.kind.lower()
    if column.charset:
        return f"CONVERT(%s USING {column.charset}) COLLATE {column.collation}"
    if column.is_json:
        return "CAST(%s AS JSON)"
    if column.is_shape:
        return "ST_GeomFromText(%s)"
    casts = {"m": "DATETIME(6)", "date": "DATE", "time": "TIME(6)"}
    cast = casts.get(kind) or casts.get(column.type)
    if cast is not None:
        return f"CAST(%s AS {cast})"
    return "FROM_UNIXTIME(%s)" if kind == "s" else "%s"


def raw(value: Any, column: Column) -> Any:
    """A kept value, as a parameter."""
    return bytes.fromhex(value) if column.kind.lower() == "x" and isinstance(value, str) else value
