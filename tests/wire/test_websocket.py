"""The WebSocket transport against raw frames: fragments, bounds, broken peers, peers that do not read."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from ordercast.hub import DisconnectReason, Options, Server, Socket
from tests.peers import (
    AT_ONCE_S,
    BINARY,
    CLOSE,
    PATIENCE_S,
    PING,
    PONG,
    TEXT,
    WEBSOCKET,
    Closed,
    Peer,
    frame,
    upgrade_request,
)
from tests.servers import Running, running
from tests.waiting import until

BYTES_MAX = 10_000
BACKLOG_MAX = 200_000
CONTINUATION = 0x0


@pytest.fixture
def options() -> Options:
    return Options(message_bytes_max=BYTES_MAX, backlog_bytes_max=BACKLOG_MAX)


async def serves(at: Running) -> None:
    """The server goes on serving others."""
    async with await Peer.start(at.port) as other:
        other.send('420["echo",1]')
        await other.expect("430[1]")


# Fragments


async def test_a_message_in_fragments_with_a_ping_between_is_one_message(peer: Peer) -> None:
    peer.send_bytes(frame(TEXT, b'421["ec', fin=False))
    peer.send_bytes(frame(PING, b"between"))
    peer.send_bytes(frame(CONTINUATION, b'ho",', fin=False))
    peer.send_bytes(frame(CONTINUATION, b"", fin=False))
    peer.send_bytes(frame(CONTINUATION, b"7]"))

    assert await peer.receive_frame() == (PONG, b"between")
    await peer.expect("431[7]")


async def test_a_binary_attachment_may_come_in_fragments_too(peer: Peer) -> None:
    peer.send('451-1["echo",{"_placeholder":true,"num":0}]')
    peer.send_bytes(frame(BINARY, b"\x01", fin=False) + frame(CONTINUATION, b"\x02"))

    await peer.expect('461-1[{"_placeholder":true,"num":0}]', b"\x01\x02")


async def test_an_attachment_may_come_as_base64_text_and_goes_so_to_who_asks_for_it(at: Running) -> None:
    async with await Peer.open(at.port, WEBSOCKET + "&b64=1") as peer:
        await peer.take_open()
        peer.send("40")
        await peer.receive()

        peer.send('451-1["echo",{"_placeholder":true,"num":0}]', "bAQIDBA")

        await peer.expect('461-1[{"_placeholder":true,"num":0}]', "bAQIDBA==")


async def test_an_attachment_in_base64_is_answered_in_binary_to_who_did_not_ask(peer: Peer) -> None:
    peer.send('451-1["echo",{"_placeholder":true,"num":0}]', "bAQID\n")

    await peer.expect('461-1[{"_placeholder":true,"num":0}]', b"\x01\x02\x03")


@pytest.mark.parametrize("text", ["b*", "bA", "bAQ==AQ=="])
async def test_an_attachment_that_is_no_base64_closes_the_connection(peer: Peer, text: str) -> None:
    peer.send('451-1["echo",{"_placeholder":true,"num":0}]', text)

    assert await peer.closing(within_s=AT_ONCE_S) == 1002


async def test_a_message_as_large_as_announced_is_taken(peer: Peer) -> None:
    packet = '421["echo","' + "x" * (BYTES_MAX - 14) + '"]'
    assert len(packet) == BYTES_MAX

    peer.send(packet)

    await peer.expect('431["' + "x" * (BYTES_MAX - 14) + '"]')


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"4" + b"x" * BYTES_MAX),
        frame(TEXT, b"4" + b"x" * BYTES_MAX)[:14],
        frame(TEXT, b"4" + b"x" * 6_000, fin=False) + frame(CONTINUATION, b"x" * 6_000),
        frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"x", fin=False) * (BYTES_MAX + 1),
        b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",
    ],
    ids=["whole", "only its header", "two fragments", "tiny fragments", "a header of 2^63"],
)
async def test_a_larger_one_is_refused_before_it_is_there(peer: Peer, at: Running, data: bytes) -> None:
    peer.send_bytes(data)

    assert await peer.closing(within_s=AT_ONCE_S) == 1009
    await serves(at)


# Frames that RFC 6455 forbids


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"42", masked=False),
        frame(TEXT, b'42["echo"]', reserved=0b100),
        frame(TEXT, b'42["echo"]', reserved=0b010),
        frame(TEXT, b'42["echo"]', reserved=0b001),
        frame(0x3, b"42"),
        frame(0xB, b""),
        frame(CONTINUATION, b"42"),
        frame(TEXT, b"42", fin=False) + frame(TEXT, b"42"),
        frame(PING, b"x" * 126),
        frame(PING, b"x", fin=False),
        frame(CLOSE, b"\x03"),
        frame(CLOSE, (0).to_bytes(2, "big")),
        frame(CLOSE, (999).to_bytes(2, "big")),
        frame(CLOSE, (1005).to_bytes(2, "big")),
        frame(CLOSE, (1006).to_bytes(2, "big")),
        frame(CLOSE, (5000).to_bytes(2, "big")),
        frame(CLOSE, (65535).to_bytes(2, "big")),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=lambda data: data[:8].hex(),
)
async def test_a_forbidden_frame_closes_at_once(peer: Peer, at: Running, data: bytes) -> None:
    """CVE-2022-21676: one bad frame took the process down."""
    peer.send_bytes(data)

    assert await peer.closing(within_s=AT_ONCE_S) == 1002
    await serves(at)


@pytest.mark.parametrize(
    ("sent", "answered"),
    [(b"", b"\x03\xe8"), (b"\x03\xe8", b"\x03\xe8"), (b"\x03\xe9going", b"\x03\xe9"), (b"\x0f\xa0", b"\x0f\xa0")],
)
async def test_a_close_is_answered_with_its_own_code(
    peer: Peer, ended: asyncio.Queue[DisconnectReason], sent: bytes, answered: bytes
) -> None:
    """RFC 6455 section 5.5.1; and 7.4.1: 1005 says that there was no code, and never travels."""
    peer.send_bytes(frame(CLOSE, sent))

    assert await peer.receive_frame() == (CLOSE, answered)
    assert await peer.reader.read() == b""
    assert await asyncio.wait_for(ended.get(), AT_ONCE_S) is DisconnectReason.TRANSPORT_CLOSE


async def test_what_follows_a_close_is_not_heard(peer: Peer, server: Server) -> None:
    heard: list[Any] = []
    server.event("late", lambda _socket, *args: heard.append(args))

    peer.send_bytes(frame(CLOSE, b"") + frame(TEXT, b'42["late"]') + frame(TEXT, b'451-["late",{"_placeholder":true}]'))

    await peer.closing(within_s=AT_ONCE_S)
    assert heard == []


@pytest.mark.parametrize(
    "garbage",
    [frame(PING, b"")[:1] + b"\x70", frame(PING | 0x40, b""), b"\x0f\x80" + bytes(4), b"\x8b\x80" + bytes(4)],
    ids=["unmasked", "reserved-bit", "fragmented-control", "unknown-opcode"],
)
@pytest.mark.parametrize("before", [frame(PING, b"hello"), frame(TEXT, b'420["echo",1]')], ids=["ping", "event"])
async def test_nothing_follows_the_close_upon_a_broken_frame(peer: Peer, before: bytes, garbage: bytes) -> None:
    """RFC 6455 section 5.5.1. What came before it, in the same segment, is parsed but no longer answered."""
    peer.send_bytes(before * 3 + garbage)

    assert await peer.closing(within_s=AT_ONCE_S) == 1002


async def test_garbage_of_any_kind_never_stops_the_server(at: Running, ended: asyncio.Queue[DisconnectReason]) -> None:
    for seed in range(30):
        async with await Peer.start(at.port) as peer:
            peer.send_bytes(random.Random(seed).randbytes(200))
            peer.writer.write_eof()
            await peer.closing()
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(30):
            await ended.get()
    await serves(at)
    assert not [session for session in at.engine.sessions.values() if session.transport_name != "websocket"]


# Pings of the WebSocket itself


async def test_a_websocket_ping_is_answered_with_its_payload(peer: Peer) -> None:
    peer.send_bytes(frame(PING, b"hello") + frame(PING, b""))

    assert await peer.receive_frame() == (PONG, b"hello")
    assert await peer.receive_frame() == (PONG, b"")


async def test_pongs_to_a_client_that_does_not_read_do_not_pile_up(at: Running) -> None:
    async with await deaf_peer(at) as peer:
        pings = frame(PING, b"x" * 125, masked=True) * 200
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(500):
                peer.writer.write(pings)
                await peer.writer.drain()
        await asyncio.sleep(0.05)
        transport: Any = next(iter(at.engine.sessions.values())).transport
        waiting = transport._ws.underlying_transport.get_write_buffer_size()
        assert waiting < 300_000, f"{waiting} bytes of pongs wait for one client"


# Back-pressure


async def deaf_peer(at: Running) -> Peer:
    """Connected, with small buffers, and reading no more."""
    peer = await Peer.dial(at.port, receive_buffer_bytes=4_096)
    await peer.upgrade(upgrade_request(at.port))
    await peer.take_open()
    await peer.enter()
    return peer


async def emit_until(server: Server, ended: asyncio.Queue[DisconnectReason], size: int = 20_000) -> int:
    """Emit to everybody until somebody ends; give the bytes emitted."""
    emitted = 0
    async with asyncio.timeout(PATIENCE_S):
        while ended.empty():
            server.emit("news", "x" * size)
            emitted += size
            await asyncio.sleep(0.001)
    return emitted


async def test_a_client_that_stops_reading_is_closed_and_others_hear_everything(
    at: Running, server: Server, ended: asyncio.Queue[DisconnectReason]
) -> None:
    async with await deaf_peer(at), await Peer.start(at.port) as other:
        heard: list[str | bytes] = []

        async def read() -> None:
            while True:
                heard.append(await other.receive())

        reading = asyncio.create_task(read())
        emitted = await emit_until(server, ended)
        await until(lambda: len(heard) == emitted // 20_000)
        reading.cancel()

        assert ended.get_nowait() is DisconnectReason.BACKLOG_FULL
        assert len(server.clients) == 1
        # What the kernel holds for the connection, and the backlog: some megabytes at most.
        assert BACKLOG_MAX < emitted < 12_000_000


async def test_a_client_that_never_reads_again_is_let_go(
    at: Running, server: Server, ended: asyncio.Queue[DisconnectReason], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closed connection that waits for its peer to read would hold its memory and its descriptor for ever."""
    monkeypatch.setattr("ordercast.wire.websocket.CLOSE_TIMEOUT_S", 0.1)
    async with await deaf_peer(at):
        transport: Any = next(iter(at.engine.sessions.values())).transport
        await emit_until(server, ended)

        await until(lambda: transport._session is None)


