"""The other end of the wire, byte by byte: a WebSocket that may break every rule, and a polling client."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

PATH = "/socket.io/"
WEBSOCKET = PATH + "?EIO=4&transport=websocket"
# Longer than anything here takes, whatever else the machine has to do.
PATIENCE_S = 60.0
# "A malformed packet closes at once": before the heartbeat, of 25 s, could do it instead.
AT_ONCE_S = 20.0

# Any will do, but the same in every process, because frames name test cases.
MASKING_KEY = b"\x37\xfa\x21\x3d"

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA


def mask(payload: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[index % 4] for index, byte in enumerate(payload)) if any(key) else payload


def frame(opcode: int, payload: bytes, *, fin: bool = True, reserved: int = 0, masked: bool = True) -> bytes:
    """One client frame (RFC 6455 section 5.2); the masking key is zero where the payload is long, to be quick."""
    first = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    flag, length = 0x80 if masked else 0, len(payload)
    if length < 126:
        second = bytes([flag | length])
    elif length < 1 << 16:
        second = bytes([flag | 126]) + length.to_bytes(2, "big")
    else:
        second = bytes([flag | 127]) + length.to_bytes(8, "big")
    key = (MASKING_KEY if length < 1_000 else bytes(4)) if masked else b""
    return first + second + key + (mask(payload, key) if masked else payload)


def upgrade_request(port: int, target: str = WEBSOCKET, **headers: str) -> bytes:
    """An opening handshake; a header given as None is left out, underscores stand for hyphens."""
    fields: dict[str, str | None] = {
        "Host": f"127.0.0.1:{port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"GET {target} HTTP/1.1", *lines, "", ""]).encode("latin-1")


class Closed(Exception):
    """The server closed the WebSocket, with this code; None when the connection just ended."""

    def __init__(self, code: int | None) -> None:
        self.code = code
        super().__init__(f"closed with {code}")


class Refused(Exception):
    """The opening handshake was answered with something else than 101."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body
        super().__init__(f"{status} {body!r}")


