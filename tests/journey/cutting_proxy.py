"""A network that fails on command: forwards bytes on loopback, and cuts, abandons or swallows connections."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

# Closing with this set sends RST and forgets what was not sent yet.
_RESET = struct.pack("ii", 1, 0)
_CHUNK_BYTES = 16_384


class CuttingProxy:
    """Stands between clients and `server_port`, to which new connections go. Use it as a context manager.

    `fate`, when set, is asked at each new connection how many bytes of the server's it may carry before it is cut;
    None lets it live.
    """

    def __init__(self, server_port: int) -> None:
        self.fate: Callable[[], int | None] | None = None
        self.accepted = 0
        self.server_port = server_port
        self._down = threading.Event()
        self._links: set[_Link] = set()
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join(timeout=60)
        self.cut()

    # What it does to those who are connected

    def cut(self) -> None:
        """Reset every connection on both sides."""
        for link in self._present():
            link.reset()

    def abandon(self) -> None:
        """Reset the clients' side alone: the server hears nothing of it, and believes them alive."""
        for link in self._present():
            link.abandon()

    def blackhole(self) -> None:
        """Swallow, from now on, what either side says on the present connections; nobody is told."""
        for link in self._present():
            link.swallows = True

    def _present(self) -> list[_Link]:
        with self._lock:
            return list(self._links)

    # Whether new connections come through

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """Refuse new connections until the block ends; the present ones are left alone."""
        self._down.set()
        try:
            yield
        finally:
            self._down.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self.accepted += 1
            self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        if self._down.is_set():
            _reset(client)
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.server_port), timeout=60)
        except OSError:
            _reset(client)
            return
        server.settimeout(None)
        link = _Link(client, server, None if self.fate is None else self.fate())
        with self._lock:
            self._links.add(link)
        threading.Thread(target=self._carry, args=(link,), daemon=True).start()

    def _carry(self, link: _Link) -> None:
        link.carry()
        with self._lock:
            self._links.discard(link)


class _Link:
    """One client's connection, and ours to the server on its behalf."""

    def __init__(self, client: socket.socket, server: socket.socket, bytes_left: int | None) -> None:
        self._client = client
        self._server = server
        self._bytes_left = bytes_left
        self._is_ghost = False
        self.swallows = False
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def carry(self) -> None:
        """Forward both ways until both sides have ended."""
        upwards = threading.Thread(target=self._forward, args=(self._client, self._server, self._server.sendall))
        upwards.start()
        self._forward(self._server, self._client, self._send_down)
        upwards.join()
        self._client.close()
        self._server.close()

    def _forward(self, source: socket.socket, target: socket.socket, send: Callable[[bytes], None]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK_BYTES):
                if not self.swallows:
                    send(data)
        if not (self._is_ghost or self.swallows):
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)  # each side ends when it has said all: an answer may come after it

    def _send_down(self, data: bytes) -> None:
        if self._is_ghost:
            return
        if self._bytes_left is None:
            self._client.sendall(data)
            return
        self._client.sendall(data[: self._bytes_left])
        self._bytes_left -= len(data)
        if self._bytes_left <= 0:
            # Orderly, so that what came before the cut is heard before it.
            for end in (self._client, self._server):
                end.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        _reset(self._client)
        _reset(self._server)

    def abandon(self) -> None:
        self._is_ghost = True
        _reset(self._client)


def _reset(end: socket.socket) -> None:
    """End a connection with RST; also wakes a thread that reads from it."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        end.shutdown(socket.SHUT_RD)
    end.close()
