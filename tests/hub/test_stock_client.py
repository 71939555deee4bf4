"""The JavaScript client, unmodified, on what memory alone cannot show: its parsers, and its haste."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ordercast.hub import Options, Server, Socket
from tests.servers import Running, official_server, running

CLIENTS = Path(__file__).parent.parent / "clients"
NODE = shutil.which("node") or str(Path(__file__).parents[2] / ".venv/bin/node")
PATIENCE_S = 60.0

pytestmark = pytest.mark.node
every_way = pytest.mark.parametrize("way", ["websocket", "polling", "polling,websocket"])


async def play(script: str, at: Running, *arguments: str) -> Any:
    """Run a script of `tests/clients`; give what it prints."""
    process = await asyncio.create_subprocess_exec(
        NODE, script, at.url, *arguments, cwd=CLIENTS, stdout=asyncio.subprocess.PIPE
    )
    try:
        sent, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return json.loads(sent)


@every_way
async def test_msgpack_is_spoken_where_both_are_set_to_it(way: str) -> None:
    server = official_server(parser="msgpack", ping_interval_s=5.0)

    @server.event("ask me")
    async def ask(socket: Socket) -> Any:
        total, proof = await socket.emit_with_ack("question", 1, 2, timeout_s=PATIENCE_S)
        return proof if total == 3 else None

    async with running(server) as at:
        result = await play("parsers.mjs", at, way)

    transport = result.pop("transport")
    assert transport in way
    assert result == {
        "auth": {"token": "t", "nothing": None},
        "same": True,
        "binary": True,
        "date": "1970-01-01T00:00:01.234000Z",
        "asked": True,
        "error": "Invalid namespace",
    }


@every_way
@pytest.mark.parametrize("middleware", ["sync", "async"])
async def test_connecting_anew_in_haste_keeps_the_connection_and_ends_as_the_last_one(
    way: str, middleware: str
) -> None:
    server = Server(Options(ping_interval_s=5.0, origins=("*",)))
    other = server.of("/other")

    @other.use
    async def look(_socket: Socket) -> None:
        await asyncio.sleep(0.02)

    if middleware == "sync":
        other.middlewares.clear()

    @other.on("connection")
    async def connected(socket: Socket) -> None:
        await asyncio.sleep(0.1)
        socket.emit("settled")

    other.event("auth?", lambda socket: socket.auth["n"])
    async with running(server) as at:
        result = await play("anew.mjs", at, way, "/other")

    assert result == {"lost": False, "sameConnection": True, "auth": 4}
