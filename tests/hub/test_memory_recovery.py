"""What is remembered for clients that come back, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ordercast.hub import GapTooOld, MemoryRecovery, Server, Session, Socket
from ordercast.hub.recovery.memory import BATCH_EVENTS
from tests.hub.links import connect


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def socket(server: Server) -> Socket:
    connect(server)
    (socket,) = server.main.sockets.values()
    return socket


def recorded(server: Server, **bounds: Any) -> MemoryRecovery:
    recovery = server.main.recovery = MemoryRecovery(**bounds)
    return recovery


async def missed(recovery: MemoryRecovery, socket: Socket, offset: str, rooms: Sequence[str] = ()) -> list[str]:
    """The text of what was missed, without its offset."""
    batches = [batch async for batch in recovery.missed(socket, rooms, offset)]
    assert all(len(batch) <= BATCH_EVENTS for batch in batches)
    return [message.text.decode().rpartition(",")[0] for batch in batches for message in batch]


def now(recovery: MemoryRecovery, socket: Socket) -> str:
    greeting = recovery.greeting(socket)
    assert greeting is not None
    _, (_, offset) = greeting
    assert isinstance(offset, str)
    return offset


async def test_what_was_emitted_after_an_offset_is_replayed_in_order(server: Server, socket: Socket) -> None:
    recovery = recorded(server)
    server.emit("n", 1)
    offset = now(recovery, socket)
    for number in range(2, 600):
        server.emit("n", number)

    assert await missed(recovery, socket, offset) == [f'42["n",{number}' for number in range(2, 600)]
    assert await missed(recovery, socket, now(recovery, socket)) == []


async def test_only_what_was_for_it_is_replayed(server: Server, socket: Socket) -> None:
    recovery = recorded(server)
    offset = now(recovery, socket)
    server.to("a").emit("a")
    server.to("b").emit("b")
    server.to("a", "b").except_("c").emit("ab")
    server.except_("a").emit("not a")
    server.to(socket.id).emit("own")
    server.except_(socket.id).emit("others")

    assert await missed(recovery, socket, offset, ["a"]) == ['42["a"', '42["ab"', '42["own"']
    assert await missed(recovery, socket, offset, ["b", "c"]) == ['42["b"', '42["not a"', '42["own"']


async def test_an_offset_that_cannot_be_met_has_a_reason(server: Server, socket: Socket) -> None:
    recovery = recorded(server, events_max=3)
    first = now(recovery, socket)
    assert recovery.gap(first) is None
    for number in range(3):
        server.emit("n", number)
    assert recovery.gap(first) is None

    server.emit("n", 3)

    epoch = first.partition(":")[0]
    assert recovery.gap(first) == "history_pruned"
    assert recovery.gap(f"{epoch}:5") == recovery.gap("other:1") == "epoch_changed"
    assert {recovery.gap(offset) for offset in ("", "x", f"{epoch}:-1", f"{epoch}:{'9' * 19}")} == {"offset_unknown"}
    with pytest.raises(GapTooOld, match="history_pruned"):
        await missed(recovery, socket, first)


async def test_a_gap_that_opens_during_a_replay_is_noticed(server: Server, socket: Socket) -> None:
    recovery = recorded(server, events_max=BATCH_EVENTS + 10)
    offset = now(recovery, socket)
    for number in range(BATCH_EVENTS + 5):
        server.emit("n", number)

    telling = recovery.missed(socket, (), offset)
    assert len(await anext(telling)) == BATCH_EVENTS
    for number in range(BATCH_EVENTS + 10):
        server.emit("n", number)

    with pytest.raises(GapTooOld):
        await anext(telling)


async def test_events_are_bounded_in_number_and_bytes(server: Server) -> None:
    recovery = recorded(server, events_max=10, bytes_max=1_000)
    for number in range(20):
        server.emit("n", number)
    assert repr(recovery).startswith("<MemoryRecovery events=10 ")

    for _ in range(5):
        server.emit("n", "x" * 300, b"x" * 100)
    assert 400 < int(repr(recovery).split("bytes=")[1].split()[0]) <= 1_000
    server.emit("n", "x" * 2_000)
    assert repr(recovery).startswith("<MemoryRecovery events=0 bytes=0 ")


async def test_sessions_are_bounded_and_the_oldest_goes_first() -> None:
    recovery = MemoryRecovery(sessions_max=2)
    for pid in ("one", "two"):
        await recovery.save(Session(pid, "sid", "/", "", ()))
    await recovery.save(Session("one", "sid", "/", "", ("room",)))
    await recovery.save(Session("three", "sid", "/", "", ()))

    assert await recovery.load("two") is None
    session = await recovery.load("one")
    assert session is not None
    assert session.rooms == ("room",)

    await recovery.forget("one")
    await recovery.forget("never")
    assert await recovery.load("one") is None
    assert repr(recovery).endswith("sessions=1>")
