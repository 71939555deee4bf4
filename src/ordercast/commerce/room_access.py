"""Who is in which room, and why: what a token opens, and whether a row's rooms are among them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from .rooms import EVERYBODY


class Reason(StrEnum):
    """Why somebody is in a room."""

    ROLE = "role"
    """Everybody of the role is in such a room: its own, as `customer_<id>`."""
    CLAIM = "claim"
    """The mapping file's `[rooms]` makes it of the token's claims."""
    RULE = "rule"
    """It was asked for, and a rule of the mapping file allows it."""
    WATCH = "watch"
    """It is watched, by `watch_order` or the like."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A room that a token opens."""

    room: str
    reason: Reason
    by: str
    """The role, the template, or the rule."""


class GrantRefused(ValueError):
    """Claims that make no rooms, or too many; the message is for people."""


class RoomGrants(Protocol):
    """The rooms that claims open, as a shop's mapping file says."""

    @property
    def roles(self) -> Collection[str]:
        """The shop's own names of roles, in their order; none of them is one of ours."""
        ...

    def of(self, roles: Sequence[str], claims: Mapping[str, Any]) -> tuple[Grant, ...]:
        """The rooms of somebody in these roles. Raises GrantRefused."""
        ...


# --- Rooms that are asked for ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoomRequester:
    """Who asks to join a room."""

    id: str
    role: str
    roles: tuple[str, ...]
    """All that the token names."""
    claims: Mapping[str, Any]
    name: str | None = None

    @property
    def person(self) -> str:
        return f"{self.role}:{self.id}"


@dataclass(frozen=True, slots=True)
class RoomQuestion:
    """May somebody be in a room? Two of the same are one question."""

    room: str
    rule: str
    """What the mapping file calls it: the template of such rooms."""
    number: int
    """Which of the file's rules."""
    person: str
    values: tuple[tuple[str, Any], ...]
    """All that the answer depends on, by name."""
    texts: frozenset[str] = field(compare=False)
    """What stands in the places of the room's name."""
    every_s: float = field(compare=False)
    """How often it is asked again."""


class RuleUnanswered(Exception):
    """A question that got no answer; the message is for the operator."""


class RuleChanges(NamedTuple):
    """Rules that may be answered otherwise now."""

    rules: frozenset[int]
    texts: frozenset[str] | None
    """The key of the row that changed; None where all may be."""


class RoomRules(Protocol):
    """The rules of a shop's mapping file; used from the loop."""

    def questions(self, room: str, requester: RoomRequester) -> tuple[RoomQuestion, ...]:
        """Those of which one must be answered by yes; none for a room that nobody like that may ask for."""
        ...

    async def allows(self, question: RoomQuestion, *, anew: bool) -> bool:
        """Ask; `anew`, or have an answer of a moment ago. Raises RuleUnanswered."""
        ...

    def changes_in(self, document: bytes) -> RuleChanges | None:
        """What a published row of the feed says about rules; None for a row of another kind."""
        ...


def may_see(joined: Collection[str], of_row: Iterable[str]) -> bool:
    """Whether who is in the rooms `joined` may see a row that is told to `of_row`: as an event to them would reach
    them. A socket's `rooms` say at each moment what it has joined, also before it has entered.
    """
    return any(room in joined for room in of_row if room != EVERYBODY)
