"""Requests for a host that is not ours: refused alike, whatever they ask for."""

from __future__ import annotations

import asyncio
import socket

import msgspec
import pytest

from ordercast.hub import Options, Server
from tests.servers import running

UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\n"
)
ASKED = [
    ("GET /health/live", ""),
    ("GET /socket.io/?EIO=4&transport=polling", ""),
    ("POST /socket.io/?EIO=4&transport=polling", "Content-Length: 0\r\n"),
    ("OPTIONS /socket.io/?EIO=4&transport=polling", "Origin: http://evil.example\r\n"),
    ("GET /socket.io/?EIO=4&transport=websocket", UPGRADE),
    ("GET http://localhost/%73ocket.io/?EIO=4&transport=polling", ""),
]


def answer_to(port: int, request: str, more: str, host: str) -> tuple[int, bytes, bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"{request} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode())
        heard = b""
        while b"\r\n\r\n" not in heard:
            part = connection.recv(65_536)
            assert part, heard
            heard += part
        head, _, body = heard.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.lower(), body


@pytest.mark.parametrize(("request_line", "more"), ASKED)
async def test_a_host_that_is_not_ours_is_told_the_setting(request_line: str, more: str) -> None:
    application = Server(Options(allowed_hosts=(), allowed_hosts_setting="ORDERCAST_ALLOWED_HOSTS"))
    async with running(application) as at:
        status, head, body = await asyncio.to_thread(answer_to, at.port, request_line, more, "evil.example")
        ours, _, _ = await asyncio.to_thread(answer_to, at.port, request_line, more, f"localhost:{at.port}")

    assert status == 421
    assert b"nosniff" in head
    error = msgspec.json.decode(body)
    assert error["type"] == "/problems/host-refused"
    assert (
        error["detail"]
        == error["message"]
        == ("evil.example is no host of ours: add its name to ORDERCAST_ALLOWED_HOSTS.")
    )
    assert ours != 421


async def test_a_program_that_is_no_shop_answers_to_every_name() -> None:
    async with running(Server(Options())) as at:
        status, _, _ = await asyncio.to_thread(
            answer_to, at.port, "GET /socket.io/?EIO=4&transport=polling", "", "evil.example"
        )
    assert status == 200
