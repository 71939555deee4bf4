"""The mapping file, ``ordercast.toml``: which changes of which tables are told, to whom, and as what.

It is read and checked here as far as it says by itself; what a database must have for it, each compiler asks there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ordercast.db.event_names import CONNECTION_EVENTS

from . import toml_lines
from .claim_rooms import RIGHTS_ROOM, ClaimRooms
from .filters import faults_of_filter
from .room_rules import Rule
from .room_sections import RoomSections
from .sections import VERBS, Section, Verb
from .templates import NEW, OLD, VIEW, Field, Payload, Template, TemplateError, fields_in, parse
from .watches import Watch, WatchSection, of_columns

__all__ = ["VERBS", "Emit", "Fault", "Mapping", "MappingError", "Section", "Verb", "Watch", "read"]

# More than any shop has tables, and few enough to look at each every few seconds.
EMITS_MAX: Final = 500
FILE_BYTES_MAX: Final = 1_000_000
EVENT_MAX: Final = 128
ROOMS_MAX: Final = 100
ARGS_MAX: Final = 32

RIGHTS_EVENT: Final = "rights_changed"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong, and where."""

    line: int
    sentence: str


class MappingError(Exception):
    """A mapping file that cannot be used; its text has a line for each fault."""

    def __init__(self, path: Path, faults: list[Fault]) -> None:
        self.faults = sorted(faults)
        super().__init__("\n".join(f"{path}:{fault.line}: {fault.sentence}" for fault in self.faults))


@dataclass(frozen=True, slots=True)
class Emit(Section):
    """One ``[[emit]]``."""

    name: str
    table: str
    on: tuple[Verb, ...]
    event: str
    rooms: tuple[Template, ...]
    args: tuple[Payload, ...]
    changed: tuple[str, ...] = ()
    when: str = ""
    sql: dict[str, str] = field(default_factory=dict)
    view: str = ""
    at_commit: bool = False
    may_fail_writes: bool = False
    lines: dict[toml_lines.Path, int] = field(default_factory=dict, compare=False)
    filter: dict[str, Any] = field(default_factory=dict)
    """`when` of a mapping over documents, in place of the SQL."""

    @property
    def fields(self) -> Iterator[tuple[toml_lines.Path, Field]]:
        """Every field of its rooms and arguments, with the part of the file that has it."""
        for number, room in enumerate(self.rooms):
            yield from ((("rooms", number), each) for each in room.fields)
        for each in (each for argument in self.args for each in fields_in(argument)):
            yield (("payload",) if ("payload",) in self.lines else ("args",)), each


@dataclass(frozen=True, slots=True)
class Mapping:
    """A whole file."""

    path: Path
    emits: tuple[Emit, ...] = ()
    watches: tuple[Watch, ...] = ()
    built_in: bool = True
    """Whether the shop of ours is served besides."""
    source: str = ""
    """The URL of the database whose tables these are; empty: the one that is served."""
    rooms: ClaimRooms = field(default_factory=ClaimRooms)
    """``[rooms]``: what the claims of a token open."""
    rules: tuple[Rule, ...] = ()
    """``[[room]]``: what is asked for."""

    @property
    def events(self) -> int:
        """How many events are told to people."""
        return sum(all(room.constant != RIGHTS_ROOM for room in emit.rooms) for emit in self.emits)

    @property
    def summary(self) -> str:
        """What it comes to, a clause."""
        events, tables = self.events, len(self.watches)
        told = f"{events} {'event is' if events == 1 else 'events are'} told"
        return told + (f", {tables} {'table' if tables == 1 else 'tables'} may be watched" if tables else "")

    @property
    def sections(self) -> tuple[Section, ...]:
        """All that becomes triggers."""
        return (*self.emits, *self.watches)

    def fault(self, line: int, sentence: str) -> str:
        return f"{self.path}:{line}: {sentence}"


