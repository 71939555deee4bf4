"""Many long-polling clients in one thread: each holds one request, and sends the next when it has been answered."""

from __future__ import annotations

import os
import socket

from .swarm import ServerFailedError, Swarm

_PATH = "/socket.io/?EIO=4&transport=polling"
_HEAD = "HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n"


class Pollers(Swarm):
    """A `Swarm` over HTTP. What a client has heard is told once its answer is complete; it polls again at once."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._head = _HEAD.format(port=port)
        self._polls: dict[int, bytes] = {}
        """The request that each client repeats."""
        self._sids: dict[int, str] = {}
        self._sender: socket.socket | None = None

    def _opening(self) -> bytes:
        return f"GET {_PATH} {self._head}\r\n".encode()

    def keep(self, count: int) -> None:
        if self._sender is not None:
            self._sender.close()
            self._sender = None
        for fd in self.fds[count:]:
            self._polls.pop(fd, None)
            self._sids.pop(fd, None)
        super().keep(count)

    def send(self, fd: int, frame: bytes) -> None:
        """Post one packet for the client of `fd`, on a connection of its own, and wait until it is taken."""
        if self._sender is None:  # anew for each sample: servers end connections that idle for some seconds
            self._sender = socket.create_connection(("127.0.0.1", self._port))
            self._sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sender.send(self._post(self._sids[fd], frame))
        answer = b""
        while _body(answer) is None:
            data = self._sender.recv(4096)
            if not data:
                raise ServerFailedError("a connection was closed")
            answer += data

    def _post(self, sid: str, body: bytes) -> bytes:
        head = f"POST {_PATH}&sid={sid} {self._head}Content-Type: text/plain;charset=UTF-8\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def _take(self, fd: int, data: bytes, heard: list[int]) -> None:
        if not data:
            raise ServerFailedError("a connection was closed")
        if fd in self._partial:
            data = self._partial.pop(fd) + data
        body = _body(data)
        if body is None:
            self._partial[fd] = data
        elif body[:1] == b"4":
            heard.append(fd)
            os.write(fd, self._polls[fd])
        elif body.lower() == b"ok":
            os.write(fd, self._polls[fd])
        elif body[:1] == b"0":
            sid = self._sids[fd] = body.split(b'"sid":"')[1].split(b'"')[0].decode()
            self._polls[fd] = f"GET {_PATH}&sid={sid} {self._head}\r\n".encode()
            os.write(fd, self._post(sid, b"40"))
        else:
            raise ServerFailedError(f"unexpected packet {body[:64]!r}")


def _body(data: bytes) -> bytes | None:
    """The body of the answer in `data`; None while it is not all there."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    if not data.startswith(b"HTTP/1.1 200 "):
        raise ServerFailedError(data.decode("latin-1"))
    at = data[:end].lower().find(b"content-length:")
    if at < 0:
        return _chunk(data[end + 4 :])
    length = int(data[at + 15 : end].split(b"\r\n", 1)[0])
    return data[end + 4 :] if len(data) - end - 4 >= length else None


def _chunk(data: bytes) -> bytes | None:
    """The one chunk of a chunked body (RFC 9112 section 7.1); None while it, or the empty one after it, is missing."""
    size, _, rest = data.partition(b"\r\n")
    return rest[: int(size, 16)] if data.endswith(b"\r\n0\r\n\r\n") else None
