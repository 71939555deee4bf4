"""Who may open a session, as the program says and the bounds allow, on both transports."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ordercast.hub import ConnectRefused, Handshake, Options, Rate, Server
from ordercast.wire.serve import GRACEFUL_STOP_S
from tests.peers import AT_ONCE_S, WEBSOCKET, Peer, Poller, Refused, upgrade_request
from tests.servers import running
from tests.waiting import until

AllowRequest = Callable[[Handshake], Awaitable[None] | None]


def by_token(handshake: Handshake) -> None:
    if handshake.headers.get("x-token") != "right":
        raise ConnectRefused("no token")


async def by_token_later(handshake: Handshake) -> None:
    await asyncio.sleep(0.01)
    by_token(handshake)


async def refusal_of_websocket(port: int, target: str = WEBSOCKET, **headers: str) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        await Peer.open(port, target, **headers)
    return refused.value.status, refused.value.body.decode()


@pytest.mark.parametrize("allow_request", [by_token, by_token_later])
async def test_whom_the_program_refuses_gets_403_and_its_sentence(allow_request: AllowRequest) -> None:
    server = Server(Options(allow_request=allow_request))
    async with running(server) as at, Poller(at.port, headers={"X-Token": "wrong"}) as poller:
        response = await poller.request()

        assert (response.status_code, response.json()) == (403, {"code": 4, "message": "no token"})
        assert await refusal_of_websocket(at.port) == (403, '{"code":4,"message":"no token"}')
        assert not server.clients
        assert not at.engine.sessions


@pytest.mark.parametrize("allow_request", [by_token, by_token_later])
async def test_whom_it_allows_comes_in(allow_request: AllowRequest) -> None:
    server = Server(Options(allow_request=allow_request))
    server.event("echo", lambda _socket, *args: args)
    async with running(server) as at, Poller(at.port, headers={"X-Token": "right"}) as poller:
        await poller.start()
        async with await Peer.start(at.port, X_Token="right") as peer:
            peer.send('420["echo",1]')
            await peer.expect("430[1]")


async def test_it_is_asked_once_for_a_session_and_not_for_each_request() -> None:
    asked: list[str] = []
    server = Server(Options(allow_request=lambda handshake: asked.append(handshake.query["transport"])))
    async with running(server) as at, Poller(at.port) as poller:
        await poller.start()
        async with await Peer.open(at.port, f"{WEBSOCKET}&sid={poller.sid}") as peer:
            peer.send("2probe")
            await peer.expect("3probe")

    assert asked == ["polling"]


async def test_a_hook_that_fails_lets_nobody_in_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_handshake: Handshake) -> None:
        raise ZeroDivisionError

    async with running(Server(Options(allow_request=broken))) as at, Poller(at.port) as poller:
        response = await poller.request()

    assert (response.status_code, response.json()) == (403, {"code": 4, "message": "Forbidden"})
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


async def test_frames_sent_while_the_program_thinks_are_not_lost() -> None:
    asked, sent = asyncio.Event(), asyncio.Event()

    async def slowly(_handshake: Handshake) -> None:
        asked.set()
        await sent.wait()

    server = Server(Options(allow_request=slowly))
    async with running(server) as at, await Peer.dial(at.port) as peer:
        peer.writer.write(upgrade_request(at.port))
        await asked.wait()
        peer.send("40")
        await peer.writer.drain()
        sent.set()
        assert (await peer.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        await peer.take_open()
        assert str(await peer.receive()).startswith('40{"sid"')


@pytest.mark.parametrize("request_line", ["polling", "websocket"])
async def test_a_client_that_leaves_while_the_program_thinks_leaves_nothing(request_line: str) -> None:
    asked, left, decided = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slowly(_handshake: Handshake) -> None:
        asked.set()
        await left.wait()
        decided.set()

    server = Server(Options(allow_request=slowly))
    async with running(server) as at:
        peer = await Peer.dial(at.port)
        if request_line == "websocket":
            peer.writer.write(upgrade_request(at.port))
        else:
            peer.writer.write(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
        await asked.wait()
        await peer.hang_up()
        if request_line == "polling":  # a WebSocket is not read from before it is admitted
            await until(lambda: not at.server.server_state.connections)
        left.set()
        await decided.wait()
        await until(lambda: "pending=0" in repr(at.engine.session_limits))

        await until(lambda: not at.engine.sessions and not server.clients)
        assert repr(at.engine.session_limits) == "<SessionLimits sessions=0 addresses=0 pending=0>"


async def test_a_stop_does_not_wait_for_the_program() -> None:
    async def for_ever(_handshake: Handshake) -> None:
        await asyncio.Event().wait()

    opening = b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n"
    server = Server(Options(allow_request=for_ever))
    async with contextlib.AsyncExitStack() as stack:
        async with running(server) as at:
            asking = [await stack.enter_async_context(await Peer.dial(at.port)) for _ in range(2)]
            asking[0].writer.write(upgrade_request(at.port))
            asking[1].writer.write(opening)
            await until(lambda: "pending=2" in repr(at.engine.session_limits))
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < GRACEFUL_STOP_S
        for peer in asking:
            assert (await peer.reader.read()).endswith(b'{"code":8,"message":"Server shutting down"}')


# Bounds


async def test_sessions_are_bounded_and_room_is_made_when_one_ends() -> None:
    server = Server(Options(sessions_max=2))
    async with running(server) as at, Poller(at.port) as poller:
        await poller.open()
        async with await Peer.open(at.port) as peer:
            await peer.take_open()
            async with Poller(at.port) as third:
                response = await third.request()
            assert (response.status_code, response.json()) == (503, {"code": 6, "message": "Too many sessions"})
            assert await refusal_of_websocket(at.port) == (503, '{"code":6,"message":"Too many sessions"}')
        await until(lambda: len(at.engine.sessions) == 1)
        async with await Peer.open(at.port) as peer:
            await peer.take_open()


async def test_sessions_of_one_address_are_bounded() -> None:
    server = Server(Options(sessions_per_address_max=3))
    async with running(server) as at:
        for _ in range(3):  # those that have ended do not count
            async with (
                Poller(at.port) as poller,
                Poller(at.port) as fourth,
                await Peer.start(at.port),
                await Peer.start(at.port),
            ):
                await poller.open()
                response = await fourth.request()
                assert (response.status_code, response.json()["code"]) == (429, 7)
                status, _body = await refusal_of_websocket(at.port)
                assert status == 429
                at.engine.sessions[poller.sid].closed_by_client()
            await until(lambda: not at.engine.sessions)
        assert repr(at.engine.session_limits) == "<SessionLimits sessions=0 addresses=0 pending=0>"


async def test_the_bound_holds_though_all_are_allowed_in_the_same_moment() -> None:
    allowed = asyncio.Event()

    async def together(_handshake: Handshake) -> None:
        await allowed.wait()

    server = Server(Options(sessions_per_address_max=3, allow_request=together))
    async with running(server) as at:
        pollers = [Poller(at.port) for _ in range(10)]
        requests = [asyncio.create_task(poller.request()) for poller in pollers]
        await until(lambda: "pending=10" in repr(at.engine.session_limits))
        allowed.set()
        statuses = sorted([(await request).status_code for request in requests])
        for poller in pollers:
            await poller.__aexit__()

    assert statuses == [200] * 3 + [429] * 7


# Upgrades


async def test_where_upgrades_are_not_allowed_none_is_offered_or_taken() -> None:
    async with running(Server(Options(allow_upgrades=False))) as at, Poller(at.port) as poller:
        assert (await poller.open())["upgrades"] == []
        assert (await refusal_of_websocket(at.port, f"{WEBSOCKET}&sid={poller.sid}"))[0] == 400
        async with await Peer.open(at.port) as peer:  # a session that begins as one is no upgrade
            await peer.take_open()


# Being told


async def test_the_program_is_told_of_every_refusal() -> None:
    class Watching(Server):
        told: list[tuple[str, int, str]]

        def connection_refused(self, handshake: Handshake, code: int, message: str) -> None:
            self.told.append((handshake.address, code, message))

    server = Watching(Options(allow_request=by_token))
    server.told = []
    async with running(server) as at, Poller(at.port) as poller:
        await poller.request(EIO="3")
        await poller.request(sid="unknown")
        await poller.request()
        await refusal_of_websocket(at.port)
        await refusal_of_websocket(at.port, "/elsewhere")
    assert server.told == [
        ("127.0.0.1", 5, "Unsupported protocol version"),
        ("127.0.0.1", 1, "Session ID unknown"),
        ("127.0.0.1", 4, "no token"),
        ("127.0.0.1", 4, "no token"),
        ("127.0.0.1", 4, "Forbidden"),
    ]


async def test_a_program_that_fails_to_listen_changes_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    class Deaf(Server):
        def connection_refused(self, *_args: Any) -> None:
            raise ZeroDivisionError

    async with running(Deaf()) as at, Poller(at.port) as poller:
        async with asyncio.timeout(AT_ONCE_S):
            assert (await poller.request(EIO="3")).status_code == 400
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


# Bounds that one caller cannot use up


async def test_handshakes_of_one_caller_are_bounded_in_time_on_both_transports() -> None:
    server = Server(Options(handshakes_per_address=Rate(3, 3_600)))
    async with running(server) as at, Poller(at.port) as poller, Poller(at.port) as late:
        await poller.open()
        async with await Peer.start(at.port), await Peer.start(at.port):
            response = await late.request()
            assert (response.status_code, response.json()["code"]) == (429, 9)
            assert int(response.headers["retry-after"]) > 0
            assert (await refusal_of_websocket(at.port))[0] == 429


async def test_behind_a_named_proxy_each_client_is_a_caller() -> None:
    server = Server(Options(sessions_per_address_max=1, trusted_proxies=("127.0.0.1",)))
    async with running(server) as at:
        statuses = []
        for address in ("203.0.113.1", "203.0.113.2", "203.0.113.1", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"):
            async with Poller(at.port, headers={"X-Forwarded-For": address}) as poller:
                statuses.append((await poller.request()).status_code)
        assert statuses == [200, 200, 429, 200, 429, 200]
        status, _ = await refusal_of_websocket(at.port, X_Forwarded_For="203.0.113.9, 203.0.113.1")
        assert status == 429
        assert {client.connection.handshake.address for client in server.clients} == {
            "203.0.113.1",
            "203.0.113.2",
            "2001:db8::1",
            "2001:db8:0:1::1",
        }


async def test_a_client_that_no_proxy_of_ours_speaks_for_cannot_be_another_caller() -> None:
    async with running(Server(Options(sessions_per_address_max=1))) as at:
        for status, address in ((200, "203.0.113.1"), (429, "203.0.113.2")):
            async with Poller(at.port, headers={"X-Forwarded-For": address}) as poller:
                assert (await poller.request()).status_code == status


async def test_one_connection_of_piped_handshakes_leaves_room_for_everybody_else() -> None:
    """The bound on all is reached by one caller's sessions that say nothing: they make room, and speakers stay."""
    server = Server(Options(sessions_max=64, trusted_proxies=("127.0.0.1",)))
    async with running(server) as at, await Peer.start(at.port, X_Forwarded_For="203.0.113.1") as speaker:
        await until(lambda: len(server.main.sockets) == 1)
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        request = (
            b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.66\r\n\r\n"
        )
        for _ in range(10):
            writer.write(request * 16)
            for _ in range(16):
                await reader.readuntil(b"HTTP/1.1 ")
        assert len(at.engine.sessions) == 64
        for number in range(2, 20):
            async with await Peer.start(at.port, X_Forwarded_For=f"203.0.113.{number}") as newcomer:
                newcomer.send('420["echo",1]')
        assert speaker is not None
        assert len(server.main.sockets) >= 1
        writer.close()


async def test_connections_of_one_caller_are_bounded() -> None:
    async with running(Server(Options(connections_per_address_max=2))) as at:
        opened = [await asyncio.open_connection("127.0.0.1", at.port) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        assert (await reader.read()).startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
        opened.pop()[1].close()
        await until(lambda: repr(at.engine.http_connections) == "<HttpConnectionLimit 1 of 1 callers>")
        async with await Peer.start(at.port), await Peer.start(at.port):
            # A WebSocket is counted as a session, not among these.
            assert repr(at.engine.http_connections) == "<HttpConnectionLimit 1 of 1 callers>"
        writer.close()
        opened.pop()[1].close()
        await until(lambda: repr(at.engine.http_connections) == "<HttpConnectionLimit 0 of 0 callers>")


async def test_connections_of_a_named_proxy_are_not_bounded() -> None:
    options = Options(connections_per_address_max=1, trusted_proxies=("127.0.0.1",))
    async with running(Server(options)) as at:
        opened = [await asyncio.open_connection("127.0.0.1", at.port) for _ in range(3)]
        reader, writer = opened[-1]
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 404")
        for _, each in opened:
            each.close()
