"""What comes and goes leaves nothing: thousands of aborted clients at a server whose collector is off."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.peers import TEXT, WEBSOCKET, frame, upgrade_request

# Reads lines; answers each with what it holds. A reference cycle shows as garbage, which nobody collects meanwhile.
PROGRAM = """
import asyncio, gc, json, os, sys, uvloop
from ordercast.hub import Server
from ordercast.wire import make_server

server = Server()
port = make_server(server, port=0)

def tell():
    collect = sys.stdin.readline() == "collect\\n"
    rss_kb = int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    held = [*map(len, (server.clients, port.engine.sessions, port.server_state.connections, asyncio.all_tasks()))]
    print(json.dumps({"rss_kb": rss_kb, "held": held, "garbage": gc.collect() if collect else 0}), flush=True)

def started():
    gc.collect()
    gc.disable()
    asyncio.get_running_loop().add_reader(0, tell)
    print(port.servers[0].sockets[0].getsockname()[1], flush=True)

port.on_started = started
uvloop.run(port.serve())
"""
CLIENTS_FIRST, CLIENTS = 500, 5_000
POLL = b"/socket.io/?EIO=4&transport=polling"


def connect(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=60)
    # An abort, not an orderly end; it also leaves no address in TIME_WAIT.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return client


def receive_until(client: socket.socket, end: bytes) -> bytes:
    data = b""
    while end not in data:
        data += client.recv(65_536)
    return data


def nothing(port: int, client: socket.socket) -> None:
    """Connects, and that is all."""


def half_a_request(port: int, client: socket.socket) -> None:
    client.sendall(upgrade_request(port)[:60])


def unheard_websocket(port: int, client: socket.socket) -> None:
    client.sendall(upgrade_request(port))


def websocket(port: int, client: socket.socket) -> None:
    client.sendall(upgrade_request(port) + frame(TEXT, b"40"))
    receive_until(client, b"40{")


def malformed_websocket(port: int, client: socket.socket) -> None:
    client.sendall(upgrade_request(port) + frame(TEXT, b"garbage"))
    receive_until(client, b"0{")


def refused_websocket(port: int, client: socket.socket) -> None:
    client.sendall(upgrade_request(port, WEBSOCKET + "&sid=unknown"))
    receive_until(client, b"}")


def open_polling(client: socket.socket) -> bytes:
    client.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % POLL)
    return b"%b&sid=%b" % (POLL, receive_until(client, b"}").split(b'"sid":"')[1].split(b'"')[0])


def held_poll(_port: int, client: socket.socket) -> None:
    target = open_polling(client)
    client.sendall(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n40" % target)
    receive_until(client, b"ok")
    client.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % target)
    receive_until(client, b"40{")
    client.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % target)


def half_a_post(_port: int, client: socket.socket) -> None:
    target = open_polling(client)
    client.sendall(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n40" % target)


def goodbye(_port: int, client: socket.socket) -> None:
    client.sendall(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1" % open_polling(client))
    receive_until(client, b"ok")


def upgrade(port: int, client: socket.socket) -> None:
    target = open_polling(client).decode().replace("polling", "websocket")
    other = connect(port)
    other.sendall(upgrade_request(port, target) + frame(TEXT, b"2probe"))
    receive_until(other, b"3probe")
    other.sendall(frame(TEXT, b"5") + frame(TEXT, b"40"))
    receive_until(other, b"40{")
    other.close()


def bad_http(_port: int, client: socket.socket) -> None:
    client.sendall(b"\0\r\n\r\n")
    receive_until(client, b"Bad Request")


def asgi(_port: int, client: socket.socket) -> None:
    client.sendall(b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n")
    receive_until(client, b"\r\n\r\n")


Way = Callable[[int, socket.socket], None]
WAYS: list[Way] = [
    nothing,
    half_a_request,
    unheard_websocket,
    websocket,
    malformed_websocket,
    refused_websocket,
    half_a_post,
    goodbye,
    upgrade,
    bad_http,
    held_poll,
    asgi,
]


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def ask(process: subprocess.Popen[str], what: str = "look") -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(what + "\n")
    process.stdin.flush()
    told: dict[str, Any] = json.loads(process.stdout.readline())
    return told


def rest(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the server holds once it holds no client any more."""
    for _ in range(200):
        told = ask(process)
        if told["held"] == [0, 0, 0, 1]:
            return told
        time.sleep(0.01)
    raise AssertionError(told)


def abort(port: int, way: Way) -> None:
    client = connect(port)
    way(port, client)
    client.close()


@pytest.mark.parametrize("way", WAYS)
def test_a_client_that_aborts_leaves_nothing_to_collect(process: subprocess.Popen[str], port: int, way: Way) -> None:
    abort(port, way)
    rest(process)
    ask(process, "collect")  # what was made once, at first use

    for _ in range(50):
        abort(port, way)
    rest(process)

    assert ask(process, "collect")["garbage"] == 0


def test_memory_stays_flat_over_thousands_of_aborted_clients(process: subprocess.Popen[str], port: int) -> None:
    for _ in range(CLIENTS_FIRST // len(WAYS)):
        for way in WAYS:
            abort(port, way)
    before_kb = rest(process)["rss_kb"]

    for _ in range(CLIENTS // len(WAYS)):
        for way in WAYS:
            abort(port, way)

    # A hundred bytes each: less than any object.
    assert rest(process)["rss_kb"] - before_kb < CLIENTS * 0.1
