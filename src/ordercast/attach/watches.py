"""``[[watch]]`` of a mapping file: a table whose rows may be watched, by whom, and by which columns they are found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeAlias

from msgspec import UNSET, Meta, Struct

from ordercast.db.watched_rows import ColumnKind, WatchableTable

from . import toml_lines
from .sections import VERBS, Section
from .templates import EVERY, VIEW, Field, Payload, Template, fields_in

# More than a page shows, and a second's work of a database.
LIMIT_MAX: Final = 10_000
LIMIT: Final = 1_000
# Each is one more index, where it is to be quick.
WHERE_MAX: Final = 8
ROOMS_MAX: Final = 100
COLUMNS_MAX: Final = 500

_Text: TypeAlias = Annotated[str, Meta(min_length=1)]


class WatchSection(Struct, frozen=True, forbid_unknown_fields=True):
    """As the file has it."""

    table: _Text
    rooms: Annotated[list[_Text], Meta(min_length=1, max_length=ROOMS_MAX)]
    name: Annotated[str, Meta(min_length=1, max_length=100)] = ""
    columns: Annotated[list[_Text], Meta(min_length=1, max_length=COLUMNS_MAX)] | None = None
    payload: Any = UNSET
    sql: dict[str, _Text] = {}
    view: str = ""
    where: Annotated[list[_Text], Meta(max_length=WHERE_MAX)] = []
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT


@dataclass(frozen=True, slots=True)
class Watch(Section):
    """One ``[[watch]]``."""

    shown: str
    """As those who watch call the table."""
    table: str
    rooms: tuple[Template, ...]
    payload: Payload
    where: tuple[str, ...]
    limit: int
    sql: dict[str, str] = field(default_factory=dict)
    """Names in what is told of a row."""
    view: str = ""
    lines: dict[toml_lines.Path, int] = field(default_factory=dict, compare=False)

    on = VERBS
    event = "row_changed"
    changed = ()
    when = ""
    at_commit = False
    may_fail_writes = False

    @property
    def name(self) -> str:  # type: ignore[override] # of what it is made, where the others have it written
        return f"watch of {self.shown}"

    @property
    def fields(self) -> Iterator[tuple[toml_lines.Path, Field]]:
        for number, room in enumerate(self.rooms):
            yield from ((("rooms", number), each) for each in room.fields)
        part = "columns" if ("columns",) in self.lines else "payload"
        yield from (((part,), each) for each in fields_in(self.payload))
        yield from ((("where", number), Field(name)) for number, name in enumerate(self.where))

    @property
    def depends_on_all(self) -> bool:
        """As of any section; and a view's row may change with any column, too."""
        return bool(self.sql or self.view) or any(each.name == EVERY for each in fields_in(self.payload))

    def is_named(self, each: Field) -> bool:
        """Whether it is what SQL comes to, and no column."""
        return each.name in self.sql or bool(self.view and each.name == VIEW)

    def watchable(self, key: Mapping[str, ColumnKind], where: Mapping[str, ColumnKind]) -> WatchableTable:
        """What may be asked of it, in a database where its columns are of these kinds."""
        constants = frozenset(room.constant for room in self.rooms if room.constant)
        forms = tuple(_form(room) for room in self.rooms if room.constant is None)
        return WatchableTable(self.shown, key, where, self.limit, constants, forms)


def _form(room: Template) -> re.Pattern[str]:
    return re.compile("".join(re.escape(part) if isinstance(part, str) else ".+" for part in room.parts), re.DOTALL)


def of_columns(names: Sequence[str]) -> Payload:
    """What is told of a row, where that is some of its columns."""
    return {name: Template((Field(name),)) for name in names}