async def test_a_deaf_client_that_breaks_a_rule_is_let_go_by_the_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordercast.wire.websocket.CLOSE_TIMEOUT_S", 0.1)
    server = Server(Options(ping_interval_s=0.1, ping_timeout_s=0.1))
    async with running(server) as at, await deaf_peer(at) as peer:
        session: Any = next(iter(at.engine.sessions.values()))
        transport = session.transport
        while not session.blocked:
            server.emit("news", "x" * 20_000)
            await asyncio.sleep(0)

        peer.send_bytes(frame(0x3, b"an opcode that picows refuses"))

        await until(lambda: transport._session is None)
        assert not server.clients


async def test_volatile_events_are_dropped_first_and_the_others_kept(at: Running, server: Server) -> None:
    async with await deaf_peer(at) as peer:
        session = next(iter(at.engine.sessions.values()))
        while not session.blocked:
            server.emit("filler", "x" * 20_000)
            await asyncio.sleep(0)

        server.volatile.emit("position", 1)
        server.emit("order", 1)
        server.volatile.emit("position", 2)
        server.emit("order", 2)

        tail: list[str | bytes] = []
        while '42["order",2]' not in tail:
            message = await peer.receive()
            if "filler" not in str(message)[:12]:
                tail.append(message)
        assert tail == ['42["order",1]', '42["order",2]']
        server.volatile.emit("position", 3)
        await peer.expect('42["position",3]')


