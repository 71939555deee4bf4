"""A client that sends much waits in line: one of its kind is served in each turn of the loop, a little at a time.

Without it, libuv reads up to 32 buffers from one connection before it looks at the next, and picows doubles its buffer
as long as it is filled: a single client that sent tiny packets was measured to hold up everybody else for 7 seconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

log = logging.getLogger("ordercast.wire")

# What is handled in one go: some hundred packets, one or two milliseconds.
SLICE_BYTES = 4_096
SLICE_PACKETS = 64
# One read of a connection that waits in line. The buffer is shared by all of them.
READ_BYTES = 65_536
# A slice that takes longer, such as one that completes a large message, is followed by a rest just as long.
SLICE_S = 0.005

Step = Callable[[], bool]
"""Do a slice of work; True if there is more."""


class Line:
    """The clients of one engine whose work waits for its turn."""

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(READ_BYTES))
        self._waiting: deque[Step] = deque()
        self._moving = False

    def __repr__(self) -> str:
        return f"<Line waiting={len(self._waiting)}>"

    def join(self, step: Step) -> None:
        """Have `step` called until it has no more to do, each time in its turn."""
        self._waiting.append(step)
        if not self._moving:
            self._moving = True
            asyncio.get_running_loop().call_soon(self._move)

    def _move(self) -> None:
        step = self._waiting.popleft()
        began_s = time.perf_counter()
        if self._run(step):
            self._waiting.append(step)
        took_s = time.perf_counter() - began_s
        self._moving = bool(self._waiting)
        if self._moving:
            loop = asyncio.get_running_loop()
            loop.call_later(took_s, self._move) if took_s > SLICE_S else loop.call_soon(self._move)

    def _run(self, step: Step) -> bool:
        try:
            return step()
        except Exception:
            log.exception("a slice of work failed")
            return False


class Throttle(asyncio.BufferedProtocol):
    """Stands between a transport and the protocol that it belonged to, and hands over what comes slice by slice.

    Nothing more is read before all of it is handed over, so that the client's own network holds the rest.
    """

    def __init__(self, line: Line, transport: asyncio.Transport, protocol: Any) -> None:
        self._line = line
        self._transport = transport
        self._protocol = protocol
        self._pending = memoryview(b"")
        transport.set_protocol(self)

    # Told by the transport

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._line.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if nbytes <= SLICE_BYTES:
            feed(self._protocol, self._line.buffer[:nbytes])
            return
        self._pending = memoryview(bytes(self._line.buffer[:nbytes]))
        self._transport.pause_reading()
        self._line.join(self._hand_over)

    def eof_received(self) -> bool | None:
        result: bool | None = self._protocol.eof_received()
        return result

    def connection_lost(self, exc: Exception | None) -> None:
        self._pending = memoryview(b"")
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    # In its turn

    def _hand_over(self) -> bool:
        if self._transport.is_closing():
            return False
        part, self._pending = self._pending[:SLICE_BYTES], self._pending[SLICE_BYTES:]
        feed(self._protocol, part)
        if self._pending:
            return True
        if not self._transport.is_closing():
            self._transport.resume_reading()
        return False


def feed(protocol: Any, data: bytes | memoryview) -> None:
    """Give data to a buffered protocol, piece by piece as its buffer allows."""
    rest = memoryview(data)
    while rest:
        buffer = protocol.get_buffer(len(rest))
        length = min(len(buffer), len(rest))
        buffer[:length] = rest[:length]
        protocol.buffer_updated(length)
        rest = rest[length:]
