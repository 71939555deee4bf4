"""Namespaces, rooms and audiences: who receives what, once."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.hub import DisconnectReason, Server, Socket
from ordercast.protocol.errors import UnencodableValue
from tests.hub.links import Link, connect, enter

HI = '42["hi"]'


class Room:
    """Three clients: `a` in room one, `b` in one and two, `c` in none."""

    def __init__(self) -> None:
        self.server = Server()
        self.links: dict[str, Link] = {}
        self.sockets: dict[str, Socket] = {}
        for name, rooms in {"a": ["one"], "b": ["one", "two"], "c": []}.items():
            self.links[name] = connect(self.server)
            self.sockets[name] = next(s for s in self.server.main.sockets.values() if s not in self.sockets.values())
            self.sockets[name].join(*rooms)

    def received(self) -> str:
        """Who received something since the last time, as often as they did."""
        return "".join(name * len(link.take()) for name, link in self.links.items())


@pytest.fixture
async def room() -> Room:
    return Room()


async def test_everybody(room: Room) -> None:
    assert room.server.emit("hi", 1) == 3
    assert room.received() == "abc"


@pytest.mark.parametrize(
    ("rooms", "except_", "received"),
    [
        (["one"], [], "ab"),
        (["two"], [], "b"),
        (["one", "two"], [], "ab"),
        (["nobody's"], [], ""),
        (["one"], ["two"], "a"),
        (["one", "two"], ["one"], ""),
        (["one"], ["nobody's"], "ab"),
        ([], ["two"], "ac"),
        ([], ["one", "two"], "c"),
    ],
)
async def test_an_audience_receives_an_event_once(
    room: Room, rooms: list[str], except_: list[str], received: str
) -> None:
    audience = room.server.main.to(*rooms) if rooms else room.server.except_(*except_)
    if except_:
        audience = audience.except_(*except_)

    assert audience.emit("hi") == len(received)

    assert room.received() == received


async def test_a_socket_addresses_the_others(room: Room) -> None:
    room.sockets["a"].broadcast.emit("hi")
    assert room.received() == "bc"

    room.sockets["a"].to("one").emit("hi")
    assert room.received() == "b"

    room.sockets["a"].to("one").to("two").except_(room.sockets["b"].id).emit("hi")
    assert room.received() == ""


async def test_a_socket_is_a_room_of_its_own(room: Room) -> None:
    room.server.to(room.sockets["c"].id).emit("hi")
    assert room.received() == "c"

    room.server.except_(room.sockets["c"].id).in_("one").emit("hi")
    assert room.received() == "ab"


async def test_a_broadcast_is_encoded_once_for_all(room: Room) -> None:
    room.server.volatile.to("one").emit("hi", b"\x01")

    first, second = (room.links[name].messages[-1] for name in "ab")
    assert first is second
    assert first.volatile
    assert first.attachments == (b"\x01",)


async def test_what_cannot_be_encoded_reaches_nobody(room: Room) -> None:
    with pytest.raises(UnencodableValue):
        room.server.to("one").emit("hi", object())
    with pytest.raises(UnencodableValue):
        room.server.emit("disconnect")
    assert room.received() == ""


async def test_who_is_gone_receives_nothing_and_leaves_no_room_behind(room: Room) -> None:
    room.links["b"].lose()

    assert room.server.to("two").emit("hi") == 0
    assert set(room.server.main.rooms.names()) == {room.sockets["a"].id, room.sockets["c"].id, "one"}
    assert repr(room.server.main) == "<Namespace / sockets=2>"


async def test_namespaces_are_apart(room: Room) -> None:
    admin = room.server.of("admin")
    admin.on("connection", lambda socket: socket.join("one"))
    received: list[Any] = []
    admin.event("e", lambda _socket, value: received.append(("admin", value)))
    room.server.event("e", lambda _socket, value: received.append(("main", value)))
    enter(room.links["a"], "/admin")

    assert admin.to("one").emit("hi") == 1
    assert room.links["a"].take() == ['42/admin,["hi"]']
    room.links["a"].receive('2/admin,["e",1]', '2["e",2]')
    assert received == [("admin", 1), ("main", 2)]


async def test_leaving_one_namespace_is_not_leaving_the_other(room: Room) -> None:
    admin = room.server.of("/admin")
    enter(room.links["a"], "/admin")

    room.links["a"].receive("1")

    assert admin.emit("hi") == 1
    assert room.server.emit("hi") == 2
    assert room.links["a"].take() == ['42/admin,["hi"]']
    enter(room.links["a"])


async def test_the_end_of_a_connection_ends_every_socket_on_it(room: Room) -> None:
    ended: list[str] = []
    for name in ("/", "/admin"):
        room.server.of(name).event(
            "disconnect", lambda socket, reason: ended.append(f"{socket.namespace.name} {reason}")
        )
    enter(room.links["a"], "/admin")

    room.links["a"].lose(DisconnectReason.PING_TIMEOUT)
    room.links["a"].lose(DisconnectReason.TRANSPORT_CLOSE)

    assert ended == ["/ ping timeout", "/admin ping timeout"]


async def test_a_handler_may_change_rooms_and_handlers_while_it_runs(room: Room) -> None:
    for name, socket in room.sockets.items():
        socket.on("move", lambda socket=socket, name=name: (socket.leave("one"), socket.join(name), socket.off("move")))

    for link in room.links.values():
        link.receive('2["move"]', '2["move"]')

    assert room.server.to("one").emit("hi") == 0
    assert room.server.to("a", "b", "c").emit("hi") == 3


async def test_closing_the_server_ends_every_connection(room: Room) -> None:
    await room.server.close()

    assert {link.closed_for for link in room.links.values()} == {DisconnectReason.SERVER_SHUTTING_DOWN}
    assert not room.server.clients
    assert repr(room.server.main.rooms) == "<Rooms 0>"
