"""Audiences: how they are described, what may be done to them, what they answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ordercast.hub import AckTimeout, Options, Server, Socket
from ordercast.protocol.errors import UnencodableValue
from tests.hub.links import Link, connect, settle


class Trio:
    """Three clients, `a` and `b` in a room."""

    def __init__(self) -> None:
        self.server = Server(Options(rooms_max=3, acks_pending_max=2))
        self.links: dict[str, Link] = {}
        self.sockets: dict[str, Socket] = {}
        for name in "abc":
            self.links[name] = connect(self.server)
            self.sockets[name] = next(s for s in self.server.main.sockets.values() if s not in self.sockets.values())
        self.server.to(self.sockets["a"].id, self.sockets["b"].id).sockets_join("room")

    def answer(self, name: str, *args: Any) -> None:
        """The client acknowledges what it was sent last."""
        calls = str(self.links[name].take()[-1])
        ack_id = calls[2 : calls.index("[")]
        assert ack_id.isdigit(), calls
        self.links[name].receive(f"3{ack_id}{json.dumps(list(args))}")


@pytest.fixture
async def trio() -> Trio:
    return Trio()


# Who


async def test_no_room_at_all_is_nobodys_wish(trio: Trio) -> None:
    """``to(*[])`` for everybody would give a secret away."""
    room = trio.server.to("room")
    for owner in (trio.server, trio.server.main, room, trio.sockets["a"], trio.sockets["a"].volatile):
        for address in (owner.to, owner.in_, owner.except_):
            with pytest.raises(ValueError, match="name at least one room"):
                address()
    for change in (room.sockets_join, room.sockets_leave):
        with pytest.raises(ValueError, match="name at least one room"):
            change()


async def test_descriptions_chain_and_leave_the_first_as_it_was(trio: Trio) -> None:
    room = trio.server.to("room")
    narrower = room.volatile.compress(False).local.timeout(3).except_(trio.sockets["a"].id).in_(trio.sockets["c"].id)

    assert narrower.emit("e") == 2
    assert trio.links["a"].take() == []
    sent = trio.links["b"].messages[-1]
    assert (sent.volatile, sent.compress) == (True, False)

    assert room.emit("e") == 2
    sent = trio.links["a"].messages[-1]
    assert (sent.volatile, sent.compress) == (False, True)
    assert repr(room) == "<BroadcastOperator / rooms=('room',) except=()>"


@pytest.mark.parametrize(
    ("describe", "received"),
    [
        (lambda s: s.broadcast, "bc"),
        (lambda s: s.local, "bc"),
        (lambda s: s.to("room"), "b"),
        (lambda s: s.in_("room"), "b"),
        (lambda s: s.except_("room"), "c"),
        (lambda s: s.volatile.to("room"), "b"),
        (lambda s: s.compress(False).broadcast, "bc"),
        (lambda s: s.timeout(1).except_("room"), "c"),
        (lambda s: s.volatile.local, "bc"),
    ],
)
async def test_a_socket_never_addresses_itself(trio: Trio, describe: Any, received: str) -> None:
    describe(trio.sockets["a"]).emit("e")

    assert "".join(name for name, link in trio.links.items() if link.take()) == received


# What is done to them


async def test_sockets_are_fetched(trio: Trio) -> None:
    a, b, c = trio.sockets.values()

    assert set(await trio.server.fetch_sockets()) == {a, b, c}
    assert set(await trio.server.to("room").fetch_sockets()) == {a, b}
    assert await trio.server.to("room").except_(a.id).fetch_sockets() == [b]
    assert await trio.server.to("nobody").fetch_sockets() == []
    assert await trio.server.of("/other").fetch_sockets() == []


async def test_sockets_join_and_leave(trio: Trio) -> None:
    trio.server.sockets_join("x")
    trio.server.to("room").sockets_leave("room", "x")

    assert [sorted(s.rooms - {s.id}) for s in trio.sockets.values()] == [[], [], ["x"]]


async def test_a_socket_in_too_many_rooms_stays_out_alone(trio: Trio, caplog: pytest.LogCaptureFixture) -> None:
    trio.sockets["a"].join("second")

    trio.server.sockets_join("third")

    assert {s.id for s in await trio.server.to("third").fetch_sockets()} == {trio.sockets[n].id for n in "bc"}
    assert "rooms_max = 3 is reached" in caplog.text


@pytest.mark.parametrize("close", [False, True])
async def test_sockets_are_sent_away(trio: Trio, close: bool) -> None:
    trio.server.to("room").disconnect_sockets(close=close)

    assert [link.take() for link in trio.links.values()] == [["41"], ["41"], []]
    assert [link.closed_for is not None for link in trio.links.values()] == [close, close, False]
    trio.server.disconnect_sockets()
    assert not trio.server.main.sockets


# What they answer


async def test_everybodys_answers_are_gathered(trio: Trio) -> None:
    pending = asyncio.create_task(trio.server.timeout(1).emit_with_ack("ask", {"x": 1}))
    await settle()
    first, second = (trio.links[name].messages[-1] for name in "ab")
    assert first is second, "encoded once for all"

    trio.answer("c")
    trio.answer("a", 1)
    trio.answer("b", None, 2)

    assert sorted(await pending, key=str) == [(None, 2), 1, None]


async def test_who_is_late_is_missing_and_the_others_answers_are_given(trio: Trio) -> None:
    pending = asyncio.create_task(trio.server.to("room").timeout(0.05).emit_with_ack("ask"))
    await settle()
    trio.answer("b", "b")

    with pytest.raises(AckTimeout, match=r"no ack of 'ask' within 0\.05 s") as caught:
        await pending
    assert caught.value.answers == ["b"]
    trio.answer("a", "late, and nobody's")


async def test_whoever_leaves_is_waited_for_no_longer(trio: Trio) -> None:
    pending = asyncio.create_task(trio.server.emit_with_ack("ask"))
    await settle()
    trio.answer("a", 1)
    trio.links["b"].lose()
    trio.links["c"].receive("1")

    assert await asyncio.wait_for(pending, 60) == [1]


async def test_whoever_owes_too_many_answers_is_not_waited_for(trio: Trio) -> None:
    owing = [asyncio.create_task(trio.sockets["a"].emit_with_ack("e")) for _ in range(2)]
    await settle()
    pending = asyncio.create_task(trio.server.to("room").emit_with_ack("ask"))
    await settle()
    trio.answer("b", 1)

    assert await asyncio.wait_for(pending, 60) == [1]
    trio.links["a"].lose()
    await asyncio.gather(*owing, return_exceptions=True)


async def test_nobody_answers_nothing(trio: Trio) -> None:
    assert await trio.server.to("nobody").emit_with_ack("ask") == []
    with pytest.raises(UnencodableValue):
        await trio.server.emit_with_ack("ask", object())


async def test_a_question_given_up_leaves_nothing_behind(trio: Trio) -> None:
    for _ in range(5):
        pending = asyncio.create_task(trio.server.emit_with_ack("ask"))
        await settle()
        pending.cancel()
        await asyncio.gather(pending, return_exceptions=True)
        await settle()

    assert repr(trio.sockets["a"]._acks) == "<Acks pending=0>"


# One socket, addressed in a certain way


async def test_a_socket_is_addressed_in_a_certain_way(trio: Trio) -> None:
    socket, link = trio.sockets["a"], trio.links["a"]

    socket.volatile.compress(False).emit("e", 1)
    assert link.take() == ['42["e",1]']
    assert (link.messages[-1].volatile, link.messages[-1].compress) == (True, False)

    with pytest.raises(AckTimeout):
        await socket.timeout(0.01).volatile.emit_with_ack("ask")
    assert link.messages[-1].volatile

    assert repr(socket.timeout(1)).startswith(f"<SocketOperator {socket.id} Flags(")
