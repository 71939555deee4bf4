"""Rooms, delivery and acknowledgements, with sockets that are none of ours: an adapter knows a Protocol alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ordercast.hub import Handshake, LimitReached, MemoryRecovery
from ordercast.hub.adapter import NO_FLAGS, Adapter, Flags
from ordercast.hub.connection import Connection
from ordercast.hub.parsers import PARSERS
from ordercast.protocol.message import Message


class Wire:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        self.sent.append(message)


class Peer:
    """A socket as an adapter sees it."""

    def __init__(self, sid: str) -> None:
        self.id = sid
        self.rooms: set[str] = set()
        self.wire = Wire()
        self.conn: Connection = self.wire  # type: ignore[assignment]
        self.connected = True
        self.data: Any = None
        self.auth: dict[str, Any] = {}
        self.identity = ""
        self.pid: str | None = None
        self.handshake = Handshake((), b"", "192.0.2.7", secure=False, time=0.0)
        self.calls: list[Any] = []
        self.acks: dict[int, asyncio.Future[list[Any]]] = {}

    def join(self, *rooms: str) -> None:
        if "full" in rooms:
            raise LimitReached("rooms_max", 1)
        self.calls.append(("join", rooms))

    def leave(self, *rooms: str) -> None:
        self.calls.append(("leave", rooms))

    def disconnect(self, *, close: bool = False) -> None:
        self.calls.append(("disconnect", close))

    def abandon(self) -> None:
        self.calls.append("abandon")

    def expect_ack(self, ack_id: int) -> asyncio.Future[list[Any]]:
        if self.identity == "owes too much":
            raise LimitReached("acks_pending_max", 1)
        self.acks[ack_id] = asyncio.get_running_loop().create_future()
        return self.acks[ack_id]

    def notify_outgoing_listeners(self, event: str, args: list[Any]) -> None:
        self.calls.append((event, args))

    def texts(self) -> list[str]:
        return [message.text.decode() for message in self.wire.sent]


@pytest.fixture
def adapter() -> Adapter[Peer]:
    return Adapter("/", PARSERS["json"])


@pytest.fixture
def peers(adapter: Adapter[Peer]) -> dict[str, Peer]:
    """`a` and `b` are in "room", `c` is in none."""
    peers = {name: Peer(name) for name in "abc"}
    for name in "ab":
        peers[name].rooms.add("room")
    for peer in peers.values():
        adapter.add(peer)
    return peers


def test_who_is_added_is_in_its_rooms_and_in_one_of_its_own(adapter: Adapter[Peer], peers: dict[str, Peer]) -> None:
    assert peers["a"].rooms == {"a", "room"}
    assert set(adapter.recipients(("room",), ())) == {peers["a"], peers["b"]}
    assert adapter.recipients((), ("room",)) == [peers["c"]]
    assert repr(adapter) == "<Adapter / sockets=3 rooms=4>"

    adapter.remove(peers["a"])

    assert (peers["a"].rooms, list(adapter.sockets)) == (set(), ["b", "c"])


def test_an_event_is_encoded_once_for_all(adapter: Adapter[Peer], peers: dict[str, Peer]) -> None:
    assert adapter.emit("e", [1], ("room", "a"), ("b",), NO_FLAGS) == 1
    assert adapter.emit("e", [2], (), (), Flags(volatile=True, compress=False)) == 3

    assert [peer.texts() for peer in peers.values()] == [['42["e",1]', '42["e",2]'], ['42["e",2]'], ['42["e",2]']]
    last = peers["a"].wire.sent[-1]
    assert (last.volatile, last.compress) == (True, False)
    assert all(peer.wire.sent[-1] is last for peer in peers.values())


def test_only_who_listens_to_what_is_sent_has_it_read_back(adapter: Adapter[Peer], peers: dict[str, Peer]) -> None:
    adapter.outgoing_observed |= {peers["a"], peers["c"]}

    adapter.emit("e", [1], ("room",), (), NO_FLAGS)

    assert [peer.calls for peer in peers.values()] == [[("e", [1])], [], []]


def test_what_is_recorded_ends_with_its_offset_and_nothing_else_ends_with_a_string(adapter: Adapter[Peer]) -> None:
    recovery = adapter.recovery = MemoryRecovery()
    offset = recovery.next_offset()

    assert adapter.encode("e", ["s"], (), volatile=True).text == b'42["e","s",null]'
    assert adapter.encode("e", ["s"], (), volatile=False).text.decode() == f'42["e","s","{offset}"]'


async def test_acknowledgements_are_gathered_from_those_that_give_them(
    adapter: Adapter[Peer], peers: dict[str, Peer]
) -> None:
    peers["c"].identity = "owes too much"
    gathering = asyncio.create_task(adapter.broadcast_with_ack("free?", [], (), (), NO_FLAGS))
    await asyncio.sleep(0)
    for name in "ba":
        (ack,) = peers[name].acks.values()
        ack.set_result([name])

    assert await gathering == ([["a"], ["b"]], True)
    assert all(peer.texts() == ['420["free?"]'] for peer in peers.values())


async def test_who_is_late_makes_them_incomplete(adapter: Adapter[Peer], peers: dict[str, Peer]) -> None:
    assert await adapter.broadcast_with_ack("free?", [], ("a",), (), Flags(timeout_s=0)) == ([], False)
    assert all(ack.cancelled() for ack in peers["a"].acks.values())
    assert await adapter.broadcast_with_ack("free?", [], ("nobody",), (), NO_FLAGS) == ([], True)


def test_many_are_moved_and_one_that_cannot_be_is_logged(
    adapter: Adapter[Peer], peers: dict[str, Peer], caplog: pytest.LogCaptureFixture
) -> None:
    adapter.add_sockets(["x"], ("room",), (), local=True)
    adapter.add_sockets(["full"], ("c",), (), local=False)
    adapter.del_sockets(["x"], ("a",), (), local=True)
    adapter.disconnect_sockets(("b",), (), local=False, close=True)

    assert [peer.calls for peer in peers.values()] == [
        [("join", ("x",)), ("leave", ("x",))],
        [("join", ("x",)), ("disconnect", True)],
        [],
    ]
    assert "socket cannot join: c rooms_max = 1 is reached" in caplog.text


async def test_alone_it_fetches_nobody_from_other_nodes(adapter: Adapter[Peer]) -> None:
    assert await adapter.fetch_remote_sockets((), ()) == []
