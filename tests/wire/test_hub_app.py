"""The hub as an ASGI application: where it stands, what it leaves to others, and that its bounds hold there too."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import websockets
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from ordercast.asgi import HubApp
from ordercast.hub import ConnectRefused, DisconnectReason, MemoryRecovery, Options, Server, Socket
from ordercast.wire.asgi_websocket import AsgiWebSocketTransport
from ordercast.wire.websocket import WebSocketTransport
from tests.asgi_servers import HYPERCORN, UVICORN, WRAPPED, running_asgi, serving
from tests.peers import AT_ONCE_S, PATIENCE_S, WEBSOCKET, Peer, Poller, Refused, upgrade_request
from tests.servers import held
from tests.waiting import until

everywhere = pytest.mark.parametrize("by", [UVICORN, WRAPPED, HYPERCORN])
BY_ASGI = [WRAPPED, HYPERCORN]


def hub(**options: Any) -> Server:
    server = Server(Options(**options))
    server.event("echo", lambda _socket, *args: args)
    return server


async def hello(_request: Any) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("not Engine.IO")
    await websocket.close()


def other_app(*routes: Any, **options: Any) -> Starlette:
    return Starlette(routes=[Route("/hello", hello), WebSocketRoute("/talk", talk), *routes], **options)


async def echoes(port: int, path: str = "/socket.io/") -> None:
    """Whether it is served there: by polling, by WebSocket, and from the one to the other."""
    async with await Peer.open(port, f"{path}?EIO=4&transport=websocket") as peer, Poller(port, path) as poller:
        await peer.take_open()
        await peer.enter()
        peer.send('420["echo",1]')
        await peer.expect("430[1]")
        await poller.start()
        await poller.post('420["echo",2]')
        assert await poller.poll() == "430[2]"
        async with await Peer.open(port, f"{path}?EIO=4&transport=websocket&sid={poller.sid}") as probe:
            probe.send("2probe")
            await probe.expect("3probe")
            probe.send("5", '421["echo",3]')
            await probe.expect("431[3]")


# Where it stands


@everywhere
async def test_beside_another_application_each_has_its_own_paths(by: str) -> None:
    async with running_asgi(hub(), by, other_app()) as at, httpx.AsyncClient(base_url=at.url) as client:
        await echoes(at.port)
        assert (await client.get("/hello")).text == "hello"
        assert (await client.get("/nothing")).status_code == 404
        async with websockets.connect(f"ws://127.0.0.1:{at.port}/talk", proxy=None) as talking:
            assert await talking.recv() == "not Engine.IO"


@pytest.mark.parametrize(("by", "kind"), [(UVICORN, WebSocketTransport), (WRAPPED, AsgiWebSocketTransport)])
async def test_uvicorn_hands_over_its_connections_where_nothing_stands_before_the_hub(by: str, kind: type) -> None:
    async with running_asgi(hub(), by) as at, await Peer.start(at.port):
        (session,) = at.engine.sessions.values()
        assert type(session.transport) is kind


async def test_what_is_chosen_in_uvicorn_is_left_as_it_is() -> None:
    async with running_asgi(hub(), UVICORN, http="h11") as at, await Peer.start(at.port):
        (session,) = at.engine.sessions.values()
        assert type(session.transport) is AsgiWebSocketTransport


def starlette_at(prefix: str) -> Any:
    return lambda app: Starlette(routes=[Route("/hello", hello), Mount(prefix, app)])


def fastapi_at(prefix: str) -> Any:
    def make(app: HubApp) -> Any:
        import fastapi

        framework = fastapi.FastAPI(lifespan=app.lifespan)
        framework.mount(prefix, app)
        return framework

    return make


def litestar_at(prefix: str) -> Any:
    def make(app: HubApp) -> Any:
        from litestar import Litestar, asgi

        return Litestar(
            [asgi(prefix, is_mount=True, copy_scope=True)(app)], lifespan=[app.lifespan], logging_config=None
        )

    return make


@pytest.mark.parametrize(
    ("mount", "path"),
    [
        pytest.param(starlette_at("/socket.io"), "/socket.io/", id="Starlette at the hub's path"),
        pytest.param(starlette_at("/live"), "/live/socket.io/", id="Starlette below another path"),
        pytest.param(starlette_at("/live"), "/live/", id="Starlette at another path"),
        pytest.param(fastapi_at("/"), "/socket.io/", id="FastAPI at the root"),
        pytest.param(litestar_at("/socket.io"), "/socket.io/", id="Litestar"),
    ],
)
async def test_a_framework_serves_it_where_it_is_mounted(mount: Any, path: str) -> None:
    async with serving(mount(HubApp(hub()))) as port:
        await echoes(port, path)


def test_a_program_that_is_tested_again_and_again_has_one_hub() -> None:
    """As the test clients of frameworks do it: another loop each time."""
    server = hub()
    app = HubApp(server, other_app())

    async def visit() -> list[str]:
        transport = httpx.ASGITransport(app)
        async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            opened = await client.get("/socket.io/?EIO=4&transport=polling")
            target = f"/socket.io/?EIO=4&transport=polling&sid={json.loads(opened.text[1:])['sid']}"
            assert (await client.post(target, content=b'40\x1e421["echo",1]')).text == "ok"
            return [*(await client.get(target)).text.split("\x1e")[1:], (await client.get("/hello")).text]

    assert asyncio.run(visit()) == asyncio.run(visit()) == ["431[1]", "hello"]


# Beginning and end


async def test_the_hub_begins_after_the_other_application_and_ends_before_it() -> None:
    told: list[str] = []

    class Told(Server):
        def start(self) -> None:
            told.append("hub begins")

        async def close(self) -> None:
            told.append("hub ends")
            await super().close()

    async def lifespan(_app: Any) -> AsyncIterator[None]:
        told.append("other begins")
        yield
        told.append("other ends")

    app = other_app(lifespan=contextlib.asynccontextmanager(lifespan))
    async with running_asgi(Told(), UVICORN, app):
        pass

    assert told == ["other begins", "hub begins", "hub ends", "other ends"]


async def test_an_application_that_cannot_begin_ends_the_start() -> None:
    sent: list[str] = []

    async def failing(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    async def send(message: Any) -> None:
        sent.append(message["type"])

    receive: Any = asyncio.Queue[Any]()
    receive.put_nowait({"type": "lifespan.startup"})
    await HubApp(hub(), failing)({"type": "lifespan"}, receive.get, send)

    assert sent == ["lifespan.startup.failed"]


@pytest.mark.parametrize("by", [UVICORN, WRAPPED])
async def test_a_stop_tells_everybody_and_waits_for_no_poll(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn waits for requests under way before it tells its application."""
    server = hub()
    reasons: list[DisconnectReason] = []
    server.event("disconnect", lambda _socket, reason: reasons.append(reason))
    stopping = type("Stopping", (), {"should_exit": False})()
    monkeypatch.setattr("ordercast.wire.hub_app.serving_uvicorn", lambda: stopping)
    async with running_asgi(server, by) as at, Poller(at.port) as poller:
        await poller.start()
        poll = asyncio.create_task(poller.poll())
        await held(poller)
        stopping.should_exit = True

        assert (await poll).endswith("1")
    assert reasons == [DisconnectReason.SERVER_SHUTTING_DOWN]


