"""The stock clients, unmodified: JavaScript's in Node.js, Python's in the loop of the test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import socketio

from ordercast.hub import NO_ACK, ConnectRefused, MemoryRecovery, Server, Socket
from ordercast.wire.session import Session
from tests.servers import Running, official_server, running
from tests.waiting import until

CLIENTS = Path(__file__).parent.parent / "clients"
NODE = shutil.which("node") or str(Path(__file__).parents[2] / ".venv/bin/node")
WAYS = {"websocket only": ["websocket"], "polling only": ["polling"], "upgrade": ["polling", "websocket"]}
PATIENCE_S = 60.0

every_way = pytest.mark.parametrize("way", WAYS)


def shop_server() -> Server:
    """The official server, and what the scenarios of `stock.mjs` ask for beside it."""
    server = official_server(ping_interval_s=60.0, ping_timeout_s=60.0)

    @server.event("ask me")
    async def ask(socket: Socket) -> Any:
        return await socket.emit_with_ack("question", 1, 2, timeout_s=PATIENCE_S)

    server.event("never", lambda _socket: NO_ACK)
    server.event("send me away", lambda socket: socket.disconnect(close=True))

    @server.of("/guarded").use
    async def guard(socket: Socket) -> None:
        await asyncio.sleep(0)
        if socket.auth.get("token") != "right":
            raise ConnectRefused("wrong token", {"code": "auth_required"})

    return server


@pytest.fixture
async def at() -> AsyncIterator[Running]:
    async with running(shop_server()) as at:
        yield at


# JavaScript


@contextlib.asynccontextmanager
async def node(at: Running, way: str, scenario: str, **options: Any) -> AsyncIterator[asyncio.StreamReader]:
    """A process that plays the scenario; give its lines."""
    arguments = (at.url, ",".join(WAYS[way]), scenario, json.dumps(options))
    process = await asyncio.create_subprocess_exec(
        NODE, "stock.mjs", *arguments, cwd=CLIENTS, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield process.stdout
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


RESULTS: dict[str, dict[str, Any]] = {
    "arguments": {"same": True},
    "binary": {"first": True, "second": True, "third": True, "acked": True},
    "acks": {"answers": [1, 2, 3], "asked": [3, {"ok": True}], "late": "operation has timed out"},
    "namespaces": {
        "auth": {"token": "t"},
        "error": "Invalid namespace",
        "main": ["still here"],
        "connected": False,
    },
    "refused": {"message": "wrong token", "data": {"code": "auth_required"}, "active": False},
    "sentAway": {"reason": "io server disconnect", "active": False},
}


@pytest.mark.node
@every_way
@pytest.mark.parametrize("scenario", RESULTS)
async def test_the_javascript_client(at: Running, way: str, scenario: str) -> None:
    async with node(at, way, scenario) as lines:
        result = json.loads(await lines.readline())

    if scenario == "acks":  # the client resolves with the first of several answers
        assert result.pop("asked") in ([3, {"ok": True}], 3)
        assert result == {name: value for name, value in RESULTS["acks"].items() if name != "asked"}
    else:
        assert result == RESULTS[scenario]


@pytest.mark.node
@every_way
async def test_the_javascript_client_that_takes_no_binary_frames(at: Running, way: str) -> None:
    async with node(at, way, "binary", forceBase64=True) as lines:
        assert json.loads(await lines.readline()) == RESULTS["binary"]


@contextlib.asynccontextmanager
async def lagging_polls(at: Running) -> AsyncIterator[int]:
    """A network in which answers to polls take longer than what comes by WebSocket; give its port."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lag_s: float) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                await asyncio.sleep(lag_s)
                writer.write(data)
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.read(65_536)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", at.port)
        far_writer.write(request)
        lag_s = 0.0 if b"transport=websocket" in request else 0.1
        await asyncio.gather(carry(reader, far_writer, 0), carry(far_reader, writer, lag_s))

    async with await asyncio.start_server(connect, "127.0.0.1", 0) as proxy:
        yield proxy.sockets[0].getsockname()[1]


