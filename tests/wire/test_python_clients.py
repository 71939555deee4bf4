"""python-socketio's four clients, unmodified; those that block run in threads beside the server's loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import queue
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
import requests
import socketio
import socketio.exceptions

from ordercast.hub import NO_ACK, ConnectRefused, DisconnectReason, Server, Socket
from tests.ports import free_port
from tests.servers import Running, official_server, running

PATIENCE_S = 60
WAYS = {"websocket": ["websocket"], "polling": ["polling"], "upgrade": ["polling", "websocket"]}
BYTES = b"\x00\x01\xfe\xff"
EVERYTHING = (1, "zwei \u20ac", None, True, {"deep": [BYTES, 2.5]}, BYTES)
QUICK: dict[str, Any] = {"reconnection_delay": 0.05, "reconnection_delay_max": 0.1}

# A polling client of Python's takes the end of a session for good, whichever server says it.
COMING_BACK = [way for way in WAYS if way != "polling"]

# Those that block leave sockets of theirs to the collector when they come back.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

every_way = pytest.mark.parametrize("way", WAYS)


def asked_server() -> Server:
    server = official_server()

    def connected(socket: Socket) -> None:
        handshake = socket.handshake
        told = {"query": handshake.query, "headers": handshake.headers, "auth": socket.auth}
        socket.on("handshake", lambda: told)
        socket.on("several", lambda: (1, 2))
        socket.on("never", lambda: NO_ACK)
        socket.on("hang up", lambda: socket.conn.close(DisconnectReason.TRANSPORT_CLOSE))

    server.on("connection", connected)
    server.of("/admin").on("connection", connected)

    @server.of("/guarded").use
    def guard(socket: Socket) -> None:
        if socket.auth.get("token") != "right":
            raise ConnectRefused("wrong token", {"code": "token_wrong"})

    return server


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What is left behind is collected here, where it is expected."""
    yield
    gc.collect()


@pytest.fixture
async def at() -> AsyncIterator[Running]:
    async with running(asked_server()) as at:
        yield at


# In a thread


@contextlib.contextmanager
def client(url: str, way: str, **options: Any) -> Any:
    client = socketio.Client(**QUICK, **options.pop("made_with", {}))
    heard: queue.Queue[Any] = queue.Queue()
    client.on("message-back", lambda *args: heard.put(args))
    client.on("question", lambda a, b: a + b)
    client.on("connect", lambda: heard.put("connect"))
    client.connect(url, transports=WAYS[way], wait_timeout=PATIENCE_S, **options)
    try:
        assert heard.get(timeout=PATIENCE_S) == "connect"
        yield client, heard
    finally:
        client.disconnect()


@every_way
async def test_the_blocking_client_sends_and_is_answered(at: Running, way: str) -> None:
    def talk() -> None:
        with client(at.url, way) as (blocking, heard):
            blocking.emit("message", EVERYTHING)
            assert heard.get(timeout=PATIENCE_S) == EVERYTHING
            assert blocking.call("message-with-ack", BYTES) == BYTES
            assert blocking.call("several") == (1, 2)
            assert blocking.call("nobody handles this")["error"]["code"] == "unknown_event"
            with pytest.raises(socketio.exceptions.TimeoutError):
                blocking.call("never", timeout=0.1)
            acked: queue.Queue[Any] = queue.Queue()
            blocking.emit("message-with-ack", ("a", "b"), callback=lambda *args: acked.put(args))
            assert acked.get(timeout=PATIENCE_S) == ("a", "b")
            assert blocking.transport() == WAYS[way][-1]

    await asyncio.to_thread(talk)


@every_way
async def test_the_blocking_client_says_who_it_is(at: Running, way: str) -> None:
    def talk() -> None:
        session = requests.Session()
        session.headers["X-Shop"] = "one"
        session.cookies["basket"] = "two"
        options: dict[str, Any] = {"auth": lambda: {"token": "t"}, "headers": {"Authorization": "Bearer three"}}
        with client(f"{at.url}?page=4", way, made_with={"http_session": session}, **options) as (blocking, _):
            handshake = blocking.call("handshake")
            headers = handshake["headers"]
            assert (handshake["auth"], handshake["query"]["page"]) == ({"token": "t"}, "4")
            assert (headers["authorization"], headers["cookie"]) == ("Bearer three", "basket=two")
            assert way == "websocket" or headers["x-shop"] == "one", "it leaves these out of a WebSocket's handshake"

    await asyncio.to_thread(talk)


