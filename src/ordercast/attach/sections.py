"""What every section of a mapping file that becomes triggers has: an ``[[emit]]``, and a ``[[watch]]``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Literal, TypeAlias, get_args

from . import toml_lines
from .templates import EVERY, VIEW, Field, Template

Verb: TypeAlias = Literal["insert", "update", "delete"]
VERBS: tuple[Verb, ...] = get_args(Verb)


class Section:
    """A section, whose lines are known."""

    __slots__ = ()

    name: str
    table: str
    """As the file names it; a dot parts schema and table."""
    on: tuple[Verb, ...]
    event: str
    rooms: tuple[Template, ...]
    changed: tuple[str, ...]
    when: str
    sql: dict[str, str]
    view: str
    at_commit: bool
    may_fail_writes: bool
    lines: dict[toml_lines.Path, int]
    """Where its parts stand; ``()`` is its first line."""

    @property
    def id(self) -> str:
        """What its trigger is known by: the same for as long as it has its name."""
        return hashlib.blake2b(self.name.encode(), digest_size=6).hexdigest()

    @property
    def line(self) -> int:
        return self.lines.get((), 1)

    @property
    def depends_on_all(self) -> bool:
        """Whether what is told may need any column: nobody knows which of them SQL reads."""
        return bool(self.sql) or any(each.name == EVERY for _, each in self.fields)

    @property
    def fields(self) -> Iterator[tuple[toml_lines.Path, Field]]:
        """Every field of its templates, with the part of the file that has it."""
        raise NotImplementedError

    def columns(self) -> dict[str, int]:
        """The columns of the table that it names outside of SQL, with a line of each."""
        found = {name: self.line_of("changed", number) for number, name in enumerate(self.changed)}
        for path, each in self.fields:
            if each.name not in {*self.sql, "*"} and not (self.view and each.name == VIEW):
                found.setdefault(each.name, self.line_of(*path))
        return found

    def line_of(self, *path: str | int) -> int:
        """The line of a part, or of the nearest around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, self.line)
