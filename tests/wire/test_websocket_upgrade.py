"""The change of hands from uvicorn to picows, step by step, on both loops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from ordercast.hub import DisconnectReason, Options, Server
from ordercast.hub.client import Client
from ordercast.wire.http import Http
from ordercast.wire.serve import GRACEFUL_STOP_S
from ordercast.wire.websocket_upgrade import WebSocketUpgrade
from tests.peers import AT_ONCE_S, CLOSE, PING, TEXT, WEBSOCKET, Peer, Refused, frame, upgrade_request
from tests.servers import Running, running
from tests.waiting import until

Scenario = Callable[[Running, Server], Coroutine[Any, Any, None]]
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS)
def play(request: pytest.FixtureRequest) -> Callable[[Scenario], None]:
    """Run a scenario with a server, on each of the loops."""

    async def scene(scenario: Scenario) -> None:
        server = Server(Options(ping_interval_s=25))
        server.event("echo", lambda _socket, *args: args)
        async with running(server) as at:
            await scenario(at, server)

    def play(scenario: Scenario) -> None:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(scene(scenario))

    return play


async def serves(at: Running) -> None:
    """The server goes on serving others."""
    async with await Peer.start(at.port) as other:
        other.send('420["echo",1]')
        await other.expect("430[1]")


def test_a_websocket_opens_speaks_and_closes(play: Callable[[Scenario], None]) -> None:
    async def scenario(at: Running, server: Server) -> None:
        async with await Peer.start(at.port) as peer:
            peer.send('427["echo","a",{"b":[null]}]')
            await peer.expect('437["a",{"b":[null]}]')
            assert len(server.clients) == 1

    play(scenario)


@pytest.mark.parametrize(
    "headers",
    [
        {"Connection": "keep-alive, Upgrade"},  # Firefox
        {"Connection": "upgrade", "Upgrade": "WebSocket"},
        {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"},
        {"Cookie": "a=b", "User_Agent": "x" * 5_000},
        {f"X_Custom_{n}": "v" for n in range(100)},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_the_headers_that_browsers_send_are_taken(play: Callable[[Scenario], None], headers: dict[str, str]) -> None:
    async def scenario(at: Running, _server: Server) -> None:
        peer = await Peer.dial(at.port)
        async with peer:
            peer.writer.write(upgrade_request(at.port, **headers))
            head = (await peer.reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 101 ")
            assert b"sec-websocket-extensions" not in head
            await peer.take_open()

    play(scenario)


def test_the_handshake_is_kept_for_the_program(play: Callable[[Scenario], None]) -> None:
    async def scenario(at: Running, server: Server) -> None:
        seen = server.loop.create_future()
        server.on("connection", lambda socket: seen.set_result(socket.handshake))
        async with await Peer.start(at.port, User_Agent="tester", X_One="1"):
            handshake = await seen
        assert handshake.headers["user-agent"] == "tester"
        assert handshake.headers["x-one"] == "1"
        assert handshake.query == {"EIO": "4", "transport": "websocket"}
        assert (handshake.address, handshake.secure) == ("127.0.0.1", False)

    play(scenario)


def test_frames_sent_right_behind_the_upgrade_are_not_lost(play: Callable[[Scenario], None]) -> None:
    async def scenario(at: Running, _server: Server) -> None:
        for _ in range(20):
            async with await Peer.dial(at.port) as peer:
                peer.writer.write(upgrade_request(at.port))
                await peer.reader.readuntil(b"\r\n\r\n")
                # Not waiting for the Engine.IO handshake, and frame by frame in pieces.
                data = frame(TEXT, b"40") + frame(TEXT, b'421["echo",1]')
                for cut in range(0, len(data), 7):
                    peer.writer.write(data[cut : cut + 7])
                    await asyncio.sleep(0)
                await peer.take_open()
                assert str(await peer.receive()).startswith('40{"sid"')
                await peer.expect("431[1]")

    play(scenario)


def test_frames_in_the_segment_of_the_upgrade_are_not_lost(play: Callable[[Scenario], None]) -> None:
    async def scenario(at: Running, _server: Server) -> None:
        async with await Peer.dial(at.port) as peer:
            early, late = frame(TEXT, b"40"), frame(TEXT, b'421["echo",1]')
            peer.writer.write(upgrade_request(at.port) + early + late[:5])
            await peer.reader.readuntil(b"\r\n\r\n")
            await peer.take_open()
            assert str(await peer.receive()).startswith('40{"sid"')
            peer.writer.write(late[5:])
            await peer.expect("431[1]")

    play(scenario)


def test_a_request_in_many_segments_is_one_request(play: Callable[[Scenario], None]) -> None:
    async def scenario(at: Running, _server: Server) -> None:
        async with await Peer.dial(at.port) as peer:
            request = upgrade_request(at.port)
            for cut in range(0, len(request), 40):
                peer.writer.write(request[cut : cut + 40])
                await asyncio.sleep(0.002)
            assert (await peer.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            await peer.take_open()

    play(scenario)


def test_an_upgrade_on_a_connection_that_served_requests_before(play: Callable[[Scenario], None]) -> None:
    async def scenario(at: Running, _server: Server) -> None:
        async with await Peer.dial(at.port) as peer:
            peer.writer.write(b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await peer.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 404 ")
            await peer.upgrade(upgrade_request(at.port))
            await peer.take_open()

    play(scenario)


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/", {}, 403),
        ("/other/?EIO=4&transport=websocket", {}, 403),
        ("/socket.io/../?EIO=4&transport=websocket", {}, 403),
        ("/socket.io/x/?EIO=4&transport=websocket", {}, 403),
        ("/socket.io/", {}, 400),
        ("/socket.io/?EIO=3&transport=websocket", {}, 400),
        ("/socket.io/?EIO=4&transport=polling", {}, 400),
        ("/socket.io/?EIO=4&transport=websocket&sid=unknown", {}, 400),
        ("/socket.io/?%zz&&==&EIO", {}, 400),
        (WEBSOCKET, {"Origin": "https://evil.example"}, 403),
        (WEBSOCKET, {"Sec_WebSocket_Version": "12"}, 400),
        (WEBSOCKET, {"Sec_WebSocket_Version": None}, 400),
        (WEBSOCKET, {"Sec_WebSocket_Key": None}, 400),
    ],
)
def test_a_handshake_that_is_not_one_of_ours_is_refused(
    play: Callable[[Scenario], None], target: str, headers: dict[str, Any], status: int
) -> None:
    async def scenario(at: Running, server: Server) -> None:
        with pytest.raises(Refused) as refused:
            await Peer.open(at.port, target, **headers)
        assert refused.value.status == status
        assert not server.clients
        await serves(at)

    play(scenario)


@pytest.mark.parametrize(
    "target",
    [
        "http://elsewhere.example" + WEBSOCKET,
        WEBSOCKET.replace("socket.io", "socket%2Eio"),
        "/socket.io?EIO=4&transport=websocket",
    ],
)
def test_a_target_in_an_unusual_form_is_found(play: Callable[[Scenario], None], target: str) -> None:
    """RFC 9112 section 3.2.2: a proxy may send it absolute."""

    async def scenario(at: Running, _server: Server) -> None:
        async with await Peer.open(at.port, target) as peer:
            await peer.take_open()

    play(scenario)


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        ("shop.v2", "shop.v2"),
        ("shop.v2, shop.v1", "shop.v2"),
        (" ,shop.v2,shop.v1", "shop.v2"),
        ("", None),
        ("no token", None),
        ('"shop"', None),
    ],
)
def test_the_first_subprotocol_that_is_offered_is_answered(
    play: Callable[[Scenario], None], offered: str, answered: str | None
) -> None:
    """As the reference does: a client that offered some hangs up upon none (RFC 6455 section 4.1)."""

    async def scenario(at: Running, _server: Server) -> None:
        async with await Peer.dial(at.port) as peer:
            peer.writer.write(upgrade_request(at.port, Sec_WebSocket_Protocol=offered))
            head = (await peer.reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("http/1.1 101 ")
        lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        assert lines.get("sec-websocket-protocol") == answered

    play(scenario)


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "OPTIONS"])
def test_only_a_get_opens_a_websocket(play: Callable[[Scenario], None], method: str) -> None:
    """RFC 6455 section 4.2.1."""

    async def scenario(at: Running, server: Server) -> None:
        async with await Peer.dial(at.port) as peer:
            with pytest.raises(Refused) as refused:
                await peer.upgrade(upgrade_request(at.port).replace(b"GET", method.encode(), 1))
            assert refused.value.status == 400
        assert not server.clients

    play(scenario)


def test_the_path_may_lack_its_last_slash(play: Callable[[Scenario], None]) -> None:
    async def scenario(at: Running, _server: Server) -> None:
        async with await Peer.open(at.port, "/socket.io?EIO=4&transport=websocket") as peer:
            await peer.take_open()

    play(scenario)


def test_an_upgrade_to_something_else_is_an_ordinary_request(play: Callable[[Scenario], None]) -> None:
    async def scenario(at: Running, _server: Server) -> None:
        async with await Peer.dial(at.port) as peer:
            with pytest.raises(Refused) as refused:
                await peer.upgrade(upgrade_request(at.port, Upgrade="h2c", Connection="Upgrade, close"))
            assert refused.value.status == 400
            assert b"Bad request" in refused.value.body

    play(scenario)


def test_a_connection_lost_before_or_during_the_change_leaves_nothing(play: Callable[[Scenario], None]) -> None:
    """CVE-2022-41940: a reset at the wrong moment took the process down."""

    async def scenario(at: Running, server: Server) -> None:
        for pause in (None, 0, 0.001, 0.003):
            for cut in (20, None):
                peer = await Peer.dial(at.port)
                peer.writer.write(upgrade_request(at.port)[:cut])
                if pause is not None:
                    await asyncio.sleep(pause)
                await peer.hang_up()
        await until(lambda: not server.clients and not at.engine.sessions)
        await serves(at)

    play(scenario)


def test_the_end_of_the_connection_is_told(play: Callable[[Scenario], None]) -> None:
    async def scenario(at: Running, server: Server) -> None:
        ended = server.loop.create_future()
        server.event("disconnect", lambda _socket, reason: ended.set_result(reason))
        async with await Peer.start(at.port):
            pass
        assert await asyncio.wait_for(ended, AT_ONCE_S) is DisconnectReason.TRANSPORT_CLOSE

    play(scenario)


def test_a_graceful_stop_tells_websockets_and_held_polls(play: Callable[[Scenario], None]) -> None:
    async def scenario(at: Running, _server: Server) -> None:
        del at, _server
        server = Server()
        reasons: asyncio.Queue[DisconnectReason] = asyncio.Queue()
        server.event("disconnect", lambda _socket, reason: reasons.put_nowait(reason))
        async with contextlib.AsyncExitStack() as stack:
            async with running(server) as at:
                peers = [await stack.enter_async_context(await Peer.start(at.port)) for _ in range(10)]
                probing = await stack.enter_async_context(await probing_peer(at.port))
                poll = await stack.enter_async_context(await held_poll(at.port))
                began = asyncio.get_running_loop().time()
            assert asyncio.get_running_loop().time() - began < GRACEFUL_STOP_S
            assert [await peer.closing(within_s=AT_ONCE_S) for peer in peers] == [1000] * 10
            assert await probing.closing(within_s=AT_ONCE_S) in (1000, 1001)
            assert (await poll.reader.read()).endswith(b"\r\n\r\n1")
        assert [reasons.get_nowait() for _ in peers] == [DisconnectReason.SERVER_SHUTTING_DOWN] * 10

    async def polling_session(peer: Peer) -> str:
        peer.writer.write(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await peer.reader.readuntil(b"}")
        return head.split(b'"sid":"')[1].split(b'"')[0].decode()

    async def probing_peer(port: int) -> Peer:
        async with await Peer.dial(port) as first:
            sid = await polling_session(first)
        peer = await Peer.open(port, f"{WEBSOCKET}&sid={sid}")
        peer.send("2probe")
        await peer.expect("3probe")
        return peer

    async def held_poll(port: int) -> Peer:
        peer = await Peer.dial(port)
        sid = await polling_session(peer)
        poll = f"GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\n\r\n"
        peer.writer.write(poll.encode())
        await asyncio.sleep(0.05)
        return peer

    play(scenario)


@pytest.mark.parametrize(
    "line", [b"x" * 8_192, b"X-Header: value\r\n" * 512], ids=["one endless header", "headers without end"]
)
def test_a_head_that_never_ends_is_cut_off(play: Callable[[Scenario], None], line: bytes) -> None:
    async def scenario(at: Running, _server: Server) -> None:
        async with await Peer.dial(at.port) as peer:
            peer.writer.write(b"GET /socket.io/ HTTP/1.1\r\nHost: x\r\nX-Bomb: ")
            sent = 0
            with contextlib.suppress(ConnectionError):
                while sent < 20_000_000 and not peer.reader.at_eof():
                    peer.writer.write(line)
                    sent += len(line)
                    await peer.writer.drain()
                    await asyncio.sleep(0)
            assert sent < 8_000_000
        await serves(at)

    play(scenario)


def test_a_large_body_in_many_segments_is_not_taken_for_a_head(play: Callable[[Scenario], None]) -> None:
    async def scenario(at: Running, _server: Server) -> None:
        async with await Peer.dial(at.port) as peer:
            for _ in range(3):
                peer.writer.write(
                    b"POST /elsewhere HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900_000
                )
                assert (await peer.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 404 ")

    play(scenario)


@pytest.mark.parametrize(
    "garbage",
    [
        frame(TEXT, b"4garbage"),
        frame(0x3, b""),
        frame(TEXT, b"4", masked=False),
        frame(TEXT, b"4", reserved=4),
        frame(PING, b"x" * 126),
        frame(CLOSE, b"x"),
        frame(CLOSE, (1005).to_bytes(2, "big")),
        b"\x81\xff" + b"\x7f" * 12,
    ],
)
def test_what_a_broken_client_sends_is_one_line_and_no_error_of_ours(
    play: Callable[[Scenario], None], caplog: pytest.LogCaptureFixture, garbage: bytes
) -> None:
    """Anybody can send garbage; a log that anybody can fill with errors hides the real ones."""

    async def scenario(at: Running, _server: Server) -> None:
        async with await Peer.start(at.port) as peer:
            peer.send_bytes(garbage)
            await peer.closing(within_s=AT_ONCE_S)

    with caplog.at_level(logging.DEBUG):
        play(scenario)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    ours = [record for record in caplog.records if record.name.startswith("ordercast.wire")]
    assert [record.levelname for record in ours] == ["INFO"]


def test_an_upgraded_connection_holds_nothing_of_http(play: Callable[[Scenario], None]) -> None:
    """uvloop held on to it: a third of all that an idle client cost."""

    async def scenario(at: Running, _server: Server) -> None:
        async with await Peer.start(at.port), await Peer.start(at.port):
            gc.collect()
            assert [thing for thing in gc.get_objects() if isinstance(thing, Http | WebSocketUpgrade)] == []

    play(scenario)


@pytest.mark.parametrize("place", ["open", "receive_text"])
def test_an_exception_of_the_program_is_logged_with_its_place(
    play: Callable[[Scenario], None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("as programs do")

    async def scenario(at: Running, server: Server) -> None:
        target: Any = server if place == "open" else Client
        monkeypatch.setattr(target, place, broken)
        async with await Peer.open(at.port) as peer:
            peer.send("40")
            assert await peer.closing(within_s=AT_ONCE_S) == 1011
        await until(lambda: not at.engine.sessions)

    play(scenario)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.exc_info and record.exc_info[0] for record in errors] == [ZeroDivisionError]