async def test_the_blocking_client_enters_namespaces_and_is_refused(at: Running) -> None:
    def talk() -> None:
        with client(at.url, "upgrade", namespaces=["/", "/admin"], auth={"n": 1}) as (blocking, _):
            assert blocking.call("handshake", namespace="/admin")["auth"] == {"n": 1}
            assert blocking.get_sid("/admin") != blocking.get_sid("/")
        with pytest.raises(socketio.exceptions.ConnectionError, match="failed to connect: /guarded"):
            socketio.Client().connect(at.url, namespaces=["/guarded"], auth={"token": "wrong"})

    await asyncio.to_thread(talk)


@pytest.mark.parametrize("way", COMING_BACK)
async def test_the_blocking_client_comes_back_by_itself(at: Running, way: str) -> None:
    def talk() -> None:
        with client(at.url, way) as (blocking, heard):
            first = blocking.get_sid()
            blocking.emit("hang up")
            assert heard.get(timeout=PATIENCE_S) == "connect"
            assert blocking.get_sid() != first
            assert blocking.call("message-with-ack", "again") == "again"

    await asyncio.to_thread(talk)


async def test_the_blocking_client_waits_for_a_server_that_is_not_there_yet() -> None:
    port = free_port()
    blocking = socketio.Client(**QUICK)
    connecting = asyncio.to_thread(blocking.connect, f"http://127.0.0.1:{port}", retry=True, wait_timeout=PATIENCE_S)
    waiting = asyncio.create_task(connecting)
    await asyncio.sleep(0)
    async with running(asked_server(), port=port):
        await asyncio.wait_for(waiting, PATIENCE_S)
        assert await asyncio.to_thread(blocking.call, "message-with-ack", 1) == 1
        await asyncio.to_thread(blocking.disconnect)


@every_way
async def test_the_simple_client_receives_in_order(at: Running, way: str) -> None:
    def talk() -> None:
        with socketio.SimpleClient() as simple:
            simple.connect(at.url, transports=WAYS[way])
            assert simple.receive(timeout=PATIENCE_S) == ["auth", {}]
            for number in range(5):
                simple.emit("message", (number, BYTES))
            received = [simple.receive(timeout=PATIENCE_S) for _ in range(5)]
            assert received == [["message-back", number, BYTES] for number in range(5)]
            assert simple.call("message-with-ack", "a") == "a"
            assert simple.transport == WAYS[way][-1]

    await asyncio.to_thread(talk)


# In the loop


@every_way
async def test_the_asynchronous_client_says_who_it_is(at: Running, way: str) -> None:
    async with aiohttp.ClientSession(cookies={"basket": "two"}) as session, asyncio.timeout(PATIENCE_S):
        looping = socketio.AsyncClient(http_session=session, **QUICK)

        async def auth() -> dict[str, str]:
            return {"token": "t"}

        options: dict[str, Any] = {"transports": WAYS[way], "headers": {"Authorization": "Bearer three"}}
        await looping.connect(f"{at.url}?page=4", auth=auth, wait_timeout=PATIENCE_S, **options)
        handshake = await looping.call("handshake")
        assert (handshake["auth"], handshake["query"]["page"]) == ({"token": "t"}, "4")
        assert handshake["headers"]["authorization"] == "Bearer three"
        assert (await looping.call("nobody handles this"))["error"]["code"] == "unknown_event"
        with pytest.raises(socketio.exceptions.TimeoutError):
            await looping.call("never", timeout=0.1)
        await looping.disconnect()


@pytest.mark.parametrize("way", COMING_BACK)
async def test_the_asynchronous_client_comes_back_by_itself(at: Running, way: str) -> None:
    looping = socketio.AsyncClient(**QUICK)
    connected: asyncio.Queue[str] = asyncio.Queue()
    looping.on("connect", lambda: connected.put_nowait(looping.get_sid()))
    async with asyncio.timeout(PATIENCE_S):
        await looping.connect(at.url, transports=WAYS[way], retry=True)
        first = await connected.get()
        await looping.emit("hang up")
        assert await connected.get() != first
        assert await looping.call("message-with-ack", BYTES) == BYTES
        await looping.disconnect()


@every_way
async def test_the_asynchronous_simple_client_receives_in_order(at: Running, way: str) -> None:
    async with socketio.AsyncSimpleClient() as simple, asyncio.timeout(PATIENCE_S):
        await simple.connect(at.url, transports=WAYS[way], auth={"n": 1}, wait_timeout=PATIENCE_S)
        assert await simple.receive() == ["auth", {"n": 1}]
        for number in range(5):
            await simple.emit("message", (number, BYTES))
        assert [await simple.receive() for _ in range(5)] == [["message-back", number, BYTES] for number in range(5)]
        assert await simple.call("message-with-ack", "a") == "a"
