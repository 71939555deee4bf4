"""Room membership: two inverse maps, changed together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Generic, Protocol, TypeVar


class Member(Protocol):
    """A member of rooms; its `rooms` is the inverse map, written only by `Rooms`."""

    rooms: set[str]


M = TypeVar("M", bound=Member)
M_contra = TypeVar("M_contra", contravariant=True)


class RoomObserver(Protocol[M_contra]):
    """Called at once when a member joined or left a room."""

    def room_joined(self, member: M_contra, room: str) -> None:
        """`member` is in `room` from now on."""

    def room_left(self, member: M_contra, room: str) -> None:
        """`member` is no longer in `room`."""


class Rooms(Generic[M]):
    """The rooms of a namespace. A room exists while it has members."""

    __slots__ = ("_members", "_observers")

    def __init__(self) -> None:
        self._members: dict[str, set[M]] = {}
        self._observers: tuple[tuple[str, RoomObserver[M]], ...] = ()

    def __repr__(self) -> str:
        return f"<Rooms {len(self._members)}>"

    def observe(self, prefix: str, observer: RoomObserver[M]) -> None:
        """Call `observer` for rooms with that prefix, from now on."""
        self._observers += ((prefix, observer),)

    def join(self, member: M, room: str) -> None:
        """Add `member` to `room`; idempotent."""
        members = self._members.setdefault(room, set())
        if member in members:
            return
        members.add(member)
        member.rooms.add(room)
        for prefix, observer in self._observers:
            if room.startswith(prefix):
                observer.room_joined(member, room)

    def leave(self, member: M, room: str) -> None:
        """Remove `member` from `room`; idempotent."""
        members = self._members.get(room)
        if members is None or member not in members:
            return
        members.remove(member)
        member.rooms.discard(room)
        if not members:
            del self._members[room]
        for prefix, observer in self._observers:
            if room.startswith(prefix):
                observer.room_left(member, room)

    def leave_all(self, member: M) -> None:
        """Remove `member` from every room."""
        for room in tuple(member.rooms):
            self.leave(member, room)

    def names(self) -> Collection[str]:
        """The rooms that exist now, as a live view."""
        return self._members.keys()

    def members(self, rooms: Sequence[str], except_: Iterable[str] = ()) -> Collection[M]:
        """The members of any of `rooms` and of none of `except_`, each once.

        For a single room this is the live set, uncopied: do not join or leave while iterating.
        """
        if len(rooms) == 1 and not except_:
            return self._members.get(rooms[0], frozenset())
        found = [members for room in rooms if (members := self._members.get(room)) is not None]
        if len(found) == 1 and not except_:
            return found[0]
        union: set[M] = set().union(*found)
        for room in except_:
            union -= self._members.get(room, frozenset())
        return union