@pytest.mark.node
async def test_the_javascript_client_comes_back_at_once_from_a_stop_during_its_upgrade(
    at: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the answer to its probe until its last poll is back it is deaf: if the probe ends then, it does nothing
    before its ping timeout.
    """
    answered = Session.probe_answered

    def stop() -> None:
        at.engine.close()
        for connection in tuple(at.server.server_state.connections):
            connection.shutdown()

    def answer(session: Session) -> None:
        monkeypatch.undo()
        answered(session)
        asyncio.get_running_loop().call_later(0.03, stop)

    monkeypatch.setattr(Session, "probe_answered", answer)
    async with lagging_polls(at) as port:
        options = {"url": f"http://127.0.0.1:{port}", "reconnectionDelay": 10, "reconnectionDelayMax": 50}
        process = await asyncio.create_subprocess_exec(
            *(NODE, "listener.mjs", json.dumps(options)),
            cwd=CLIENTS,
            stdout=asyncio.subprocess.PIPE,
            stdin=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        kinds: list[str] = []
        try:
            async with asyncio.timeout(PATIENCE_S):  # the ping timeout would take twice as long
                while kinds.count("connect") < 2:
                    kinds.append(json.loads(await process.stdout.readline())["kind"])
        finally:
            process.kill()
            await process.wait()
    assert [kind for kind in kinds if "connect" in kind] == ["connect", "disconnect", "connect"]


@pytest.mark.node
@every_way
async def test_the_javascript_client_hears_a_burst_in_order_whatever_carries_it(at: Running, way: str) -> None:
    async with node(at, way, "burst") as lines:
        result = json.loads(await lines.readline())

    assert result["inOrder"]


@pytest.mark.node
async def test_the_javascript_client_upgrades(at: Running) -> None:
    async with node(at, "upgrade", "upgrade") as lines:
        assert json.loads(await lines.readline()) == {"transport": "websocket", "answer": 1}


@pytest.mark.node
@every_way
async def test_the_javascript_client_comes_back_after_a_restart_on_the_same_port(way: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with running(shop_server()) as first:
            lines = await stack.enter_async_context(node(first, way, "restart"))
            assert json.loads(await lines.readline()) == {"connected": True}
        async with running(shop_server(), port=first.port):
            result = json.loads(await lines.readline())

        assert result["reason"] in ("transport close", "transport error")
        assert result["answer"] == "again"


@pytest.mark.node
@pytest.mark.parametrize("way", ["websocket only", "upgrade"])
async def test_the_javascript_client_hears_what_it_missed_while_it_was_cut_off(way: str) -> None:
    server = shop_server()
    server.main.recovery = MemoryRecovery()
    async with running(server) as at, node(at, way, "recover") as lines:
        assert json.loads(await lines.readline()) == {"connected": True}
        await until(lambda: only_session(at).transport_name == "websocket")
        server.emit("n", 1)
        lost = only_session(at)
        transport: Any = lost.transport
        transport._ws.underlying_transport.abort()
        await until(lambda: not lost.is_open)
        server.emit("n", 2)
        server.emit("n", 3)
        await until(lambda: at.engine.sessions and only_session(at) is not lost and server.main.sockets)
        server.emit("n", 4)
        server.emit("n", 0)

        assert json.loads(await lines.readline()) == {"heard": [1, 2, 3, 4], "recovered": True, "sameId": True}


def only_session(at: Running) -> Any:
    (session,) = at.engine.sessions.values()
    return session


# Python


@contextlib.asynccontextmanager
async def python(at: Running, way: str, **options: Any) -> AsyncIterator[Any]:
    client = socketio.AsyncClient(reconnection_delay=0.05, reconnection_delay_max=0.1)
    await client.connect(at.url, transports=WAYS[way], wait_timeout=60, **options)
    try:
        yield client
    finally:
        await client.disconnect()


@every_way
async def test_the_python_client_speaks_and_is_answered(at: Running, way: str) -> None:
    async with asyncio.timeout(PATIENCE_S), python(at, way) as client:
        back: asyncio.Queue[Any] = asyncio.Queue()
        client.on("message-back", lambda *args: back.put_nowait(args))
        client.on("question", lambda a, b: a + b)

        await client.emit("message", (1, "two", {"three": [None, True]}, b"\x00\xff"))

        assert await back.get() == (1, "two", {"three": [None, True]}, b"\x00\xff")
        assert await client.call("message-with-ack", {"a": b"\x01"}) == {"a": b"\x01"}
        assert await client.call("ask me") == 3
        assert client.transport() == WAYS[way][-1]


@every_way
async def test_the_python_client_enters_namespaces_and_is_refused(at: Running, way: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async with python(at, way, namespaces=["/", "/custom"]) as client:
            assert set(client.namespaces) == {"/", "/custom"}
        with pytest.raises(socketio.exceptions.ConnectionError, match="failed to connect: /guarded"):
            async with python(at, way, namespaces=["/guarded"], auth={"token": "wrong"}):
                pass
        async with python(at, way, namespaces=["/guarded"], auth={"token": "right"}) as client:
            assert set(client.namespaces) == {"/guarded"}


async def test_the_python_client_comes_back_after_a_restart_on_the_same_port() -> None:
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(PATIENCE_S):
        back = asyncio.Event()
        async with running(shop_server()) as first:
            client = await stack.enter_async_context(python(first, "websocket only"))
            client.on("connect", back.set)
        async with running(shop_server(), port=first.port):
            await back.wait()
            assert await client.call("message-with-ack", "again") == "again"
            await client.disconnect()
