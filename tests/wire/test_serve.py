"""One port for Socket.IO and an HTTP application, and the process around it."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import httpx
import pytest

from ordercast.hub import Options, Server
from tests.peers import PATIENCE_S, Peer, Poller, Refused
from tests.servers import running

PROGRAM = """
import asyncio, sys
from ordercast.hub import Server
from ordercast.wire import serve, make_server
server = Server()
server.event("disconnect", lambda socket, reason: print("ended:", reason, flush=True))
async def main():
    port = make_server(server, port=0, loop="{loop}")
    async def announce():
        while not port.started:
            await asyncio.sleep(0.01)
        print(port.servers[0].sockets[0].getsockname()[1], flush=True)
    task = asyncio.create_task(announce())
    await port.serve()
asyncio.run(main())
"""


async def http_application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


@pytest.mark.parametrize("path", ["/", "/socket.io.html", "/socket.io/x", "/socket.iox/", "/api/socket.io/"])
async def test_every_other_path_belongs_to_the_http_application(path: str) -> None:
    async with running(Server(), http=http_application) as at, httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(at.url + path)).text == path


async def test_both_spellings_of_the_path_are_socket_io() -> None:
    async with running(Server(), http=http_application) as at:
        for path in ("/socket.io/", "/socket.io"):
            async with Poller(at.port, path) as poller:
                await poller.open()


async def test_without_an_http_application_there_is_nothing_else() -> None:
    async with running(Server()) as at, httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(at.url + "/")).status_code == 404


async def test_a_websocket_elsewhere_is_refused_though_an_http_application_is_there() -> None:
    async with running(Server(), http=http_application) as at:
        with pytest.raises(Refused) as refused:
            await Peer.open(at.port, "/elsewhere")
        assert refused.value.status == 403


async def test_another_path_may_be_chosen() -> None:
    async with running(Server(Options(path="/live/"))) as at, Poller(at.port, "/live/") as poller:
        await poller.open()
        async with await Peer.open(at.port, "/live/?EIO=4&transport=websocket") as peer:
            await peer.take_open()


async def test_very_many_headers_harm_nobody() -> None:
    """CVE-2024-37890: a header more than expected took the process down."""
    async with running(Server()) as at:
        for count, status in ((127, b"101"), (128, b"101"), (129, b"101"), (2_000, b"431"), (4_000, b"431")):
            async with await Peer.dial(at.port) as peer:
                lines = "".join(f"X-{n}: v\r\n" for n in range(count))
                target = "/socket.io/?EIO=4&transport=websocket"
                peer.writer.write(
                    f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{lines}\r\n".encode()
                )
                assert (await asyncio.wait_for(peer.reader.readline(), PATIENCE_S)).split(b" ")[1] == status
        async with await Peer.start(at.port):
            pass


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_a_signal_ends_the_process_and_every_client_is_told(loop: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM.format(loop=loop), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            port = int(await process.stdout.readline())
        async with await Peer.start(port) as peer, Poller(port) as poller:
            await poller.start()
            poll = asyncio.create_task(poller.poll())
            await poller.post("3")  # it is heard, so that the poll before it is there, too

            process.send_signal(signal.SIGTERM)

            assert await peer.closing() == 1000
            assert await poll == "1"
            async with asyncio.timeout(PATIENCE_S):
                said = await process.stdout.read()
                await process.wait()
            assert said.decode().splitlines() == ["ended: server shutting down"] * 2
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
