"""Many WebSocket clients in one thread: raw sockets and epoll, so that the generator is cheaper than any server."""

from __future__ import annotations

import os
import select
import socket
import time

from . import frames

OPENING_MAX = 64
"""Handshakes under way at a time."""
READ_BYTES = 65_536
PATIENCE_S = 20.0
"""How long anything may stay unanswered before the run is given up."""


class ServerFailedError(Exception):
    """The server closed a connection, answered nonsense, or did not answer in time."""


class Swarm:
    """The clients of one server. Pings are answered by themselves; messages are told by the fd that heard them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._partial: dict[int, bytes] = {}
        self.fds: list[int] = []
        self.pings = 0
        self.connect_frame = frames.CONNECT

    # Coming and going

    def connect(self, count: int) -> None:
        """Open `count` more clients, from TCP to the answered Socket.IO CONNECT. Raises ServerFailedError."""
        request = self._opening()
        unopened, opening = count, set[int]()
        while unopened or opening:
            while unopened and len(opening) < OPENING_MAX:
                unopened -= 1
                opening.add(self._open(request))
            for fd in self.receive():
                opening.discard(fd)

    def _opening(self) -> bytes:
        return frames.UPGRADE_REQUEST.format(port=self._port).encode()

    def _next_port(self) -> int:
        """Where the next connection goes."""
        return self._port

    def _open(self, request: bytes) -> int:
        sock = socket.create_connection(("127.0.0.1", self._next_port()))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.send(request)
        fd = sock.fileno()
        self._sockets[fd] = sock
        self._epoll.register(fd, select.EPOLLIN)
        self.fds.append(fd)
        return fd

    def close(self) -> None:
        self.keep(0)

    def keep(self, count: int) -> None:
        """Close every client but the first `count`, without a word, as a phone in a tunnel does."""
        for fd in self.fds[count:]:
            self._partial.pop(fd, None)
            self._sockets.pop(fd).close()
        del self.fds[count:]

    # Sending and receiving

    def send(self, fd: int, frame: bytes) -> None:
        os.write(fd, frame)

    def await_messages(self, count: int) -> None:
        """Receive exactly `count` messages. Raises ServerFailedError."""
        while count > 0:
            count -= len(self.receive())
        if count:
            raise ServerFailedError(f"{-count} messages more than were asked for")

    def receive(self) -> list[int]:
        """Wait for messages; give the fd of each, in order, repeated if several came. Raises ServerFailedError."""
        heard: list[int] = []
        ready = self._epoll.poll(PATIENCE_S)
        if not ready:
            raise ServerFailedError(f"no answer in {PATIENCE_S:.0f} s")
        for fd, _ in ready:
            self._take(fd, os.read(fd, READ_BYTES), heard)
        return heard

    def answer_pings(self, duration_s: float) -> int:
        """Do nothing but answer pings for a while; gives how many came."""
        before, end_s = self.pings, time.monotonic() + duration_s
        while (left_s := end_s - time.monotonic()) > 0:
            for fd, _ in self._epoll.poll(left_s):
                self._take(fd, os.read(fd, READ_BYTES), [])
        return self.pings - before

    def _take(self, fd: int, data: bytes, heard: list[int]) -> None:
        at = 0
        data = self._whole(fd, data)
        while at < len(data):
            start, length = frame_at(data, at)
            if start + length > len(data):
                break
            if data[start] == 0x34 and data[at] == frames.TEXT_FIN:  # "4": a message, as nearly all are
                heard.append(fd)
            else:
                self._answer(fd, data[at], data[start : start + length])
            at = start + length
        if at < len(data):
            self._partial[fd] = data[at:]

    def _whole(self, fd: int, data: bytes) -> bytes:
        """What begins with a frame: the rest of earlier reads before it, the answer to the handshake taken off."""
        if not data:
            raise ServerFailedError("a connection was closed")
        if fd in self._partial:
            data = self._partial.pop(fd) + data
        if data[0] != 0x48:  # the H of HTTP; no frame begins so
            return data
        at = self._skip_handshake(data)
        if not at:
            self._partial[fd] = data
        return data[at:] if at else b""

    def _answer(self, fd: int, first_byte: int, payload: bytes) -> None:
        """Do what a client does by itself: pong to both kinds of ping, CONNECT upon OPEN."""
        if first_byte == frames.PING_FIN:
            os.write(fd, frames.pong(payload))
        elif payload == b"2":
            self.pings += 1
            os.write(fd, frames.PONG)
        elif payload.startswith(b"0"):
            os.write(fd, self.connect_frame)
        else:
            raise ServerFailedError(f"unexpected packet {payload[:64]!r}")

    def _skip_handshake(self, data: bytes) -> int:
        """Where the first frame begins; 0 while the answer to the handshake is not all there."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return 0
        if not data.startswith(b"HTTP/1.1 101 "):
            raise ServerFailedError(data[:end].decode("latin-1"))
        return end + 4


def frame_at(data: bytes, at: int) -> tuple[int, int]:
    """Where the payload of the frame at `at` begins, and its length; past the end of `data` if it is not all there."""
    if data[at] not in (frames.TEXT_FIN, frames.PING_FIN):
        raise ServerFailedError(f"unexpected frame {data[at : at + 64]!r}")
    rest = len(data) - at
    if rest < 2 or (data[at + 1] == 126 and rest < 4):
        return len(data), 1
    if data[at + 1] < 126:
        return at + 2, data[at + 1]
    return at + 4, data[at + 2] << 8 | data[at + 3]