async def test_a_slow_reader_hears_everything_in_order(at: Running, server: Server) -> None:
    async with await deaf_peer(at) as peer:
        session = next(iter(at.engine.sessions.values()))
        sent = 0
        while not session.blocked or sent < 100:
            server.emit("n", sent, "x" * 1_000)
            sent += 1
            await asyncio.sleep(0)

        for number in range(sent):
            assert str(await peer.receive()).startswith(f'42["n",{number},')
        await until(lambda: not session.blocked)


async def test_what_one_turn_emits_leaves_in_one_write_and_in_order(peer: Peer, server: Server, at: Running) -> None:
    transport: Any = next(iter(at.engine.sessions.values())).transport
    writes: list[bytes] = []
    write = transport._write

    def write_and_note(data: bytes) -> None:
        writes.append(data)
        write(data)

    transport._write = write_and_note

    for number in range(10):
        server.emit("n", number)

    await peer.expect(*[f'42["n",{number}]' for number in range(10)])
    assert len(writes) == 1


async def test_a_turn_that_emits_very_much_writes_in_several_pieces(peer: Peer, server: Server) -> None:
    for number in range(3_000):
        server.emit("n", number)

    await peer.expect(*[f'42["n",{number}]' for number in range(3_000)])


# Ends


async def test_an_emit_and_a_disconnect_in_one_turn_arrive_in_that_order(peer: Peer, server: Server) -> None:
    socket: Socket = next(iter(server.main.sockets.values()))

    socket.emit("last", "word")
    socket.disconnect(close=True)
    socket.emit("too", "late")

    await peer.expect('42["last","word"]', "41")
    with pytest.raises(Closed) as closed:
        await peer.receive()
    assert closed.value.code == 1000


async def test_a_half_closed_connection_is_closed(peer: Peer, ended: asyncio.Queue[DisconnectReason]) -> None:
    peer.writer.write_eof()

    assert await asyncio.wait_for(ended.get(), AT_ONCE_S) is DisconnectReason.TRANSPORT_CLOSE


async def test_its_repr_says_whether_it_is_open(peer: Peer, at: Running) -> None:
    session = next(iter(at.engine.sessions.values()))
    transport = session.transport

    assert repr(transport) == f"<WebSocketTransport open <Session {session.sid} open websocket queued=0>>"
    await peer.hang_up()
    await until(lambda: repr(transport) == "<WebSocketTransport closed None>")
