"""The Socket.IO server on its port, by the official list of its protocol, byte for byte, and by what broke others."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ordercast.hub import Server, Socket
from tests.peers import AT_ONCE_S, PATIENCE_S, Peer, Poller
from tests.servers import Running, official_server, running

PLACEHOLDERS = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'


@pytest.fixture
def server() -> Server:
    return official_server()


@pytest.fixture
async def opened(at: Running) -> AsyncIterator[Peer]:
    """Connected, in no namespace."""
    async with await Peer.open(at.port) as peer:
        await peer.take_open()
        yield peer


@pytest.fixture
async def peer(opened: Peer) -> Peer:
    """In the main namespace."""
    await opened.enter()
    await opened.expect('42["auth",{}]')
    return opened


async def serves(at: Running) -> None:
    """The server goes on serving others, on both transports."""
    async with await Peer.start(at.port) as other, Poller(at.port) as poller:
        await other.expect('42["auth",{}]')
        other.send('420["message-with-ack",1]')
        await other.expect("430[1]")
        await poller.start()


# Connect


@pytest.mark.parametrize("namespace", ["/", "/custom"])
@pytest.mark.parametrize("auth", [None, {"token": "123"}])
async def test_a_namespace_is_entered_and_the_payload_handed_on(
    opened: Peer, namespace: str, auth: dict[str, str] | None
) -> None:
    answer = await opened.enter(namespace, auth)

    assert list(answer) == ["sid"]
    assert isinstance(answer["sid"], str)
    prefix = "" if namespace == "/" else "/custom,"
    await opened.expect(f'42{prefix}["auth",{json.dumps(auth or {}, separators=(",", ":"))}]')


async def test_who_awaits_frame_by_frame_hears_of_its_connection_before_the_first_event(opened: Peer) -> None:
    """As Node.js does by hand: two frames that it finds together it hears in one task, and misses the second."""
    opened.send("40")
    async with asyncio.timeout(PATIENCE_S):
        first = await opened.reader.read(2**16)

    assert first[2:].startswith(b"40")
    assert len(first) == 2 + first[1]
    await opened.expect('42["auth",{}]')


@pytest.mark.parametrize("connect", ["40/random", "40/random,", '40/random,{"token":"x"}'])
async def test_an_unknown_namespace_is_refused(opened: Peer, connect: str) -> None:
    opened.send(connect)

    await opened.expect('44/random,{"message":"Invalid namespace"}')


async def test_who_enters_nothing_is_closed_in_time() -> None:
    began = time.monotonic()
    async with running(official_server(connect_timeout_s=0.3)) as at, await Peer.open(at.port) as peer:
        await peer.take_open()

        assert await peer.closing() == 1000
        assert time.monotonic() - began > 0.25


# Disconnect


async def test_leaving_the_main_namespace_leaves_the_connection(peer: Peer) -> None:
    peer.send("41", "40")

    assert str(await peer.receive()).startswith('40{"sid"')


async def test_leaving_another_namespace_leaves_the_main_one(peer: Peer) -> None:
    await peer.enter("/custom")
    await peer.expect('42/custom,["auth",{}]')

    peer.send("41/custom", '42["message","message to main namespace"]')

    await peer.expect('42["message-back","message to main namespace"]')


# Messages


async def test_plain_text(peer: Peer) -> None:
    peer.send('42["message",1,"2",{"3":[true]}]')

    await peer.expect('42["message-back",1,"2",{"3":[true]}]')


async def test_binary_attachments(peer: Peer) -> None:
    peer.send(f'452-["message",{PLACEHOLDERS}]', b"\x01\x02\x03", b"\x04\x05\x06")

    await peer.expect(f'452-["message-back",{PLACEHOLDERS}]', b"\x01\x02\x03", b"\x04\x05\x06")


async def test_plain_text_with_an_ack(peer: Peer) -> None:
    peer.send('42456["message-with-ack",1,"2",{"3":[false]}]')

    await peer.expect('43456[1,"2",{"3":[false]}]')


async def test_binary_attachments_with_an_ack(peer: Peer) -> None:
    peer.send(f'452-789["message-with-ack",{PLACEHOLDERS}]', b"\x01\x02\x03", b"\x04\x05\x06")

    await peer.expect(f"462-789[{PLACEHOLDERS}]", b"\x01\x02\x03", b"\x04\x05\x06")


# What is malformed closes at once, not by a later heartbeat

DEEP = "[" * 100_000 + "]" * 100_000
MALFORMED: list[list[str | bytes]] = [
    ["4abc"],
    ["42{}"],
    ['42abc["message-with-ack",1,"2",{"3":[false]}]'],
    ["4"],
    ["42"],
    ["42[]"],
    ["42[{}]"],
    ['42["message",nan]'],
    ['42["disconnect"]'],
    ['42["connect_error"]'],
    ['42["newListener"]'],
    ["40[]"],
    ["41{}"],
    ["43{}"],
    ['44{"message":"x"}'],
    ["47"],
    ['42/other,["message"]'],
    [f'42["message",{DEEP}]'],
    [f'40/custom,{{"a":{DEEP}}}'],
    ['45["message"]'],
    ['45100000000-["message"]'],
    ['451-["message",{"_placeholder":true,"num":-1}]', b"\x01"],
    ['451-["message",{"_placeholder":true,"num":1}]', b"\x01"],
    ['451-["message",{"_placeholder":true,"num":"0"}]', b"\x01"],
    ['451-[{"_placeholder":true,"num":0}]', b"\x01"],
    ['451-["message"]', '42["message"]'],
    [b"\x01"],
    [""],
    ["9"],
    ["0"],
    ["2"],
]


def label(messages: list[str | bytes]) -> str:
    return repr(messages[0][:40])


@pytest.mark.parametrize("messages", MALFORMED, ids=label)
async def test_a_malformed_packet_closes_at_once(peer: Peer, at: Running, messages: list[str | bytes]) -> None:
    peer.send(*messages)

    assert await peer.closing(within_s=AT_ONCE_S) == 1002
    await serves(at)


@pytest.mark.parametrize("messages", MALFORMED, ids=label)
async def test_a_malformed_packet_by_polling_closes_at_once(at: Running, messages: list[str | bytes]) -> None:
    from ordercast.protocol.engineio import serialize_binary

    records = [m.encode() if isinstance(m, str) else serialize_binary(m) for m in messages]
    async with Poller(at.port) as poller:
        await poller.start()

        response = await poller.request("POST", b"\x1e".join(records))

        assert response.status_code == 400
        assert await poller.gone()


@pytest.mark.parametrize(
    "messages",
    [
        ['42["message"]'],
        ['451-["message",{"_placeholder":true,"num":0}]', b"\x01"],
        [b"\x01"],
        ["4abc"],
        ["40[]"],
        ["40/custom,[]"],
    ],
    ids=label,
)
async def test_a_packet_before_connect_closes_at_once(opened: Peer, at: Running, messages: list[str | bytes]) -> None:
    """CVE-2026-48804."""
    opened.send(*messages)

    assert await opened.closing(within_s=AT_ONCE_S) == 1002
    await serves(at)


async def test_an_event_with_invalid_utf8_closes_at_once(peer: Peer) -> None:
    peer.send_bytes(b"\x81\x8d\x00\x00\x00\x00" + b'42["message\xff"')

    assert await peer.closing(within_s=AT_ONCE_S) == 1002


# What broke others


async def test_an_event_called_error_is_an_event(peer: Peer) -> None:
    """CVE-2024-38355."""
    peer.send('42["error","x"]', '42["message",1]')

    await peer.expect('42["message-back",1]')


async def test_a_client_cannot_enter_the_room_of_another(at: Running, peer: Peer, server: Server) -> None:
    async with await Peer.start(at.port, {"sid": "x", "rooms": ["x"]}) as other:
        await other.expect('42["auth",{"sid":"x","rooms":["x"]}]')
        victim, intruder = server.main.sockets.values()
        other.send(f'40/custom,{{"sid":"{victim.id}"}}', f'42["join","{victim.id}"]')
        await other.receive()
        await other.receive()

        server.to(victim.id).emit("secret")
        server.emit("end")

        await peer.expect('42["secret"]')
        await other.expect('42["end"]')
        assert intruder.rooms == {intruder.id}


async def test_nan_never_reaches_the_wire(peer: Peer, server: Server) -> None:
    server.emit("figures", float("nan"), {"a": [float("inf")]})

    await peer.expect('42["figures",null,{"a":[null]}]')


async def test_half_an_emoji_reaches_everybody_as_valid_json(peer: Peer) -> None:
    peer.send('42["message","\\ud83d"]')

    await peer.expect('42["message-back","\ufffd"]')


async def test_a_socket_that_ends_amid_an_attachment_leaves_nothing(at: Running, server: Server) -> None:
    async with await Peer.start(at.port) as peer:
        peer.send('4510-["message"]', b"\x01" * 1_000)
    async with Poller(at.port) as poller:
        await poller.start()
        await poller.post('451-["message"]')
        await poller.post("1")
    await serves(at)


async def test_a_client_that_sends_faster_than_it_is_served_stays_in_order(at: Running) -> None:
    server = Server()

    @server.event("n")
    async def slow(socket: Socket, number: int) -> None:
        await asyncio.sleep(0)
        socket.emit("n", number)

    async with running(server) as running_server, await Peer.start(running_server.port) as peer:
        peer.send(*[f'42["n",{number}]' for number in range(900)])

        await peer.expect(*[f'42["n",{number}]' for number in range(900)])


async def test_a_flood_of_packets_past_the_inbox_closes_that_client_alone(at: Running) -> None:
    server = Server()
    server.event("slow", lambda _socket: asyncio.sleep(60))
    reasons: asyncio.Queue[Any] = asyncio.Queue()
    server.event("disconnect", lambda _socket, reason: reasons.put_nowait(reason))
    server.event("echo", lambda _socket, *args: args)
    async with running(server) as here, await Peer.start(here.port) as peer, await Peer.start(here.port) as other:
        peer.send(*['42["slow"]'] * 1_100)

        assert await peer.closing() == 1000
        assert reasons.get_nowait() == "inbox full"
        other.send('421["echo",1]')
        await other.expect("431[1]")
        await server.close()


async def test_a_herd_of_clients_that_come_and_go_leaves_nothing(at: Running, server: Server) -> None:
    async def visit(number: int) -> None:
        async with await Peer.start(at.port) as peer:
            await peer.expect('42["auth",{}]')
            peer.send(f'42["message",{number}]')
            await peer.expect(f'42["message-back",{number}]')

    await asyncio.gather(*[visit(number) for number in range(200)])

    async with asyncio.timeout(PATIENCE_S):
        while server.clients or at.engine.sessions:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)
    assert list(server.main.rooms.names()) == []
