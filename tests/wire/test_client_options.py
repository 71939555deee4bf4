"""Each documented option of the stock JavaScript client, in the versions that applications are built with."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ordercast.hub import DisconnectReason, Options, Server, Socket
from tests.ports import free_port
from tests.servers import OFFICIAL, running

CLIENTS = Path(__file__).parent.parent / "clients"
NODE = shutil.which("node") or str(Path(__file__).parents[2] / ".venv/bin/node")
PATIENCE_S = 60.0


def each_way(found: Any) -> dict[str, Any]:
    return dict.fromkeys(("websocket", "polling", "upgrade"), found)


# What is found out with each option; `options.mjs` says how.
EXPECTED: dict[str, Any] = {
    "addTrailingSlash": each_way(True),
    "auth": each_way({"token": "t", "n": [1, None]}),
    "authFunction": each_way({"token": "later"}),
    "authOfEachConnection": 2,
    "autoConnect": [False, True],
    "autoUnref": ["connected", 0],
    "closeOnBeforeunload": each_way(True),
    "customParser": each_way({"price": "5"}),
    "extraHeaders": each_way(["one", "Bearer two"]),
    "forceBase64": each_way(True),
    "managerOfTwo": [1, 2],
    "msgpackParser": each_way(True),
    "multiplex": [True, False],
    "noAuth": {},
    "noTimestamps": each_way(False),
    "noUpgrade": [True, "polling"],
    "oneProtocol": "shop.v1",
    "path": each_way(True),
    "pathWithSlash": each_way(True),
    "perMessageDeflate": each_way(True),
    "perMessageDeflateOff": each_way(True),
    "protocols": {"websocket": "shop.v2", "polling": "none", "upgrade": "shop.v2"},
    "query": each_way(["1", "€&=+/ %", ""]),
    "queryOfAddress": ["/custom", "x"],
    "reconnection": ["transport close", False],
    "reconnectionAttempts": 2,
    "reconnectionDelay": [True, True],
    "rememberUpgrade": "websocket",
    "retries": [1, 2, 3],
    "retriesOfAnUnknownEvent": ["unknown_event", "next"],
    "timestamps": each_way(True),
    "transportOptions": {"websocket": "websocket", "polling": "polling", "upgrade": "polling"},
    "transports": "websocket",
    "tryAllTransports": ["polling", "websocket"],
    "upgradeThatIsNotOffered": [True, "polling"],
    "withCredentials": each_way(True),
}
# Options that came later, and without which the client goes another way: it stays with its first transport, or runs on.
ABSENT = {
    "socket.io-client-3.1": ["tryAllTransports", "autoUnref"],
    "socket.io-client-4.0": ["tryAllTransports"],
    "socket.io-client-4.4": ["tryAllTransports"],
    "socket.io-client": [],
}


def asked_server(**options: Any) -> Server:
    """What the questions of `options.mjs` are answered by."""
    server = Server(Options(**{**OFFICIAL, **options}))

    def connected(socket: Socket) -> None:
        handshake = socket.handshake
        told = {"query": handshake.query, "headers": handshake.headers, "auth": socket.auth}
        socket.on("handshake", lambda: told)
        socket.on("echo", lambda *args: args)
        socket.on("hang up", lambda: socket.conn.close(DisconnectReason.TRANSPORT_CLOSE))

    server.on("connection", connected)
    server.of("/custom").on("connection", connected)
    return server


@pytest.fixture
async def addresses() -> AsyncIterator[dict[str, str]]:
    """One server for each setting that has to meet an option of the client."""
    settings: dict[str, dict[str, Any]] = {
        "open": {},
        "shop": {"path": "/shop/live/"},
        "msgpack": {"parser": "msgpack"},
        "deflating": {"permessage_deflate": True, "compression_bytes_min": 1},
        "pollingOnly": {"transports": ("polling",)},
        "websocketOnly": {"transports": ("websocket",)},
    }
    async with contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(running(asked_server(**each))) for each in settings.values()]
        yield {
            **{name: at.url for name, at in zip(settings, servers, strict=True)},
            "nowhere": f"http://127.0.0.1:{free_port()}",
        }


@pytest.mark.node
@pytest.mark.parametrize("version", ABSENT)
async def test_each_option_does_what_it_says(addresses: dict[str, str], version: str) -> None:
    arguments = json.dumps({**addresses, "absent": ABSENT[version]})
    process = await asyncio.create_subprocess_exec(
        NODE, "options.mjs", version, arguments, cwd=CLIENTS, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    found = json.loads(output)
    assert found == {option: value for option, value in EXPECTED.items() if option not in ABSENT[version]}
