"""Bounds and deadlines of HTTP on the port, and Engine.IO's requests in the unusual forms that HTTP allows."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import logging
import time
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvloop

from ordercast.hub import DisconnectReason, Options, Server
from ordercast.wire.http import PIPELINED_MAX, Http
from ordercast.wire.polling import PollingTransport
from tests.peers import PATIENCE_S, Peer, Poller
from tests.servers import Running, held, running
from tests.waiting import until

HEAD_BYTES_MAX, HEADERS_MAX = 4_096, 20
HEAD_S, REQUEST_S, STALL_S = 0.3, 0.7, 0.5
# A deadline is short where a test waits for it, and else out of the way of a machine that is busy.
SHORT: dict[str, dict[str, Any]] = {
    "head": {"request_head_timeout_s": HEAD_S},
    "request": {"request_timeout_s": REQUEST_S, "request_head_timeout_s": REQUEST_S},
    "stall": {"response_stall_s": STALL_S},
}
OPEN = "/socket.io/?EIO=4&transport=polling"


async def slow_application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        for _ in range(2):
            await send({"type": (await receive())["type"] + ".complete"})
        return
    if scope["path"] == "/large":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"20000000")]})
        await send({"type": "http.response.body", "body": bytes(20_000_000)})
        return
    if scope["path"] != "/quick":
        await asyncio.sleep(REQUEST_S + 0.1)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def options(request: pytest.FixtureRequest) -> Options:
    """With `short` as its mark, these deadlines are."""
    marks = request.node.iter_markers("short")
    short = {name: value for mark in marks for which in mark.args for name, value in SHORT[which].items()}
    patient = {"request_head_timeout_s": PATIENCE_S, "request_timeout_s": PATIENCE_S, "response_stall_s": PATIENCE_S}
    return Options(
        request_head_bytes_max=HEAD_BYTES_MAX,
        request_headers_max=HEADERS_MAX,
        backlog_bytes_max=30_000_000,
        **{**patient, **short},
    )


@pytest.fixture
async def at(server: Server) -> AsyncIterator[Running]:
    async with running(server, http=slow_application) as at:
        yield at


@pytest.fixture
async def peer(at: Running) -> AsyncIterator[Peer]:
    async with await Peer.dial(at.port) as peer:
        yield peer


def request(target: str = OPEN, *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/{version}", "Host: x", *headers, "", ""]).encode()


async def status_and_end(peer: Peer) -> int:
    """The status of the next answer, after which the server has closed."""
    async with asyncio.timeout(PATIENCE_S):
        answer = await peer.reader.read()
    return int(answer.split(b" ")[1]) if answer else 0


async def status(peer: Peer) -> int:
    async with asyncio.timeout(PATIENCE_S):
        head = await peer.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
        await peer.reader.readexactly(length)
    return int(head.split(b" ")[1])


# The head


@pytest.mark.parametrize("target", [OPEN, "/elsewhere"])
@pytest.mark.parametrize(
    "headers",
    [
        ["X: " + "x" * HEAD_BYTES_MAX],
        [f"X-{n}: {'x' * 250}" for n in range(HEADERS_MAX - 2)],
        [f"X-{n}: y" for n in range(HEADERS_MAX)],
    ],
    ids=["one long", "long together", "too many"],
)
@pytest.mark.parametrize("pieces", [1, 7])
async def test_a_head_past_its_bounds_is_refused(peer: Peer, target: str, headers: list[str], pieces: int) -> None:
    data = request(target, *headers)
    with contextlib.suppress(ConnectionError):
        for at in range(0, len(data), len(data) // pieces + 1):
            peer.writer.write(data[at : at + len(data) // pieces + 1])
            await asyncio.sleep(0.001)

    assert await status_and_end(peer) == 431


async def test_a_head_within_its_bounds_is_taken_however_it_comes(peer: Peer) -> None:
    data = request(OPEN, "X: " + "x" * (HEAD_BYTES_MAX - 200), *[f"X-{n}: y" for n in range(HEADERS_MAX - 5)])
    for at in range(0, len(data), 1_000):
        peer.writer.write(data[at : at + 1_000])
        await asyncio.sleep(0.001)

    assert await status(peer) == 200


async def test_a_body_behind_it_is_not_taken_for_a_head(peer: Peer, at: Running) -> None:
    async with Poller(at.port) as poller:
        await poller.start()
        body = b'420["echo","' + b"x" * 20_000 + b'"]'
        peer.writer.write(request(f"{OPEN}&sid={poller.sid}", f"Content-Length: {len(body)}", method="POST") + body)

        assert await status(peer) == 200


@pytest.mark.parametrize(
    "garbage", [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\n\r\n"]
)
async def test_what_is_no_http_is_refused_and_no_warning(
    peer: Peer, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Anybody can send garbage; a log that anybody can fill with errors hides the real ones."""
    with caplog.at_level(logging.DEBUG):
        peer.writer.write(garbage)
        assert await status_and_end(peer) == 400

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