class Peer:
    """A WebSocket client; use it as ``async with await Peer.open(port) as peer``."""

    answers_closes = False
    """Whether it answers a close frame with its own, as RFC 6455 asks (section 5.5.1); our server waits for none."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.handshake: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.hang_up()

    async def hang_up(self) -> None:
        """End the connection without a word, as a lost network does."""
        self.writer.transport.abort()
        await asyncio.sleep(0)

    @classmethod
    async def dial(cls, port: int, *, receive_buffer_bytes: int | None = None) -> Self:
        """A bare connection."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setblocking(False)
        if receive_buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        # A small limit, so that what this side does not read stays with the server.
        return cls(*await asyncio.open_connection(sock=sock, limit=2**16 if receive_buffer_bytes is None else 1_024))

    @classmethod
    async def open(cls, port: int, target: str = WEBSOCKET, **headers: str) -> Self:
        """Connect and upgrade. Raises Refused."""
        peer = await cls.dial(port)
        try:
            await peer.upgrade(upgrade_request(port, target, **headers))
        except BaseException:
            await peer.hang_up()
            raise
        return peer

    @classmethod
    async def start(cls, port: int, auth: Any = None, **headers: str) -> Self:
        """Connect, upgrade, take the Engine.IO handshake and enter ``/``."""
        peer = await cls.open(port, **headers)
        await peer.take_open()
        peer.handshake = await peer.enter("/", auth)
        return peer

    async def upgrade(self, request: bytes) -> None:
        self.writer.write(request)
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ")[1])
            if status != 101:
                raise Refused(status, await self.reader.read())

    async def take_open(self) -> dict[str, Any]:
        packet = await self.receive()
        assert isinstance(packet, str)
        assert packet[0] == "0"
        opened: dict[str, Any] = json.loads(packet[1:])
        return opened

    async def enter(self, namespace: str = "/", auth: Any = None) -> dict[str, Any]:
        """Send CONNECT; give the answer's payload."""
        prefix = "" if namespace == "/" else namespace + ","
        self.send(f"40{prefix}" + ("" if auth is None else json.dumps(auth)))
        answer = await self.receive_no_ping()
        assert isinstance(answer, str)
        assert answer.startswith(f"40{prefix}"), answer
        payload: dict[str, Any] = json.loads(answer[len(prefix) + 2 :])
        return payload

    def send(self, *messages: str | bytes) -> None:
        """Send messages, in one segment."""
        frames = (frame(TEXT, m.encode()) if isinstance(m, str) else frame(BINARY, m) for m in messages)
        self.writer.write(b"".join(frames))

    def send_bytes(self, data: bytes) -> None:
        self.writer.write(data)

    async def receive_frame(self) -> tuple[int, bytes]:
        """The next frame, whatever it is. Raises Closed at the end of the connection."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                first, second = await self.reader.readexactly(2)
                length = second & 0x7F
                if length > 125:
                    length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8), "big")
                payload = await self.reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                raise Closed(None) from None
        assert second < 0x80, "a server does not mask"
        assert first & 0xF0 == 0x80, "a server neither fragments nor sets reserved bits"
        return first & 0xF, payload

    async def receive(self) -> str | bytes:
        """The next message. Raises Closed."""
        opcode, payload = await self.receive_frame()
        if opcode == CLOSE:
            raise Closed(int.from_bytes(payload[:2], "big") if payload else None)
        return payload.decode() if opcode == TEXT else payload

    async def receive_no_ping(self) -> str | bytes:
        """The next message but for pings, which may come at any moment and are answered as every client does."""
        while (message := await self.receive()) == "2":
            self.send("3")
        return message

    async def expect(self, *messages: str | bytes) -> None:
        """These messages come next, in this order; a ping only where one is expected."""
        for message in messages:
            received = await (self.receive() if message == "2" else self.receive_no_ping())
            assert received == message, f"expected {message!r:.200}, received {received!r:.200}"

    async def closing(self, *, within_s: float = PATIENCE_S) -> int | None:
        """Read on until the server closes, and has ended the connection too; give its code."""
        async with asyncio.timeout(within_s):
            try:
                while True:
                    await self.receive()
            except Closed as closed:
                if self.answers_closes and closed.code is not None:
                    self.send_bytes(frame(CLOSE, closed.code.to_bytes(2, "big")))
                    with contextlib.suppress(ConnectionError):  # by a server that has not waited
                        await self.reader.read()
                else:
                    assert await self.reader.read() == b"", "nothing follows a close"
                return closed.code


class Poller:
    """A polling client; use it as ``async with Poller(port) as poller``."""

    def __init__(self, port: int, path: str = PATH, headers: Mapping[str, str] | None = None) -> None:
        self.port = port
        self.path = path
        self.sid = ""
        self._http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=PATIENCE_S, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self._http.aclose()

    async def request(self, method: str = "GET", body: bytes | None = None, **query: Any) -> httpx.Response:
        """A request with exactly this query; a value of "" is left out."""
        params = {"EIO": "4", "transport": "polling", "sid": self.sid} | query
        params = {name: value for name, value in params.items() if value}
        return await self._http.request(method, self.path, params=params, content=body)

    async def open(self) -> dict[str, Any]:
        """Begin a session; give the handshake."""
        response = await self.request()
        assert response.status_code == 200, response.text
        handshake: dict[str, Any] = json.loads(response.text[1:])
        self.sid = handshake["sid"]
        return handshake

    async def start(self) -> dict[str, Any]:
        """Begin a session and enter ``/``; give the payload of the answer, and lose what came with it."""
        await self.open()
        await self.post("40")
        payload: dict[str, Any] = json.loads((await self.poll()).split("\x1e")[0][2:])
        return payload

    async def post(self, body: str | bytes) -> None:
        response = await self.request("POST", body.encode() if isinstance(body, str) else body)
        assert (response.status_code, response.text) == (200, "ok")

    async def poll(self) -> str:
        response = await self.request()
        assert response.status_code == 200, response.text
        return response.text

    async def gone(self) -> bool:
        """Whether the session has ended."""
        response = await self.request()
        return response.status_code == 400
