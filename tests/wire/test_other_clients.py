"""What stock clients of other languages send, byte by byte; none of them runs here.

Packets and steps are as their sources write them. What their HTTP and WebSocket libraries add is written as those are
known to, and all of it for Go and Java's own HTTP client.

Each is where it differs from the JavaScript client: the order of a query, headers, steps that are left out.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from ordercast.hub import Server, Socket
from tests.peers import PATIENCE_S, Peer
from tests.servers import Running, official_server, running
from tests.waiting import until

# Eighty bytes: their Base64 is longer than the line after which Android's encoder breaks it.
BYTES = bytes(range(80))
ANDROID = base64.encodebytes(BYTES).decode()
ECHO = '["message",{"_placeholder":true,"num":0}]'
ECHOED = f'451-["message-back",{{"_placeholder":true,"num":0}}]\x1eb{base64.b64encode(BYTES).decode()}'


class Connection:
    """A kept-alive HTTP/1.1 connection on which requests are written as they stand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, request: str) -> tuple[int, str]:
        """Status and body of the answer."""
        async with asyncio.timeout(PATIENCE_S):
            self.writer.write(request.encode())
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = next(int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:"))
            body = await self.reader.readexactly(length)
        return int(head.split()[1]), body.decode()


@pytest.fixture
def server() -> Server:
    server = official_server()
    server.of("/admin").on("connection", lambda socket: socket.emit("auth", socket.auth))
    return server


@pytest.fixture
async def connect(at: Running) -> AsyncIterator[Callable[[], Any]]:
    opened: list[asyncio.StreamWriter] = []

    async def connect() -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        opened.append(writer)
        return Connection(reader, writer)

    yield connect
    for writer in opened:
        writer.close()


def request(method: str, query: str, *headers: str, body: str = "", path: str = "/socket.io/") -> str:
    """A request of these lines; `Content-Length` is written by the client's HTTP library."""
    return "\r\n".join([f"{method} {path}?{query} HTTP/1.1", *headers, "", body])


def post(query: str, *headers: str, body: str, path: str = "/socket.io/") -> str:
    return request("POST", query, *headers, f"Content-Length: {len(body.encode())}", body=body, path=path)


# How each polls: what a request is made of, given its `sid` part; `POST` has the headers of a body beside.
OKHTTP = (
    "Accept: */*",
    "Host: 127.0.0.1",
    "Connection: Keep-Alive",
    "Accept-Encoding: gzip",
    "User-Agent: okhttp/3.12.12",
)
DOTNET = ("Host: 127.0.0.1", "Content-Type: text/plain; charset=utf-8")
POLLERS: dict[str, tuple[Callable[[str], str], tuple[str, ...], tuple[str, ...], str]] = {
    "java": (
        lambda sid: f"transport=polling&{f'sid={sid}&' if sid else ''}EIO=4&t=PZx7h2A",
        OKHTTP,
        (*OKHTTP, "Content-Type: text/plain;charset=UTF-8"),
        "/socket.io/",
    ),
    "swift": (
        lambda sid: "transport=polling&b64=1&EIO=4" + (f"&sid={sid}" if sid else "&sid="),
        ("Host: 127.0.0.1", "Accept: */*", "User-Agent: Shop/1 CFNetwork/1496 Darwin/23", "Connection: keep-alive"),
        ("Host: 127.0.0.1", "Content-Type: text/plain; charset=UTF-8", "Accept: */*", "Connection: keep-alive"),
        "/socket.io/",
    ),
    # A GET of .NET's has a body of no bytes, and says of which type.
    ".net": (
        lambda sid: "EIO=4&transport=polling" + (f"&sid={sid}&t=1764500000000" if sid else ""),
        (*DOTNET, "Content-Length: 0"),
        DOTNET,
        "/socket.io",
    ),
    # hyper writes names in lower case, and no type for a body of bytes.
    "rust": (
        lambda sid: "EIO=4&transport=polling" + (f"&sid={sid}" if sid else ""),
        ("accept: */*", "host: 127.0.0.1"),
        ("accept: */*", "host: 127.0.0.1"),
        "/socket.io/",
    ),
    "go": (
        lambda sid: "EIO=4" + (f"&sid={sid}" if sid else "") + "&t=pz3k1&transport=polling",
        ("Host: 127.0.0.1", "User-Agent: Go-http-client/1.1", "Accept-Encoding: gzip"),
        ("Host: 127.0.0.1", "User-Agent: Go-http-client/1.1", "Content-Type: text/plain;charset=UTF-8"),
        "/socket.io/",
    ),
    # Java's own HTTP client, of which some wrappers are made, offers HTTP/2 on every request.
    "java.net.http": (
        lambda sid: "EIO=4&transport=polling" + (f"&sid={sid}" if sid else ""),
        ("Connection: Upgrade, HTTP2-Settings", "Host: x", "HTTP2-Settings: AAEAAEAAAAIAAAAB", "Upgrade: h2c"),
        ("Connection: Upgrade, HTTP2-Settings", "Host: x", "HTTP2-Settings: AAEAAEAAAAIAAAAB", "Upgrade: h2c"),
        "/socket.io/",
    ),
}
# The binary argument as each writes it: Android's lines, .NET's and others' one line.
BINARY_POSTS = {
    "java": [f"451-{ECHO}\x1eb{ANDROID}"],
    "swift": [f"451-{ECHO}\x1eb{base64.b64encode(BYTES).decode()}"],
    ".net": [f"451-{ECHO}", f"b{base64.b64encode(BYTES).decode()}"],
    "rust": [f"451-{ECHO}", f"b{base64.b64encode(BYTES).decode()}"],
    "go": [f"451-{ECHO}\x1eb{base64.b64encode(BYTES).decode()}"],
    "java.net.http": [f"451-{ECHO}\x1eb{ANDROID}"],
}
CONNECTS = {
    "java": "40",
    "swift": '40/,{"token":"t"}',
    ".net": '40{"token":"t"}',
    "rust": "40",
    "go": "40",
    "java.net.http": "40",
}


@pytest.mark.parametrize("client", POLLERS)
async def test_a_polling_client_connects_echoes_bytes_and_leaves(
    server: Server, connect: Callable[[], Any], client: str
) -> None:
    query, get_headers, post_headers, path = POLLERS[client]
    polls, posts = await connect(), await connect()
    status, body = await polls.send(request("GET", query(""), *get_headers, path=path))
    assert (status, body[0]) == (200, "0")
    sid = json.loads(body[1:])["sid"]

    async def say(body: str) -> None:
        assert await posts.send(post(query(sid), *post_headers, body=body, path=path)) == (200, "ok")

    async def poll() -> str:
        status, answered = await polls.send(request("GET", query(sid), *get_headers, path=path))
        assert status == 200
        return str(answered)

    await say(CONNECTS[client])
    connected, auth = (await poll()).split("\x1e")
    assert connected.startswith('40{"sid":')
    assert auth == ('42["auth",{"token":"t"}]' if "token" in CONNECTS[client] else '42["auth",{}]')
    for body in BINARY_POSTS[client]:
        await say(body)
    assert await poll() == ECHOED
    await say("41\x1e1" if client != "swift" else "41/,\x1e1")
    await until(lambda: not server.clients)


WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKES = {
    # Starscream: `Host` has the port always, `Origin` the socket's scheme and no usual port.
    "swift": (
        "/socket.io/?transport=websocket&EIO=4",
        (
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Origin: wss://shop.example",
            KEY,
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; server_max_window_bits=15",
            "Host: shop.example:443",
        ),
    ),
    "dart": (
        "/socket.io/?EIO=4&transport=websocket",
        (
            "user-agent: Dart/3.5 (dart:io)",
            "connection: Upgrade",
            "cache-control: no-cache",
            "accept-encoding: gzip",
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
            "content-length: 0",
            "host: shop.example",
            "upgrade: websocket",
            "sec-websocket-version: 13",
            "sec-websocket-extensions: permessage-deflate; client_max_window_bits",
        ),
    ),
    "dart, in Base64": (
        "/socket.io/?EIO=4&transport=websocket&b64=1",
        ("connection: Upgrade", KEY, "host: shop.example", "upgrade: websocket", "sec-websocket-version: 13"),
    ),
    # websocketpp; the path is the one of the address that it was given, if it has one.
    "c++": (
        "/socket.io?EIO=4&transport=websocket&t=1764500000",
        (
            "Connection: Upgrade",
            "Host: shop.example:3000",
            KEY,
            "Sec-WebSocket-Version: 13",
            "Upgrade: websocket",
            "User-Agent: WebSocket++/0.8.2",
        ),
    ),
    "java": (
        "/socket.io/?transport=websocket&EIO=4&t=PZx7h2A",
        (
            "Upgrade: websocket",
            "Connection: Upgrade",
            KEY,
            "Sec-WebSocket-Version: 13",
            "Host: shop.example",
            "Sec-WebSocket-Extensions: permessage-deflate",
            "Accept-Encoding: gzip",
            "User-Agent: okhttp/4.12.0",
        ),
    ),
    # websocket-client, below the synchronous client for Python.
    "python": (
        "/socket.io/?transport=websocket&EIO=4&t=1764500000.5",
        (
            "Upgrade: websocket",
            "Host: shop.example:3000",
            "Origin: http://shop.example:3000",
            KEY,
            "Sec-WebSocket-Version: 13",
            "Connection: Upgrade",
        ),
    ),
    "go": (
        "/socket.io/?EIO=4&t=pz3k1&transport=websocket",
        (
            "Host: shop.example",
            "User-Agent: Go-http-client/1.1",
            "Connection: Upgrade",
            KEY,
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            "Sec-WebSocket-Version: 13",
            "Upgrade: websocket",
        ),
    ),
    # Through a proxy that speaks for it, and says everything twice.
    "a client that repeats itself": (
        "/socket.io/?EIO=4&EIO=4&transport=websocket&transport=websocket",
        (
            "Host: shop.example",
            "Upgrade: websocket",
            "Connection: keep-alive",
            "Connection: Upgrade",
            KEY,
            "Sec-WebSocket-Version: 13",
            "Origin: http://shop.example:80",
        ),
    ),
}


async def shake_hands(peer: Peer, target: str, headers: tuple[str, ...]) -> None:
    peer.writer.write("\r\n".join([f"GET {target} HTTP/1.1", *headers, "", ""]).encode())
    head = await peer.reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head


@pytest.mark.parametrize("deflates", [False, True], ids=["plain", "compression offered"])
@pytest.mark.parametrize("client", HANDSHAKES)
async def test_a_websocket_client_connects_and_echoes_bytes(client: str, deflates: bool) -> None:
    server = official_server(permessage_deflate=deflates, origins=())
    async with running(server) as at, await Peer.dial(at.port) as peer:
        target, headers = HANDSHAKES[client]
        await shake_hands(peer, target, headers)
        await peer.take_open()
        peer.send("40")
        connected = await peer.receive_no_ping()
        assert str(connected).startswith('40{"sid":')
        await peer.expect('42["auth",{}]')
        encoded = "b" + base64.b64encode(BYTES).decode()
        peer.send(f"451-{ECHO}", encoded if "b64" in target else BYTES)
        await peer.expect('451-["message-back",{"_placeholder":true,"num":0}]', encoded if "b64" in target else BYTES)
        peer.send("41")
        await until(lambda: not server.main.sockets)


@pytest.mark.parametrize(
    ("packets", "answers"),
    [
        (["40/,"], ['42["auth",{}]']),  # Swift names the main namespace as well
        (['40/,{"token":"t"}'], ['42["auth",{"token":"t"}]']),
        (["40{}"], ['42["auth",{}]']),
        (["40/admin"], ['42/admin,["auth",{}]']),  # C++ leaves out a comma before nothing
        (["40/admin,"], ['42/admin,["auth",{}]']),
        (['40/admin,{"token":"t"}'], ['42/admin,["auth",{"token":"t"}]']),
    ],
)
async def test_each_form_of_connect_is_taken(at: Running, packets: list[str], answers: list[str]) -> None:
    async with await Peer.open(at.port, WEBSOCKET) as peer:
        await peer.take_open()
        peer.send(*packets)
        assert str(await peer.receive_no_ping()).startswith("40")
        await peer.expect(*answers)


async def test_a_namespace_with_a_query_is_another_name_as_with_the_reference(at: Running) -> None:
    async with await Peer.open(at.port, WEBSOCKET) as peer:
        await peer.take_open()
        peer.send("40/admin?token=t,")
        await peer.expect('44/admin?token=t,{"message":"Invalid namespace"}')


@pytest.mark.parametrize("leave", ["41/admin", "41/admin,"])
async def test_each_form_of_leaving_a_namespace_is_taken(at: Running, server: Server, leave: str) -> None:
    async with await Peer.open(at.port, WEBSOCKET) as peer:
        await peer.take_open()
        await peer.enter()
        await peer.expect('42["auth",{}]')
        await peer.enter("/admin")
        peer.send(leave)
        await until(lambda: not server.of("/admin").sockets)
        assert server.main.sockets


async def test_an_answer_that_nobody_waits_for_is_passed_over(at: Running) -> None:
    """Rust's client writes an event with bytes that wants an answer as if it were one itself."""
    async with await Peer.open(at.port, WEBSOCKET) as peer:
        await peer.take_open()
        await peer.enter()
        await peer.expect('42["auth",{}]')
        peer.send(f"461-7{ECHO}", b"\x01", '42["message",1]')
        await peer.expect('42["message-back",1]')


async def test_the_client_for_net_upgrades_without_polling_or_probing(
    server: Server, at: Running, connect: Callable[[], Any]
) -> None:
    query, get_headers, post_headers, path = POLLERS[".net"]
    http = await connect()
    _, body = await http.send(request("GET", query(""), *get_headers, path=path))
    sid = json.loads(body[1:])["sid"]
    assert await http.send(post(query(sid), *post_headers, body="40/admin,", path=path)) == (200, "ok")

    async with await Peer.open(at.port, f"{path}?EIO=4&transport=websocket&sid={sid}") as peer:
        peer.send("5")
        assert str(await peer.receive_no_ping()).startswith("40/admin,")
        await peer.expect('42/admin,["auth",{}]')
        (socket,) = server.of("/admin").sockets.values()
        assert transport_of(socket) == "websocket"


async def test_the_client_for_rust_upgrades_before_its_first_poll(at: Running, connect: Callable[[], Any]) -> None:
    query, get_headers, _, _ = POLLERS["rust"]
    _, body = await (await connect()).send(request("GET", query(""), *get_headers))
    sid = json.loads(body[1:])["sid"]
    async with await Peer.open(at.port, f"/socket.io/?EIO=4&sid={sid}&transport=websocket") as peer:
        peer.send("2probe")
        await peer.expect("3probe")
        peer.send("5", "40")
        assert str(await peer.receive_no_ping()).startswith('40{"sid":')


async def test_the_client_for_swift_posts_a_noop_while_it_upgrades(at: Running, connect: Callable[[], Any]) -> None:
    query, get_headers, post_headers, _ = POLLERS["swift"]
    polls, posts = await connect(), await connect()
    _, body = await polls.send(request("GET", query(""), *get_headers))
    sid = json.loads(body[1:])["sid"]
    poll = asyncio.create_task(polls.send(request("GET", query(sid), *get_headers)))
    async with await Peer.open(at.port, f"/socket.io/?transport=websocket&EIO=4&sid={sid}") as peer:
        peer.send("2probe")
        await peer.expect("3probe")
        assert await posts.send(post(query(sid), *post_headers, body="6")) == (200, "ok")
        assert await poll == (200, "6")
        peer.send("5", "40/,")
        assert str(await peer.receive_no_ping()).startswith('40{"sid":')


@pytest.mark.parametrize(
    "body",
    ["2\r\n40\r\n0\r\n\r\n", "1\r\n4\r\n1;name=value\r\n0\r\n0\r\nTrailer: x\r\n\r\n"],
    ids=["one chunk", "two, with extension and trailer"],
)
async def test_a_chunked_body_is_taken(at: Running, connect: Callable[[], Any], body: str) -> None:
    """As streaming libraries write one whose length they do not know (Go, Node, curl)."""
    http = await connect()
    _, opened = await http.send(request("GET", "EIO=4&transport=polling", "Host: x"))
    sid = json.loads(opened[1:])["sid"]
    query = f"EIO=4&transport=polling&sid={sid}"
    assert await http.send(request("POST", query, "Host: x", "Transfer-Encoding: chunked", body=body)) == (200, "ok")
    assert (await http.send(request("GET", query, "Host: x")))[1].startswith('40{"sid":')


async def test_a_later_request_need_not_say_the_protocol_again(at: Running, connect: Callable[[], Any]) -> None:
    http = await connect()
    _, opened = await http.send(request("GET", "EIO=4&transport=polling", "Host: x"))
    query = f"transport=polling&sid={json.loads(opened[1:])['sid']}"
    assert await http.send(post(query, "Host: x", body="40")) == (200, "ok")
    assert (await http.send(request("GET", query, "Host: x")))[1].startswith('40{"sid":')


async def test_http_1_0_is_answered_and_ended(at: Running, connect: Callable[[], Any]) -> None:
    http = await connect()
    status, body = await http.send(request("GET", "EIO=4&transport=polling", "Host: x").replace("HTTP/1.1", "HTTP/1.0"))
    assert (status, body[0]) == (200, "0")
    assert await http.reader.read() == b""


async def test_a_body_that_waits_to_be_asked_for_is_asked_for(at: Running, connect: Callable[[], Any]) -> None:
    """curl and .NET expect this before a body that is long."""
    http = await connect()
    _, opened = await http.send(request("GET", "EIO=4&transport=polling", "Host: x"))
    query = f"EIO=4&transport=polling&sid={json.loads(opened[1:])['sid']}"
    http.writer.write(request("POST", query, "Host: x", "Expect: 100-continue", "Content-Length: 2").encode())
    async with asyncio.timeout(PATIENCE_S):
        assert await http.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert await http.send("40") == (200, "ok")


def transport_of(socket: Socket) -> str:
    return socket.transport_name
