"""``[[room]]``: rooms that are asked for, ``order_{id}``, and the rule that allows one: by SQL, or by a webhook.

This is the rule as the file has it: which rooms it is for, and which values its question is asked with. Who asks, and
how long an answer is good, is in ``rule_answers``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ordercast.commerce.room_access import RoomRequester

from .claim_rooms import ROOM_CHARACTERS_MAX, SUBJECT, is_plain
from .templates import Field, Template

ROLE: Final = "role"
# Rights that are taken away end within a second: this often where no table is named whose changes tell of it.
UNTOLD_EVERY_S: Final = 0.5
# And where one is, or another program answers.
EVERY_S: Final = 60
EVERY_S_MAX: Final = 3_600
# For the tabs of one person, which come at once.
ANSWER_S: Final = 0.25
# A webhook is another program's work: it is asked again at its rule's interval.
WEBHOOK_ANSWER_S: Final = 10.0
# What is no parameter: literals, names in quotes, comments, casts. Else a name behind a colon.
_TOKEN: Final = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | --[^\n]* | /\*.*?\*/ | (\$\w*\$).*?\1 | :: | :([A-Za-z_]\w*)""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``[[room]]``."""

    room: Template
    roles: frozenset[str] = frozenset()
    """Who may ask; empty: whoever has a token."""
    sql: str = ""
    authorize: str = ""
    """The webhook's URL, in place of a question."""
    tables: tuple[str, ...] = ()
    """It is asked again when a row of these changes."""
    every_s: float = EVERY_S
    line: int = 1
    line_of_sql: int = 1

    @property
    def name(self) -> str:
        return str(self.room)

    @property
    def answer_s(self) -> float:
        """How long an answer is good for who asks next."""
        return ANSWER_S if self.sql else min(self.every_s, WEBHOOK_ANSWER_S)

    def fields_in(self, room: str) -> dict[str, str] | None:
        """What stands in the places of a room's name; None for a room that is not this rule's."""
        found = _pattern(self.room).fullmatch(room) if len(room) <= ROOM_CHARACTERS_MAX and is_plain(room) else None
        if found is None:
            return None
        names = [each.name for each in self.room.fields]
        values = dict(zip(names, found.groups(), strict=True))
        # Two readings of one name would be two questions: what parts the places stands in none of them.
        between = [part for part in self.room.parts[1:] if isinstance(part, str)]
        return None if any(part in value for part in between for value in values.values()) else values

    def may_ask(self, requester: RoomRequester) -> bool:
        return not self.roles or not self.roles.isdisjoint(requester.roles)

    def values(self, fields: Mapping[str, str], requester: RoomRequester) -> dict[str, Any]:
        """What its question is asked with: places of the room's name, else `:sub`, `:role`, or a claim."""
        known = {**requester.claims, SUBJECT: requester.id, ROLE: requester.role, **fields}
        return {name: _value(known.get(name)) for name in parameters(self.sql)}


def _pattern(room: Template) -> re.Pattern[str]:
    return re.compile("".join(re.escape(part) if isinstance(part, str) else "(.+?)" for part in room.parts), re.DOTALL)


def _value(claim: Any) -> Any:
    """A claim as a question takes it: a text, a list of texts, or nothing."""
    match claim:
        case None | str():
            return claim
        case bool():
            return "true" if claim else "false"
        case list():
            return tuple(text for each in claim if isinstance(text := _value(each), str))
        case dict():
            return msgspec.json.encode(claim).decode()
        case _:
            return str(claim)


# --- Its SQL ----------------------------------------------------------------------------------------------------------


def parameters(sql: str) -> list[str]:
    """The names of a question's parameters."""
    return list(dict.fromkeys(found[2] for found in _TOKEN.finditer(sql) if found[2]))


def with_parameters(sql: str) -> str:
    """The question with psycopg's parameters, ``%(name)s``."""
    made, at = list[str](), 0
    for found in _TOKEN.finditer(sql):
        made.append(sql[at : found.start()].replace("%", "%%"))
        made.append(f"%({found[2]})s" if found[2] else found[0].replace("%", "%%"))
        at = found.end()
    return "".join((*made, sql[at:].replace("%", "%%")))


def with_strict_names(sql: str) -> str:
    """The question with names in backquotes: one in double quotes is a text to MySQL, and to SQLite if there is no such
    name; and who asks may be called so.
    """
    return _TOKEN.sub(lambda found: _backquoted(found[0]) if found[0].startswith('"') else found[0], sql)


def _backquoted(name: str) -> str:
    return "`" + name[1:-1].replace('""', '"').replace("`", "``") + "`"


def question(sql: str) -> str:
    """One row of it at most. Behind it a line ends, for a comment may."""
    return f"SELECT * FROM ({sql.strip().rstrip(';')}\n) AS asked LIMIT 1"


def is_yes(row: Any) -> bool:
    """Whether the first row of an answer allows: there is one, and it begins with neither null, false nor 0."""
    return row is not None and bool(row[0])


def sql_fault(sql: str) -> str | None:
    """Why this is no question, as far as it says by itself."""
    bare = _TOKEN.sub(lambda found: "" if found[2] is None else "x", sql.strip().rstrip(";"))
    if ";" in bare:
        return "a question is one SELECT"
    if re.match(r"\s*(select|with|values|table)\b", bare, re.IGNORECASE) is None:
        return "a question is a SELECT"
    return None


# --- Its room ---------------------------------------------------------------------------------------------------------


def room_fault(room: Template) -> str | None:
    """Why nobody could ask for such a room."""
    fields = [*room.fields]
    if not fields:
        return "a room that is asked for has a place in its name, as order_{id}"
    names = [each.name for each in fields]
    if any(each.path or each.is_old or each.name == "*" for each in fields) or len(set(names)) < len(names):
        return "each place of a room's name is a word of its own, as {id}"
    if {SUBJECT, ROLE} & set(names):
        return ":sub and :role are who asks, and no places of a room's name"
    if any(isinstance(a, Field) and isinstance(b, Field) for a, b in zip(room.parts, room.parts[1:], strict=False)):
        return "two places of a room's name need a text between them"
    return None
