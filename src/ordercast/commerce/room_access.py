"""Who is in which room, and why: what a token opens, and whether a row's rooms are among them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

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


def may_see(joined: Collection[str], of_row: Iterable[str]) -> bool:
    """Whether who is in the rooms `joined` may see a row that is told to `of_row`: as an event to them would reach
    them. A socket's `rooms` say at each moment what it has joined, also before it has entered.
    """
    return any(room in joined for room in of_row if room != EVERYBODY)
