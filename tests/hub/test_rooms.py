"""Who is in which room: two maps that never disagree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ordercast.hub.rooms import Rooms


class Member:
    def __init__(self) -> None:
        self.rooms: set[str] = set()


@given(st.lists(st.tuples(st.sampled_from(["join", "leave", "leave_all"]), st.integers(0, 3), st.sampled_from("xyz"))))
def test_the_two_maps_stay_each_others_inverse(steps: list[tuple[str, int, str]]) -> None:
    rooms: Rooms[Member] = Rooms()
    members = [Member() for _ in range(4)]

    for step, number, room in steps:
        if step == "leave_all":
            rooms.leave_all(members[number])
        else:
            getattr(rooms, step)(members[number], room)

        assert set(rooms.names()) == set().union(*(member.rooms for member in members))
        for name in "xyz":
            assert set(rooms.members([name])) == {member for member in members if name in member.rooms}


@given(
    st.lists(st.sets(st.sampled_from("xyz")), min_size=4, max_size=4),
    st.lists(st.sampled_from("xyz!"), max_size=3),
    st.lists(st.sampled_from("xyz!"), max_size=3),
)
def test_an_audience_is_a_union_less_a_union(where: list[set[str]], named: list[str], excluded: list[str]) -> None:
    rooms: Rooms[Member] = Rooms()
    members = [Member() for _ in where]
    for member, joined in zip(members, where, strict=True):
        for room in joined:
            rooms.join(member, room)

    found = rooms.members(named, excluded)

    assert len(found) == len(set(found))
    assert set(found) == {m for m in members if m.rooms.intersection(named) and m.rooms.isdisjoint(excluded)}


def test_leaving_everything_leaves_nothing() -> None:
    rooms: Rooms[Member] = Rooms()
    member, other = Member(), Member()
    for room in "xyz":
        rooms.join(member, room)
    rooms.join(other, "x")

    rooms.leave_all(member)

    assert (member.rooms, set(rooms.names()), repr(rooms)) == (set(), {"x"}, "<Rooms 1>")


def test_asking_for_an_audience_changes_no_room() -> None:
    rooms: Rooms[Member] = Rooms()
    one, two = Member(), Member()
    for member in (one, two):
        rooms.join(member, "x")
    rooms.join(two, "y")

    assert set(rooms.members(["x"], ["y"])) == {one}
    assert set(rooms.members(["x", "y"])) == set(rooms.members(["x"])) == {one, two}


def test_an_observer_is_told_once_of_each_entry_and_leave_of_the_rooms_that_it_named() -> None:
    rooms: Rooms[Member] = Rooms()
    told: list[str] = []

    class Observer:
        def room_joined(self, member: Member, room: str) -> None:
            told.append(f"+{room}")
            assert member in rooms.members([room])

        def room_left(self, member: Member, room: str) -> None:
            told.append(f"-{room}")
            assert member not in rooms.members([room])

    rooms.observe("talk_", Observer())
    member = Member()
    for room in ("talk_1", "talk_1", "other", "talk_2"):
        rooms.join(member, room)
    for room in ("talk_1", "talk_1", "never"):
        rooms.leave(member, room)
    rooms.leave_all(member)

    assert told == ["+talk_1", "+talk_2", "-talk_1", "-talk_2"]