# Who may come, and what they may bring


@everywhere
async def test_a_page_of_another_site_may_connect_only_where_it_is_named(by: str) -> None:
    async with running_asgi(hub(origins=["https://shop.example"]), by) as at, Poller(at.port) as poller:
        client = poller._http
        for origin, status in {"https://shop.example": 200, "https://evil.example": 403}.items():
            answer = await client.get("/socket.io/?EIO=4&transport=polling", headers={"Origin": origin})
            assert answer.status_code == status
            assert answer.headers.get("access-control-allow-origin") == (origin if status == 200 else None)
        preflight = await client.options("/socket.io/", headers={"Origin": "https://shop.example"})
        assert (preflight.status_code, preflight.headers["access-control-allow-methods"]) == (204, "GET,POST")
        with pytest.raises(Refused) as refused:
            await Peer.open(at.port, WEBSOCKET, Origin="https://evil.example")
        assert refused.value.status == 403
        assert b"add that origin to Options.origins" in refused.value.body


@pytest.mark.parametrize("by", BY_ASGI)
async def test_a_host_that_is_not_ours_is_refused(by: str) -> None:
    async with running_asgi(hub(allowed_hosts=["shop.example"]), by) as at, Poller(at.port) as poller:
        answer = await poller._http.get("/socket.io/?EIO=4&transport=polling", headers={"Host": "evil.example"})
        assert (answer.status_code, "evil.example is no host of ours" in answer.text) == (421, True)
        with pytest.raises(Refused):
            await Peer.open(at.port, WEBSOCKET, Host="evil.example")


