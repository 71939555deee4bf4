"""A socket's own handlers: how they come and go, and those for every event."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ordercast.hub import Server, Socket
from tests.hub.links import Link, connect, settle


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def link(server: Server) -> Link:
    return connect(server)


@pytest.fixture
async def socket(server: Server, link: Link) -> Socket:
    (socket,) = server.main.sockets.values()
    return socket


@pytest.fixture
def received() -> list[Any]:
    return []


async def test_a_handler_for_once_gets_one_event(link: Link, socket: Socket, received: list[Any]) -> None:
    @socket.once("e")
    async def hear(value: int) -> int:
        received.append(value)
        return value

    socket.once("e", received.append)

    link.receive('21["e",1]', '22["e",2]')
    await settle()

    assert received == [1, 1]
    known, unknown = link.take()
    assert known == "431[1]"
    assert str(unknown).startswith('432[{"data":null,"error":{"code":"unknown_event",')


async def test_a_handler_for_once_can_be_taken_out_before(link: Link, socket: Socket, received: list[Any]) -> None:
    socket.once("e", received.append)
    socket.off("e", received.append)

    link.receive('2["e",1]')

    assert received == []


async def test_a_prepended_handler_runs_before_the_sockets_own(
    link: Link, socket: Socket, server: Server, received: list[Any]
) -> None:
    socket.on("e", lambda: received.append("own"))
    socket.prepend("e", lambda: received.append("prepended"))
    server.event("e", lambda _socket: received.append("shared"))

    @socket.prepend("e")
    def first() -> None:
        received.append("first")

    link.receive('2["e"]')

    assert received == ["shared", "first", "prepended", "own"]


async def test_all_handlers_of_one_event_or_of_every_event_are_removed(
    link: Link, socket: Socket, received: list[Any]
) -> None:
    for event in ("a", "b", "c"):
        socket.on(event, lambda event=event: received.append(event))
    socket.on_any(lambda event: received.append(f"any {event}"))

    socket.remove_all_listeners("a")
    link.receive('2["a"]', '2["b"]')
    socket.remove_all_listeners()
    link.receive('2["b"]', '2["c"]')

    assert received == ["any a", "any b", "b", "any b", "any c"]


async def test_removing_from_a_socket_that_has_none_leaves_the_others_alone(
    server: Server, socket: Socket, received: list[Any]
) -> None:
    other = connect(server)
    (listening,) = set(server.main.sockets.values()) - {socket}
    listening.on("e", lambda: received.append(1))
    listening.on_any_outgoing(lambda *args: received.append(args))

    socket.off("e")
    socket.off_any()
    socket.off_any_outgoing()
    socket.remove_all_listeners()
    socket.remove_all_listeners("e")
    other.receive('2["e"]')
    server.emit("out")

    assert received == [1, ("out",)]


# Catch-alls


async def test_a_catch_all_gets_each_event_with_its_name_before_the_handlers(
    link: Link, socket: Socket, received: list[Any]
) -> None:
    socket.on("e", lambda *args: received.append(("handler", *args)))
    second = socket.on_any(lambda event, *args: received.append(("second", event, *args)))
    socket.prepend_any(lambda event, *args: received.append(("first", event, *args)))

    link.receive('2["e",1]')
    socket.off_any(second)
    link.receive('2["unhandled"]')
    socket.off_any()
    link.receive('2["e"]')

    assert received == [
        ("first", "e", 1),
        ("second", "e", 1),
        ("handler", 1),
        ("first", "unhandled"),
        ("handler",),
    ]


async def test_a_catch_all_neither_answers_nor_stops_nor_delays_an_event(
    link: Link, socket: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    gate = asyncio.Event()

    @socket.on_any
    async def wait(_event: str) -> str:
        await gate.wait()
        raise RuntimeError("late")

    @socket.on_any
    def fail(_event: str) -> None:
        raise RuntimeError("oops")

    socket.on("e", lambda: "answer")
    link.receive('21["e"]')
    assert link.take() == ['431["answer"]']

    gate.set()
    await settle()
    assert caplog.text.count("handler failed: event='e'") == 2


async def test_an_outgoing_catch_all_gets_what_is_sent_however_it_is_sent(
    server: Server, socket: Socket, received: list[Any]
) -> None:
    socket.join("room")
    later = socket.on_any_outgoing(lambda event, *args: received.append(("later", event, *args)))
    socket.prepend_any_outgoing(lambda event, *args: received.append((event, *args)))

    socket.emit("one", 1, {"a": b"\x01"})
    server.emit("all", "x")
    server.to("room").emit("room")
    server.to("elsewhere").emit("nobody")
    server.except_("room").emit("nobody")
    socket.volatile.emit("volatile")
    pending = asyncio.create_task(socket.emit_with_ack("ask", timeout_s=0.01))
    await asyncio.gather(pending, return_exceptions=True)

    expected = [("one", 1, {"a": b"\x01"}), ("all", "x"), ("room",), ("volatile",), ("ask",)]
    assert received == [calls for event in expected for calls in (event, ("later", *event))]

    received.clear()
    socket.off_any_outgoing(later)
    socket.emit("e")
    socket.off_any_outgoing()
    socket.emit("e")
    server.emit("e")
    assert received == [("e",)]
    assert not server.main.adapter.outgoing_observed


async def test_a_catch_all_of_what_is_sent_may_send_and_wait_and_fail(
    server: Server, link: Link, socket: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    other = connect(server)

    @socket.on_any_outgoing
    async def fail(_event: str) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("oops")

    socket.on_any_outgoing(lambda _event: socket.leave("room"))
    socket.join("room")
    server.to("room").emit("e")
    await settle()

    assert link.take() == ['42["e"]']
    assert "handler failed: event='e'" in caplog.text
    assert other.take() == []


async def test_outgoing_catch_alls_of_a_socket_that_is_gone_get_nothing(
    server: Server, link: Link, socket: Socket
) -> None:
    socket.on_any_outgoing(lambda *_args: None)

    link.lose()

    assert not server.main.adapter.outgoing_observed