# --- As the file has it -----------------------------------------------------------------------------------------------

_Text = Annotated[str, Meta(min_length=1)]


class _Shop(Struct, frozen=True, forbid_unknown_fields=True):
    built_in: bool = True


class _Source(Struct, frozen=True, forbid_unknown_fields=True):
    url: _Text


class _Emit(Struct, frozen=True, forbid_unknown_fields=True):
    table: _Text
    on: Verb | Annotated[list[Verb], Meta(min_length=1)]
    event: Annotated[str, Meta(min_length=1, max_length=EVENT_MAX)]
    rooms: Annotated[list[_Text], Meta(min_length=1, max_length=ROOMS_MAX)]
    name: Annotated[str, Meta(min_length=1, max_length=100)] = ""
    changed: Annotated[list[_Text], Meta(min_length=1)] | None = None
    when: _Text | dict[str, Any] | None = None
    payload: Any = UNSET
    args: Annotated[list[Any], Meta(max_length=ARGS_MAX)] | UnsetType = UNSET
    sql: dict[str, _Text] = {}
    view: str = ""
    at: Literal["write", "commit"] = "write"
    on_error: Literal["skip", "fail"] = "skip"


_SECTIONS: Final[dict[str, type[Struct]]] = {"shop": _Shop, "source": _Source}
_ARRAYS: Final = ("emit", "room", "watch")
_AT: Final = re.compile(r" - at `\$([^`]*)`$")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`")
_IN_TOML: Final = {"bool": "true or false", "str": "a text", "array": "a list", "object": "a table", "int": "a number"}


def read(path: Path) -> Mapping:
    """Read and check a mapping file. Raises MappingError with all that is wrong with it, or OSError."""
    content = path.read_bytes()
    if len(content) > FILE_BYTES_MAX:
        raise MappingError(path, [Fault(1, f"the file is larger than {FILE_BYTES_MAX} bytes")])
    try:
        text = content.decode()
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise MappingError(path, [Fault(line, "a mapping file is UTF-8")]) from None
    except tomllib.TOMLDecodeError as error:
        raise MappingError(path, [_syntax_fault(str(error), content)]) from None
    return _Reading(path, document, toml_lines.lines_of(text)).mapping()


def _syntax_fault(sentence: str, content: bytes) -> Fault:
    found = re.search(r" \(at line (\d+), column \d+\)$", sentence)
    line = int(found[1]) if found else content.count(b"\n") + 1
    return Fault(line, f"no TOML: {re.sub(r' [(]at .*[)]$', '', sentence)}")


class _Reading:
    def __init__(self, path: Path, document: dict[str, Any], lines: dict[toml_lines.Path, int]) -> None:
        self._path = path
        self._document = document
        self._lines = lines
        self._faults: list[Fault] = []

    def mapping(self) -> Mapping:
        for name in self._document.keys() - {*_SECTIONS, *_ARRAYS, "rooms"}:
            known = "[shop], [source], [rooms], [[room]], [[emit]] and [[watch]]"
            self._fault((name,), f"[{name}] is no section; there are {known}")
        shop, source = self._section("shop"), self._section("source")
        built_in = shop.built_in if isinstance(shop, _Shop) else True
        sections = RoomSections(self._converted, self._template, self._fault, self._lines, is_built_in=built_in)
        rooms = sections.claim_rooms(self._document.get("rooms", {}))
        rules = tuple(sections.rules(self._document.get("room", []), rooms))
        emits, watches = [*self._emits(), *_rights_emits(rules)], list(self._watches())
        self._check_names([*emits, *watches])
        sections.check_shadows(
            rooms, [*(each for section in (*emits, *watches) for each in section.rooms), *(rule.room for rule in rules)]
        )
        if self._faults:
            raise MappingError(self._path, self._faults)
        source_url = source.url if isinstance(source, _Source) else ""
        return Mapping(self._path, tuple(emits), tuple(watches), built_in, source_url, rooms, rules)

    def _section(self, name: str) -> Struct | None:
        if name not in self._document:
            return None
        section: Struct | None = self._converted(self._document[name], _SECTIONS[name], (name,))
        return section

    def _emits(self) -> Iterator[Emit]:
        for number, table in enumerate(self._tables("emit", "an event")):
            raw = self._converted(table, _Emit, ("emit", number))
            if isinstance(raw, _Emit) and (emit := self._emit(raw, ("emit", number))) is not None:
                yield emit

    def _watches(self) -> Iterator[Watch]:
        for number, table in enumerate(self._tables("watch", "a table to be watched")):
            raw = self._converted(table, WatchSection, ("watch", number))
            if isinstance(raw, WatchSection) and (watch := self._watch(raw, ("watch", number))) is not None:
                yield watch

    def _tables(self, name: str, what: str) -> list[dict[str, Any]]:
        tables = self._document.get(name, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self._fault((name,), f"{what} is written as [[{name}]], with two brackets")
            return []
        if len(tables) > EMITS_MAX:
            self._fault((name, EMITS_MAX), f"there are at most {EMITS_MAX} [[{name}]]")
            return []
        return tables

    def _converted(self, value: Any, type_: Any, path: toml_lines.Path) -> Any:
        """The value as of that type; None where it is not, which is a fault."""
        try:
            return msgspec.convert(value, type_)
        except msgspec.ValidationError as error:
            words, at = str(error), path
            if (found := _AT.search(words)) is not None:
                at = (*path, *_steps(found[1]))
                words = words[: found.start()]
            if (unknown := _UNKNOWN.fullmatch(words)) is not None:
                at, words = (*at, unknown[1]), f"{unknown[1]} is no word of this section"
            self._fault(at, _in_words(words, at[-1]))
            return None

    def _emit(self, raw: _Emit, path: toml_lines.Path) -> Emit | None:
        before = len(self._faults)
        on = tuple(dict.fromkeys([raw.on] if isinstance(raw.on, str) else raw.on))
        if raw.event in CONNECTION_EVENTS:
            self._fault(
                (*path, "event"), f"{raw.event} is a name of Socket.IO's or ours, by which connections are told"
            )
        if raw.changed is not None and "update" not in on:
            self._fault((*path, "changed"), 'changed speaks of updates: add "update" to `on`')
        if raw.payload is not UNSET and raw.args is not UNSET:
            self._fault((*path, "args"), "an event has `payload`, its one argument, or `args`, all of them")
        if isinstance(raw.when, dict):
            for at, sentence in faults_of_filter(raw.when):
                self._fault((*path, "when", *at), sentence)
        self._check_sql(raw.sql, path)
        rooms = [self._template(text, (*path, "rooms", number)) for number, text in enumerate(raw.rooms)]
        arguments = (
            raw.args if not isinstance(raw.args, UnsetType) else ["{*}" if raw.payload is UNSET else raw.payload]
        )
        where: toml_lines.Path = (*path, "payload" if raw.args is UNSET else "args")
        args = tuple(self._payload(value, where) for value in arguments)
        if len(self._faults) > before:
            return None
        return Emit(
            raw.name or f"{raw.event} of {raw.table}",
            raw.table,
            on,
            raw.event,
            tuple(room for room in rooms if room is not None),
            args,
            tuple(raw.changed or ()),
            raw.when if isinstance(raw.when, str) else "",
            raw.sql,
            raw.view,
            raw.at == "commit",
            raw.on_error == "fail",
            self._lines_within(path),
            raw.when if isinstance(raw.when, dict) else {},
        )

    def _check_sql(self, sql: dict[str, str], path: toml_lines.Path) -> None:
        for name in sql:
            if name in {OLD, NEW, VIEW, "*", ""} or "." in name:
                self._fault((*path, "sql", name), f"no expression can be called {name!r}")

    def _watch(self, raw: WatchSection, path: toml_lines.Path) -> Watch | None:
        before = len(self._faults)
        if raw.columns is not None and raw.payload is not UNSET:
            self._fault((*path, "payload"), "a row is told by `columns` or by `payload`")
        self._check_sql(raw.sql, path)
        rooms = [self._template(text, (*path, "rooms", number)) for number, text in enumerate(raw.rooms)]
        payload: Payload = (
            of_columns(raw.columns)
            if raw.columns is not None
            else self._payload("{*}" if raw.payload is UNSET else raw.payload, (*path, "payload"))
        )
        if len(self._faults) > before:
            return None
        made = Watch(
            raw.name or raw.table,
            raw.table,
            tuple(room for room in rooms if room is not None),
            payload,
            tuple(dict.fromkeys(raw.where)),
            raw.limit,
            raw.sql,
            raw.view,
            self._lines_within(path),
        )
        for part, each in made.fields:
            if each.is_old:
                self._fault((*path, *part), "a row is watched as it is; there is no `old` of it")
            if part[0] in {"rooms", "where"} and made.is_named(each):
                what = "who may see a row" if part[0] == "rooms" else "what a filter asks for"
                self._fault((*path, *part), f"{what} is a column of its own, for it must be known of what it was too")
        return made

    def _lines_within(self, path: toml_lines.Path) -> dict[toml_lines.Path, int]:
        return {at[len(path) :]: line for at, line in self._lines.items() if at[: len(path)] == path}

    def _template(self, text: str, path: toml_lines.Path) -> Template | None:
        try:
            return parse(text)
        except TemplateError as error:
            self._fault(path, str(error))
            return None

    def _payload(self, value: Any, path: toml_lines.Path) -> Payload:
        if isinstance(value, str):
            return self._template(value, path)
        if isinstance(value, dict):
            return {name: self._payload(each, (*path, name)) for name, each in value.items()}
        if isinstance(value, list):
            return [self._payload(each, (*path, number)) for number, each in enumerate(value)]
        if isinstance(value, datetime | date | time):
            self._fault(path, "a payload has no moments of TOML; write a text")
        return value  # type: ignore[no-any-return]

    def _check_names(self, sections: list[Section]) -> None:
        known: dict[str, Section] = {}
        for emit in sections:
            first = known.setdefault(emit.name, emit)
            if first is not emit:
                self._faults.append(
                    Fault(emit.line, f"{emit.name!r} is in line {first.line} already; give this one a `name`")
                )

    def _fault(self, path: toml_lines.Path, sentence: str) -> None:
        while path and path not in self._lines:
            path = path[:-1]
        self._faults.append(Fault(self._lines.get(path, 1), sentence))


def _rights_emits(rules: tuple[Rule, ...]) -> Iterator[Emit]:
    """What has triggers tell the nodes, and nobody else, that a row of a table changed on which a rule depends."""
    lines: dict[str, int] = {}
    for rule in rules:
        for table in rule.tables:
            lines.setdefault(table, rule.line)
    for table, line in lines.items():
        name = f"{RIGHTS_EVENT} of {table}"
        yield Emit(name, table, VERBS, RIGHTS_EVENT, (Template((RIGHTS_ROOM,)),), (), lines={(): line})


def _steps(path: str) -> toml_lines.Path:
    """``.rooms[1]`` as keys and numbers."""
    return tuple(int(number) if number else name for name, number in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path))


def _in_words(words: str, name: str | int) -> str:
    """msgspec's sentence in words of TOML."""
    if (missing := re.fullmatch(r"Object missing required field `(.*)`", words)) is not None:
        return f"`{missing[1]}` is missing"
    words = re.sub(r"`(\w+)`", lambda found: _IN_TOML.get(found[1], f"`{found[1]}`"), words)
    return words if words.endswith("section") else f"{name}: {words[:1].lower()}{words[1:]}"
