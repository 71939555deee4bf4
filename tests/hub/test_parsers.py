"""A server that speaks msgpack does all that one that speaks JSON does."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from ordercast.hub import ConnectRefused, DisconnectReason, MemoryRecovery, Options, Server, Socket
from tests.hub.links import Link, settle


@pytest.fixture
async def server() -> Server:
    return Server(Options(parser="msgpack"))


def send(link: Link, **packet: Any) -> None:
    link.receive(msgspec.msgpack.encode({"nsp": "/", **packet}))


def take(link: Link) -> list[Any]:
    """What was sent, without what every packet has."""
    assert not any(sent for sent in link.sent[::2]), "no text between the binary messages"
    return [msgspec.msgpack.decode(sent) for sent in link.take()[1::2] if isinstance(sent, bytes)]


async def test_events_acks_and_ends(server: Server) -> None:
    server.event("ask", lambda _socket, value: (value, b"\x01"))
    link = Link(server)
    send(link, type=0, data={"token": "t"})
    (socket,) = server.main.sockets.values()
    assert socket.auth == {"token": "t"}
    assert take(link) == [{"type": 0, "nsp": "/", "data": {"sid": socket.id}}]

    received: list[Any] = []
    socket.on_any_outgoing(lambda *args: received.append(args))
    send(link, type=2, data=["ask", {"x": b"\x02"}], id=3)
    server.emit("all", b"\x03")
    pending = asyncio.create_task(socket.emit_with_ack("question"))
    await settle()
    send(link, type=3, data=[1], id=0)
    socket.disconnect()

    assert await pending == 1
    assert take(link) == [
        {"type": 3, "nsp": "/", "data": [{"x": b"\x02"}, b"\x01"], "id": 3},
        {"type": 2, "nsp": "/", "data": ["all", b"\x03"]},
        {"type": 2, "nsp": "/", "data": ["question"], "id": 0},
        {"type": 1, "nsp": "/"},
    ]
    assert received == [("all", b"\x03"), ("question",)]


async def test_refusals_and_recovery(server: Server) -> None:
    server.main.recovery = MemoryRecovery()

    @server.use
    def guard(socket: Socket) -> None:
        if "token" not in socket.auth:
            raise ConnectRefused("no token", {"code": 1})

    link = Link(server)
    send(link, type=0)
    assert take(link) == [{"type": 4, "nsp": "/", "data": {"message": "no token", "data": {"code": 1}}}]
    send(link, type=0, data={"token": "t"})
    await settle()
    connected, ready = take(link)
    link.lose()
    server.emit("missed")

    back = Link(server)
    send(back, type=0, data={"token": "t", "pid": connected["data"]["pid"], "offset": ready["data"][-1]})
    await settle()
    assert [packet["data"][0] for packet in take(back)[1:]] == ["missed", "recovery:position"]


@pytest.mark.parametrize("message", ["0", b"\x80"])
async def test_what_is_no_msgpack_closes(server: Server, message: str | bytes) -> None:
    link = Link(server)

    link.receive(message)

    assert link.closed_for is DisconnectReason.PARSE_ERROR
