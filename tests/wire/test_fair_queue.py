"""Who sends much waits in queue: one slice in each turn of the loop, and nothing lost or out of order."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from ordercast.hub import Server
from ordercast.wire.fair_queue import SLICE_BYTES, SLICE_PACKETS, FairQueue, ReadThrottle
from ordercast.wire.websocket import ALLOWANCE
from tests.peers import TEXT, Peer, Poller, frame
from tests.servers import Running, running
from tests.waiting import until

MANY = 20 * ALLOWANCE


class Protocol:
    """A buffered protocol with a buffer of two slices, that keeps what it is given."""

    def __init__(self) -> None:
        self.buffer = bytearray(2 * SLICE_BYTES)
        self.pieces: list[bytes] = []
        self.told: list[str] = []

    def get_buffer(self, _size: int) -> memoryview:
        return memoryview(self.buffer)

    def buffer_updated(self, size: int) -> None:
        self.pieces.append(bytes(self.buffer[:size]))

    def eof_received(self) -> None:
        self.told.append("eof")

    def connection_lost(self, _error: Exception | None) -> None:
        self.told.append("lost")

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")


class Transport:
    """What `ReadThrottle` asks of a transport."""

    def __init__(self) -> None:
        self.protocol: Any = None
        self.reading = True
        self.closing = False

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closing

    def receive(self, data: bytes) -> None:
        self.protocol.get_buffer(-1)[: len(data)] = data
        self.protocol.buffer_updated(len(data))


def throttled(queue: FairQueue) -> tuple[Transport, Protocol]:
    transport: Any = Transport()
    protocol = Protocol()
    ReadThrottle(queue, transport, protocol)
    return transport, protocol


async def test_the_line_lets_one_on_in_each_turn_and_each_in_its_turn() -> None:
    queue, order = FairQueue(), list[str]()

    def step(name: str) -> bool:
        order.append(name)
        return order.count(name) < 3

    for name in "abc":
        queue.add(lambda name=name: step(name))  # type: ignore[misc]
    turns = 0
    while len(order) < 9:
        await asyncio.sleep(0)
        turns += 1
        assert len(order) <= turns

    assert "".join(order) == "abcabcabc"
    assert repr(queue) == "<FairQueue waiting=0>"


async def test_after_a_long_slice_the_line_rests_as_long() -> None:
    queue = FairQueue()
    began = [0.0, 0.0]

    def long() -> bool:
        time.sleep(0.05)
        return False

    def next_one() -> bool:
        began[1] = time.perf_counter()
        return False

    began[0] = time.perf_counter()
    queue.add(long)
    queue.add(next_one)
    await until(lambda: began[1])

    assert began[1] - began[0] >= 0.09


async def test_a_slice_that_fails_does_not_stop_the_line(caplog: pytest.LogCaptureFixture) -> None:
    queue, done = FairQueue(), list[int]()

    def fail() -> bool:
        raise ZeroDivisionError

    def succeed() -> bool:
        done.append(1)
        return False

    queue.add(fail)
    queue.add(succeed)
    await until(lambda: done)

    assert "a slice of work failed" in caplog.text


async def test_a_large_read_is_handed_over_slice_by_slice_and_nothing_is_read_meanwhile() -> None:
    transport, protocol = throttled(FairQueue())
    data = bytes(range(256)) * 41

    transport.receive(data)
    assert not protocol.pieces
    assert not transport.reading
    await until(lambda: transport.reading)

    assert [len(piece) for piece in protocol.pieces] == [SLICE_BYTES, SLICE_BYTES, len(data) - 2 * SLICE_BYTES]
    assert b"".join(protocol.pieces) == data


async def test_a_small_read_is_handed_over_at_once() -> None:
    transport, protocol = throttled(FairQueue())

    transport.receive(b"small")

    assert protocol.pieces == [b"small"]
    assert transport.reading


async def test_what_waits_for_a_lost_connection_is_forgotten() -> None:
    transport, protocol = throttled(FairQueue())
    transport.receive(b"x" * 3 * SLICE_BYTES)

    transport.closing = True
    transport.protocol.connection_lost(None)
    for _ in range(5):
        await asyncio.sleep(0)

    assert protocol.pieces == []
    assert protocol.told == ["lost"]


async def test_all_else_is_told_to_the_protocol_behind() -> None:
    transport, protocol = throttled(FairQueue())

    transport.protocol.pause_writing()
    transport.protocol.resume_writing()
    transport.protocol.eof_received()

    assert protocol.told == ["pause", "resume", "eof"]


# On the port


def throttles(at: Running) -> list[bool]:
    transports: list[Any] = [session.transport for session in at.engine.sessions.values()]
    return [isinstance(t._ws.underlying_transport.get_protocol(), ReadThrottle) for t in transports]


async def test_a_client_that_sends_much_is_answered_in_order_and_in_full(server: Server) -> None:
    async with running(server) as at, await Peer.start(at.port) as peer:
        peer.send(*[f'42{number}["echo",{number}]' for number in range(MANY)])
        await peer.expect(*[f"43{number}[{number}]" for number in range(MANY)])

        assert throttles(at) == [True]
        peer.send('420["echo","' + "x" * 300_000 + '"]')
        assert len(await peer.receive()) > 300_000


async def test_a_client_that_sends_little_is_left_alone(server: Server) -> None:
    async with running(server) as at, await Peer.start(at.port) as peer:
        for number in range(ALLOWANCE // 2):
            peer.send(f'42{number}["echo",{number}]')
            await peer.expect(f"43{number}[{number}]")

        assert throttles(at) == [False]


async def test_a_flood_does_not_hold_up_others(server: Server) -> None:
    async with running(server) as at, await Peer.start(at.port) as flooder, await Peer.start(at.port) as other:
        handled = 0

        def count(_socket: Any, number: int) -> None:
            nonlocal handled
            handled = number

        server.event("n", count)
        flooder.send_bytes(b"".join(frame(TEXT, b'42["n",%d]' % number) for number in range(1, 20_001)))
        await until(lambda: throttles(at).count(True) == 1)
        before = handled
        other.send('420["echo",1]')
        await other.expect("430[1]")
        # Both ends run in one loop here: a few turns pass between what is asked and what is answered.
        assert handled - before < 20 * SLICE_BYTES / 20
        await until(lambda: handled == 20_000)


async def test_a_long_post_is_taken_slice_by_slice_and_answered_after_the_last(server: Server) -> None:
    heard: list[int] = []
    server.event("n", lambda _socket, number: heard.append(number))
    async with running(server) as at, Poller(at.port) as poller, await Peer.start(at.port) as other:
        await poller.start()
        count = 100 * SLICE_PACKETS
        posting = asyncio.create_task(poller.post("\x1e".join(f'42["n",{number}]' for number in range(count))))
        await until(lambda: heard)
        other.send('420["echo",1]')
        await other.expect("430[1]")

        assert len(heard) < count
        await posting
        assert heard == list(range(count))


async def test_a_client_that_hangs_up_amid_its_post_leaves_nothing(server: Server) -> None:
    heard: list[int] = []
    server.event("n", lambda _socket, number: heard.append(number))
    async with running(server) as at, Poller(at.port) as poller:
        await poller.start()
        body = b"\x1e".join([b'42["n",1]'] * 9_000)
        peer = await Peer.dial(at.port)
        head = f"POST /socket.io/?EIO=4&transport=polling&sid={poller.sid} HTTP/1.1\r\nHost: x\r\n"
        peer.send_bytes(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await until(lambda: heard)
        await peer.hang_up()

        await until(lambda: not at.engine.sessions)
        taken = len(heard)
        await asyncio.sleep(0.05)
        assert taken == len(heard) < 9_000


async def test_a_malformed_packet_behind_many_good_ones_closes(server: Server) -> None:
    async with running(server) as at, Poller(at.port) as poller:
        await poller.start()
        response = await poller.request("POST", b"\x1e".join([b'42["n",1]'] * 200 + [b"?"]))

        assert response.status_code == 400
        assert not at.engine.sessions