# Deadlines


@pytest.mark.short("head")
@pytest.mark.parametrize("begun", [b"", b"G", request()[:-2]], ids=["nothing", "a letter", "no end"])
async def test_a_head_that_does_not_come_in_time_ends_the_connection(at: Running, begun: bytes) -> None:
    began = time.monotonic()
    async with await Peer.dial(at.port) as peer:
        peer.writer.write(begun)

        with contextlib.suppress(ConnectionError):  # where the letter comes too late
            assert await status_and_end(peer) in ({408, 0} if begun else {0})
        assert time.monotonic() - began > HEAD_S * 0.9


@pytest.mark.short("head")
async def test_a_letter_now_and_then_gains_no_time(at: Running) -> None:
    """Slowloris."""
    began = time.monotonic()
    async with await Peer.dial(at.port) as peer:
        answer = asyncio.create_task(status_and_end(peer))
        letters = itertools.chain(request(OPEN, "X: x")[:-4], itertools.repeat(ord("x")))
        while not answer.done():
            peer.writer.write(bytes([next(letters)]))
            await asyncio.sleep(0.005)

        with contextlib.suppress(ConnectionError):  # a letter that crosses the close resets the connection
            assert await answer == 408
        assert time.monotonic() - began > HEAD_S * 0.9


async def test_a_second_request_has_its_own_time(peer: Peer, at: Running) -> None:
    connection: Any
    (connection,) = at.server.server_state.connections
    first: Any = connection._deadline
    peer.writer.write(request("/socket.io/"))
    assert await status(peer) == 400
    peer.writer.write(request("/socket.io/")[:20])

    await until(lambda: connection._deadline not in {None, first})


@pytest.mark.short("request")
async def test_a_body_that_does_not_come_in_time_ends_the_session(
    at: Running, ended: asyncio.Queue[DisconnectReason]
) -> None:
    async with Poller(at.port) as poller:
        await poller.start()
        began = time.monotonic()
        peer = await Peer.dial(at.port)
        peer.writer.write(request(f"{OPEN}&sid={poller.sid}", "Content-Length: 100", method="POST") + b"42[")

        assert await status_and_end(peer) == 408
        assert time.monotonic() - began > REQUEST_S * 0.9
        assert await asyncio.wait_for(ended.get(), PATIENCE_S) is DisconnectReason.TRANSPORT_ERROR
        await peer.hang_up()


@pytest.mark.short("request")
async def test_a_program_may_take_longer_than_a_client(peer: Peer) -> None:
    peer.writer.write(request("/slow"))

    assert await status(peer) == 200


@pytest.mark.short("request")
async def test_a_poll_may_be_held_longer_than_any_deadline(peer: Peer, at: Running, server: Server) -> None:
    async with Poller(at.port) as poller:
        await poller.start()
        peer.writer.write(request(f"{OPEN}&sid={poller.sid}"))
        await held(poller)
        await asyncio.sleep(REQUEST_S + 0.1)
        server.emit("late")

        assert await status(peer) == 200