@pytest.mark.parametrize("by", BY_ASGI)
async def test_allow_request_may_take_its_time_and_refuse(by: str) -> None:
    async def ask(handshake: Any) -> None:
        await asyncio.sleep(0)
        if "let me in" not in handshake.query:
            raise ConnectRefused("not today")

    async with running_asgi(hub(allow_request=ask), by) as at, Poller(at.port) as poller:
        assert (await poller.request()).json() == {"code": 4, "message": "not today"}
        with pytest.raises(Refused) as refused:
            await Peer.open(at.port)
        assert json.loads(refused.value.body) == {"code": 4, "message": "not today"}


@pytest.mark.parametrize("by", BY_ASGI)
async def test_a_body_past_the_bound_is_refused_before_its_end_has_come(by: str) -> None:
    async with running_asgi(hub(message_bytes_max=1_000), by) as at, Poller(at.port) as poller:
        await poller.start()

        url = f"/socket.io/?EIO=4&transport=polling&sid={poller.sid}"
        assert (await poller._http.post(url, content=b"4" * 1_001)).status_code == 413
        peer = await Peer.dial(at.port)
        peer.send_bytes(f"POST {url} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        peer.send_bytes(b"3e9\r\n" + b"4" * 1_001 + b"\r\n")
        async with asyncio.timeout(AT_ONCE_S):
            assert b" 413 " in await peer.reader.readuntil(b"\r\n")
        await peer.hang_up()


@pytest.mark.parametrize("by", BY_ASGI)
async def test_a_body_that_does_not_come_ends_its_session(by: str) -> None:
    server = hub()
    async with running_asgi(server, by) as at, Poller(at.port) as poller:
        await poller.start()
        object.__setattr__(server.options, "request_timeout_s", 0.05)  # of this one request alone
        peer = await Peer.dial(at.port)
        target = f"/socket.io/?EIO=4&transport=polling&sid={poller.sid}"
        peer.send_bytes(f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n4".encode())
        async with asyncio.timeout(AT_ONCE_S):
            assert b" 408 " in await peer.reader.readuntil(b"\r\n")
        await peer.hang_up()
        assert await poller.gone()


@pytest.mark.parametrize("by", BY_ASGI)
async def test_a_message_past_the_bound_closes_the_websocket(by: str) -> None:
    async with running_asgi(hub(message_bytes_max=1_000), by) as at, await Peer.start(at.port) as peer:
        peer.answers_closes = True
        peer.send("4" * 1_001)

        assert await peer.closing(within_s=AT_ONCE_S) == 1009


@pytest.mark.parametrize("by", BY_ASGI)
async def test_who_reads_nothing_is_closed_and_harms_only_itself(by: str) -> None:
    server = hub(backlog_bytes_max=300_000)
    reasons: list[DisconnectReason] = []
    server.event("disconnect", lambda _socket, reason: reasons.append(reason))
    async with running_asgi(server, by) as at, await Peer.dial(at.port, receive_buffer_bytes=4_096) as deaf:
        await deaf.upgrade(upgrade_request(at.port))
        deaf.send("40")
        await until(lambda: server.main.sockets)
        async with await Peer.start(at.port) as other:
            for _ in range(1_000):
                if reasons:
                    break
                server.emit("blob", "x" * 50_000)
                await other.receive_no_ping()
        await until(lambda: reasons)
    assert reasons[0] is DisconnectReason.BACKLOG_FULL


# What a connection is given


@pytest.mark.parametrize("by", BY_ASGI)
async def test_binary_both_ways_and_headers_and_subprotocol(by: str) -> None:
    async with running_asgi(hub(headers=lambda _handshake: {"X-Shop": "1"}), by) as at:
        url = f"ws://127.0.0.1:{at.port}{WEBSOCKET}"
        async with websockets.connect(url, subprotocols=["chat", "other"], proxy=None) as client:  # type: ignore[list-item]
            assert client.response is not None
            assert client.response.headers["x-shop"] == "1"
            assert client.subprotocol == "chat"
            await client.recv()
            await client.send("40")
            await client.recv()
            for message in ('451-7["echo",{"_placeholder":true,"num":0}]', b"\x00\xff"):
                await client.send(message)
            assert await client.recv() == '461-7[{"_placeholder":true,"num":0}]'
            assert await client.recv() == b"\x00\xff"


async def test_what_was_missed_is_told_after_a_lost_connection() -> None:
    server = hub()
    server.main.recovery = MemoryRecovery()
    async with running_asgi(server, WRAPPED) as at:
        async with await Peer.start(at.port) as peer:
            pid = peer.handshake["pid"]
            server.emit("n", 1)
            while (heard := json.loads(str(await peer.receive())[2:]))[:2] != ["n", 1]:
                continue
        await until(lambda: not server.main.sockets)
        server.emit("n", 2)
        async with await Peer.start(at.port, {"pid": pid, "offset": heard[-1]}) as again:
            assert json.loads(str(await again.receive())[2:])[:2] == ["n", 2]


async def test_an_address_that_a_named_proxy_forwards_is_the_clients() -> None:
    addresses: list[str] = []

    def connected(socket: Socket) -> None:
        addresses.append(socket.handshake.address)

    for by in (UVICORN, WRAPPED):
        server = hub()
        server.on("connection", connected)
        # uvicorn believes its own machine, as --forwarded-allow-ips says.
        async with running_asgi(server, by) as at, await Peer.start(at.port, X_Forwarded_For="203.0.113.9"):
            pass

    assert addresses == ["203.0.113.9"] * 2


async def test_a_body_of_the_other_application_may_take_longer_than_ours() -> None:
    begun: asyncio.Queue[Any] = asyncio.Queue()

    async def upload(request: Request) -> PlainTextResponse:
        begun.put_nowait(request.receive)
        return PlainTextResponse(str(len(await request.body())))

    app = other_app(Route("/upload", upload, methods=["POST"]))
    async with running_asgi(hub(), UVICORN, app) as at, await Peer.dial(at.port) as peer:
        peer.send_bytes(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
        async with asyncio.timeout(PATIENCE_S):
            connection = connection_of(await begun.get())
            connection._began_s = float("-inf")
            connection._request_due()  # as both of our own deadlines do, when they have passed
            peer.send_bytes(b"b")
            assert b" 200 " in await peer.reader.readuntil(b"\r\n")


def connection_of(receive: Any) -> Any:
    """uvicorn's protocol of a request; frameworks wrap what it gives them."""
    while not hasattr(receive, "__self__"):
        receive = next(cell.cell_contents for cell in receive.__closure__ if callable(cell.cell_contents))
    return receive.__self__.on_response.__self__
