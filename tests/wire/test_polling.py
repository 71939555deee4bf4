"""Long polling against a Socket.IO server: bodies, bounds, last words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from ordercast.hub import DisconnectReason, Options, Server, Socket
from tests.peers import AT_ONCE_S, PATIENCE_S, Peer, Poller
from tests.servers import Running, held
from tests.waiting import until

BYTES_MAX = 10_000


@pytest.fixture
def options() -> Options:
    return Options(message_bytes_max=BYTES_MAX, backlog_bytes_max=50_000)


@pytest.fixture
async def poller(at: Running) -> AsyncIterator[Poller]:
    async with Poller(at.port) as poller:
        yield poller


def only_socket(server: Server) -> Socket:
    (socket,) = server.main.sockets.values()
    return socket


async def test_several_packets_of_one_body_are_answered_in_order(poller: Poller) -> None:
    await poller.start()

    await poller.post('421["echo",1]\x1e422["echo",2]\x1e423["echo",3]')

    assert await poller.poll() == "431[1]\x1e432[2]\x1e433[3]"


async def test_binary_travels_as_base64_both_ways(poller: Poller) -> None:
    await poller.start()

    await poller.post('451-1["echo",{"_placeholder":true,"num":0}]\x1ebAQIDBA==')

    assert await poller.poll() == '461-1[{"_placeholder":true,"num":0}]\x1ebAQIDBA=='


async def test_what_is_emitted_between_two_polls_comes_with_the_next(poller: Poller, server: Server) -> None:
    await poller.start()

    server.emit("a", 1)
    server.emit("b")

    assert await poller.poll() == '42["a",1]\x1e42["b"]'


async def test_answers_are_plain_text_that_is_never_cached(poller: Poller) -> None:
    await poller.open()
    await poller.post("40")

    response = await poller.request()

    assert response.headers["content-type"] == "text/plain; charset=UTF-8"
    assert response.headers["cache-control"] == "no-store"


# Bounds


async def test_a_body_as_large_as_announced_is_taken(poller: Poller) -> None:
    await poller.start()
    body = '421["echo","' + "x" * (BYTES_MAX - 14) + '"]'
    assert len(body) == BYTES_MAX

    await poller.post(body)

    assert (await poller.poll()).startswith("431[")


async def test_a_larger_body_is_refused_unread(poller: Poller) -> None:
    """CVE-2020-36048, CVE-2020-36049."""
    await poller.start()

    response = await poller.request("POST", b"4" + b"x" * BYTES_MAX)

    assert (response.status_code, response.json()["message"]) == (413, "Body too large")


async def test_a_body_without_announced_length_is_bounded_too(poller: Poller, at: Running) -> None:
    await poller.start()

    async with await Peer.dial(at.port) as raw:
        raw.writer.write(post_head(poller, b"Transfer-Encoding: chunked"))
        for _ in range(BYTES_MAX // 1_000 + 1):
            raw.writer.write(b"3e8\r\n" + b"x" * 1_000 + b"\r\n")

        assert (await asyncio.wait_for(raw.reader.readline(), PATIENCE_S)).startswith(b"HTTP/1.1 413 ")


async def test_what_follows_a_body_of_the_announced_length_is_not_part_of_it(
    poller: Poller, at: Running, server: Server
) -> None:
    heard: list[object] = []
    server.event("smuggled", lambda _socket: heard.append(1))
    await poller.start()

    async with await Peer.dial(at.port) as raw:
        raw.writer.write(post_head(poller, b"Content-Length: 1") + b'3\x1e42["smuggled"]')
        async with asyncio.timeout(PATIENCE_S):
            answer = await raw.reader.read()

    assert b"HTTP/1.1 400 " in answer
    assert heard == []


@pytest.mark.parametrize(
    "announced", [b"Content-Length: -1", b"Content-Length: x", b"Content-Length: 99999999999999999999"]
)
async def test_a_length_that_is_none_is_refused(poller: Poller, at: Running, announced: bytes) -> None:
    await poller.start()

    async with await Peer.dial(at.port) as raw:
        raw.writer.write(post_head(poller, announced) + b"3")

        assert (await asyncio.wait_for(raw.reader.readline(), PATIENCE_S)).startswith(b"HTTP/1.1 400 ")


def post_head(poller: Poller, *headers: bytes) -> bytes:
    target = f"/socket.io/?EIO=4&transport=polling&sid={poller.sid}".encode()
    return b"\r\n".join([b"POST " + target + b" HTTP/1.1", b"Host: x", *headers, b"", b""])


async def test_a_body_that_breaks_off_ends_the_session(
    poller: Poller, at: Running, ended: asyncio.Queue[DisconnectReason]
) -> None:
    await poller.start()

    async with await Peer.dial(at.port) as raw:
        raw.writer.write(post_head(poller, b"Content-Length: 100") + b'42["echo"')
        await held(poller, request="posting")

    await asyncio.wait_for(ended.get(), AT_ONCE_S)
    assert await poller.gone()


async def test_two_posts_at_once_end_the_session(
    poller: Poller, at: Running, ended: asyncio.Queue[DisconnectReason]
) -> None:
    await poller.start()

    async with await Peer.dial(at.port) as raw:
        raw.writer.write(post_head(poller, b"Content-Length: 100") + b"4")
        await held(poller, request="posting")
        response = await poller.request("POST", b"3")

    assert response.status_code == 400
    assert ended.get_nowait() is DisconnectReason.TRANSPORT_ERROR


async def test_a_binary_body_is_refused_and_its_request_ended(poller: Poller, at: Running) -> None:
    """CVE-2026-59725: such a request was left open."""
    await poller.start()

    async with await Peer.dial(at.port) as raw:
        raw.writer.write(post_head(poller, b"Content-Type: application/octet-stream", b"Content-Length: 1") + b"3")

        assert (await asyncio.wait_for(raw.reader.readline(), PATIENCE_S)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused_and_harm_nothing(poller: Poller, method: str) -> None:
    await poller.start()

    assert (await poller.request(method)).status_code == 400

    await poller.post('420["echo"]')
    assert await poller.poll() == "430[]"


async def test_a_client_that_polls_no_more_is_bounded_in_bytes(
    poller: Poller, server: Server, ended: asyncio.Queue[DisconnectReason]
) -> None:
    await poller.start()

    for _ in range(6):
        server.emit("news", "x" * 10_000)
    await asyncio.sleep(0)

    assert await asyncio.wait_for(ended.get(), PATIENCE_S) is DisconnectReason.BACKLOG_FULL
    assert await poller.gone()


async def test_volatile_events_are_dropped_between_polls(poller: Poller, server: Server) -> None:
    await poller.start()

    server.volatile.emit("position", 1)
    server.emit("order", 1)

    assert await poller.poll() == '42["order",1]'


# Last words


async def test_a_disconnected_client_fetches_its_last_words(poller: Poller, server: Server) -> None:
    await poller.start()
    socket = only_socket(server)
    socket.emit("last", "word")
    socket.disconnect(close=True)

    assert await poller.poll() == '42["last","word"]\x1e41'
    assert await poller.poll() == "1"
    assert await poller.gone()


async def test_a_post_meanwhile_does_not_swallow_them(poller: Poller, server: Server) -> None:
    await poller.start()
    only_socket(server).emit("last", "word")
    only_socket(server).disconnect(close=True)

    response = await poller.request("POST", b"3")

    assert response.status_code == 400
    assert await poller.poll() == '42["last","word"]\x1e41'


async def test_a_held_poll_is_told_at_once(poller: Poller, server: Server) -> None:
    await poller.start()
    poll = asyncio.create_task(poller.poll())
    await held(poller)

    only_socket(server).disconnect(close=True)

    assert await asyncio.wait_for(poll, AT_ONCE_S) == "41", "the close alone would be heard first, and as an accident"
    assert await poller.poll() == "1"
    assert await poller.gone()


async def test_leaving_a_namespace_leaves_the_connection_open(poller: Poller, server: Server) -> None:
    await poller.start()

    only_socket(server).disconnect()

    assert await poller.poll() == "41"
    assert len(server.clients) == 1


async def test_clients_that_hang_up_leave_nothing(at: Running, server: Server) -> None:
    for _ in range(10):
        async with Poller(at.port) as poller:
            await poller.start()
            poll = asyncio.create_task(poller.request())
            await held(poller)
            poll.cancel()
    await until(lambda: not server.clients and not at.engine.sessions)
