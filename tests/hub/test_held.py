"""What one client makes us hold is counted in bytes, as large as it is when decoded, and has a bound."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ordercast.hub import DisconnectReason, LimitReached, Options, Server, Socket
from ordercast.hub.client import SOCKET_BYTES
from ordercast.protocol import msgpack
from ordercast.protocol.socketio import PacketType

from .links import Link, connect, enter

BOUND = 300_000


@pytest.fixture
def server() -> Server:
    return Server(Options(connection_bytes_max=BOUND))


def held(link: Link) -> int:
    return link.receiver.held_bytes


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def waiting_handler(server: Server, event: str = "slow") -> asyncio.Event:
    go_on = asyncio.Event()

    @server.event(event)
    async def slow(socket: Socket, *args: Any) -> None:
        del socket, args
        await go_on.wait()

    return go_on


async def test_events_that_wait_are_bounded_in_bytes(server: Server) -> None:
    waiting_handler(server)
    link = connect(server)

    link.receive('2["slow"]', *[json.dumps(["slow", "x" * 10_000]).join(("2", "")) for _ in range(40)])

    assert link.closed_for is DisconnectReason.INBOX_FULL
    await server.close()


async def test_events_that_wait_hold_their_text_and_are_decoded_in_their_turn(server: Server) -> None:
    received: list[Any] = []
    go_on = waiting_handler(server)
    server.event("next", lambda _, *args: received.append(args))
    link = connect(server)
    before = held(link)

    dense = json.dumps(["next", [[]] * 1_000], separators=(",", ":"))
    link.receive('2["slow"]', "2" + dense, '51-["next",{"_placeholder":true,"num":0}]', b"raw", '2["next",{"a":1}]')

    assert held(link) - before < len(dense) + 15_000
    go_on.set()
    await turns(5)
    assert received == [([[]] * 1_000,), (b"raw",), ({"a": 1},)]
    assert held(link) == before


async def test_what_a_waiting_handler_was_given_counts_as_it_is_decoded(server: Server) -> None:
    go_on = waiting_handler(server)
    link = connect(server)
    before = held(link)

    link.receive("2" + json.dumps(["slow", [[]] * 2_000], separators=(",", ":")))

    assert held(link) - before > 2_000 * 56
    go_on.set()
    await turns()
    assert held(link) == before


async def test_what_watches_every_event_and_waits_counts_too(server: Server) -> None:
    go_on = asyncio.Event()

    @server.on("connection")
    def connected(socket: Socket) -> None:
        async def watch(*_: Any) -> None:
            await go_on.wait()

        socket.on_any(watch)

    link = connect(server)
    link.receive(*['2["event"]'] * 200)

    assert link.closed_for is DisconnectReason.INBOX_FULL
    go_on.set()
    await turns()
    await server.close()


async def test_a_message_that_would_hold_too_much_is_refused_before_it_is_decoded(server: Server) -> None:
    received: list[Any] = []
    server.event("event", lambda _, value: received.append(value))
    link = connect(server)

    link.receive("2" + json.dumps(["event", [{}] * 10_000], separators=(",", ":")))

    assert link.closed_for is DisconnectReason.PARSE_ERROR
    assert received == []


async def test_what_waits_to_be_sent_leaves_less_for_what_comes(server: Server) -> None:
    link = connect(server)
    link.backlog_bytes = BOUND

    link.receive("2" + json.dumps(["event", "x" * 20_000]))

    assert link.closed_for is DisconnectReason.PARSE_ERROR


async def test_msgpack_is_weighed_as_well() -> None:
    server = Server(Options(connection_bytes_max=BOUND, parser="msgpack"))
    link = Link(server)
    link.receive(msgpack.encode(PacketType.CONNECT, "/").attachments[0])
    assert held(link) >= SOCKET_BYTES

    link.receive(msgpack.encode_event("/", "event", [[[]] * 20_000]).attachments[0])

    assert link.closed_for is DisconnectReason.PARSE_ERROR


async def test_msgpack_that_waits_is_decoded_in_its_turn() -> None:
    server = Server(Options(parser="msgpack"))
    received: list[Any] = []
    go_on = waiting_handler(server)
    server.event("next", lambda _, *args: received.append(args))
    link = Link(server)
    link.receive(msgpack.encode(PacketType.CONNECT, "/").attachments[0])

    link.receive(*[msgpack.encode_event("/", event, [b"raw", 1]).attachments[0] for event in ("slow", "next")])
    go_on.set()
    await turns(5)

    assert received == [(b"raw", 1)]


async def test_an_auth_payload_counts_for_as_long_as_its_socket_lives(server: Server) -> None:
    for name in ("/one", "/two", "/three"):
        server.of(name)
    link = connect(server)
    before = held(link)

    enter(link, "/one", {"token": "t" * 4_000})
    assert held(link) - before > 4_000
    link.receive("1/one,")
    assert held(link) == before

    link.receive(*[f"0{name}," + json.dumps({"token": "t" * 130_000}) for name in ("/one", "/two", "/three")])
    assert link.closed_for in (DisconnectReason.INBOX_FULL, DisconnectReason.PARSE_ERROR)


async def test_who_connects_anew_while_a_middleware_decides_is_charged_for_the_last_one(server: Server) -> None:
    decided = asyncio.Event()

    @server.use
    async def wait(socket: Socket) -> None:
        del socket
        await decided.wait()

    link = Link(server)
    for _ in range(100):
        link.receive("0" + json.dumps({"token": "t" * 10_000}))

    assert link.closed_for is None
    decided.set()
    await turns(10)
    assert held(link) < 30_000
    link.receive("1")
    assert held(link) == 0


async def test_rooms_are_bounded_in_bytes(server: Server) -> None:
    link = connect(server)
    (socket,) = server.main.sockets.values()
    before = held(link)

    socket.join("room", "r" * 1_000)
    assert held(link) - before > 1_000
    with pytest.raises(LimitReached, match="connection_bytes_max"):
        socket.join("r" * BOUND)
    socket.leave("room", "r" * 1_000, "elsewhere")
    assert held(link) == before
    socket.join("room")
    link.receive("1")
    assert held(link) == 0


async def test_acks_that_are_owed_and_answers_that_wait_count(server: Server) -> None:
    link, other = connect(server), connect(server)
    before = held(link)
    pending = asyncio.ensure_future(server.emit_with_ack("question"))
    await turns()
    assert held(link) - before == 2_000

    link.receive("30" + json.dumps([[[]] * 1_000], separators=(",", ":")))
    await turns()
    assert held(link) - before > 56_000

    other.receive("30[]")
    await pending
    del pending
    await turns()
    assert held(link) == before


async def test_attachments_are_awaited_without_the_value_that_they_belong_to(server: Server) -> None:
    received: list[Any] = []
    server.event("event", lambda _, *args: received.append(args))
    link = connect(server)

    link.receive(f'51-["event",{{"_placeholder":true,"num":0}},"{"x" * 5_000}"]', b"raw")

    assert received == [(b"raw", "x" * 5_000)]


async def test_an_attachment_is_taken_by_one_place_alone(server: Server) -> None:
    link = connect(server)

    link.receive('51-["event",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]', b"raw")

    assert link.closed_for is DisconnectReason.PARSE_ERROR
    assert link.receiver.disconnect_description == "binary packet: has two placeholders for attachment 0"