@pytest.mark.short("stall")
@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("what", ["poll", "asgi"])
def test_a_client_that_does_not_read_its_answer_is_cut_off(
    loop_factory: Callable[[], asyncio.AbstractEventLoop], what: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its task, or its megabytes, would otherwise stay for as long as it likes."""

    monkeypatch.setattr(PollingTransport, "part_bytes", 20_000_000)  # more than the kernel takes from us

    async def scenario() -> None:
        async with running(server, http=slow_application) as at, Poller(at.port) as poller:
            await poller.start()
            for _ in range(20):
                server.emit("news", "x" * 1_000_000)
            async with await Peer.dial(at.port, receive_buffer_bytes=4_096) as peer:
                peer.writer.write(request(f"{OPEN}&sid={poller.sid}" if what == "poll" else "/large"))
                connections = at.server.server_state.connections
                tasks = at.server.server_state.tasks
                await until(lambda: any(c.transport.get_write_buffer_size() > 1_000_000 for c in connections))
                await until(lambda: not any(c.transport.get_write_buffer_size() for c in connections))
                await until(lambda: not tasks)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(scenario())


@pytest.mark.short("stall")
async def test_a_client_that_reads_slowly_gets_it_all(at: Running) -> None:
    async with await Peer.dial(at.port, receive_buffer_bytes=65_536) as peer:
        peer.writer.write(request("/large"))
        head = await peer.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        received, began = 0, time.monotonic()
        while received < 20_000_000:
            data = await peer.reader.read(1_000_000)
            assert data, f"cut off after {received}"
            received += len(data)
            if time.monotonic() - began < 4 * STALL_S:
                await asyncio.sleep(STALL_S / 10)


# Forms of a request


@pytest.mark.parametrize(
    "target",
    [
        OPEN,
        OPEN.replace("/?", "?"),
        "http://example.com" + OPEN,
        OPEN.replace("socket", "%73ocket"),
        OPEN + "&t=Pq1x&unused",
        OPEN.replace("polling", "%70olling"),
    ],
)
async def test_the_path_may_be_spelt_in_other_ways(peer: Peer, target: str) -> None:
    peer.writer.write(request(target))

    assert await status(peer) == 200


async def test_piped_requests_are_answered_in_order(peer: Peer) -> None:
    peer.writer.write(request("/slow") + request(OPEN) + request("/socket.io/") + request("/slow") + request(OPEN))

    assert [await status(peer) for _ in range(5)] == [200, 200, 400, 200, 200]


@pytest.mark.parametrize("target", ["/socket.io/", "/quick"])
async def test_of_a_long_chain_of_piped_requests_some_are_answered_and_the_last_ends_the_connection(
    peer: Peer, target: str
) -> None:
    """A read can bring fourteen thousand, and each holds kilobytes while it waits."""
    peer.writer.write(request("/slow") + request(target) * 2_000)
    expected = 400 if target == "/socket.io/" else 200

    assert await status(peer) == 200
    assert [await status(peer) for _ in range(PIPELINED_MAX - 1)] == [expected] * (PIPELINED_MAX - 1)
    assert await status_and_end(peer) == expected


async def test_a_poll_and_a_post_piped_behind_it(peer: Peer, at: Running, server: Server) -> None:
    async with Poller(at.port) as poller:
        await poller.start()
        target = f"{OPEN}&sid={poller.sid}"
        peer.writer.write(request(target) + request(target, "Content-Length: 1", method="POST") + b"3")
        await held(poller)
        server.emit("news")

        assert [await status(peer), await status(peer)] == [200, 200]


async def test_an_answer_in_http_1_0_ends_the_connection(peer: Peer) -> None:
    peer.writer.write(request(OPEN, version="1.0"))

    assert await status_and_end(peer) == 200


async def test_a_head_request_has_no_body(peer: Peer) -> None:
    peer.writer.write(request("/socket.io/", method="HEAD", version="1.0"))

    assert (await peer.reader.read()).endswith(b"\r\n\r\n")


async def test_a_body_is_asked_for_when_the_client_waits_for_it(peer: Peer, at: Running) -> None:
    """RFC 9110 section 10.1.1; curl waits so with larger bodies."""
    async with Poller(at.port) as poller:
        await poller.start()
        target = f"{OPEN}&sid={poller.sid}"
        peer.writer.write(request(target, "Content-Length: 1", "Expect: 100-continue", method="POST"))
        assert await peer.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        peer.writer.write(b"3")

        assert await status(peer) == 200


async def test_every_answer_is_dated(at: Running) -> None:
    """RFC 9110 section 6.6.1."""
    await at.server.on_tick(0)
    async with Poller(at.port) as poller:
        assert (await poller.request()).headers["date"]


async def test_an_exception_of_ours_is_answered_and_logged(
    peer: Peer, at: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(at.engine, "check", broken)
    peer.writer.write(request())

    assert await status(peer) == 500
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


# What a connection leaves


async def test_a_connection_that_has_ended_needs_no_collector(at: Running) -> None:
    gc.collect()
    gc.disable()
    try:
        async with await Peer.dial(at.port) as peer:
            peer.writer.write(request())
            await status(peer)
            (connection,) = at.server.server_state.connections
            assert isinstance(connection, Http)
            gone = weakref.ref(connection)
            del connection
        await until(lambda: gone() is None)
    finally:
        gc.enable()
