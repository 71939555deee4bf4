"""Fair reading: work of clients that send much is queued, and done a slice at a time, one slice per turn of the loop.

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
# One read of a throttled connection. The buffer is shared by all of them.
READ_BYTES = 65_536
# A slice that takes longer, such as one that completes a large message, is followed by a rest just as long.
SLICE_S = 0.005

Step = Callable[[], bool]
"""Do a slice of work; True if there is more."""


class FairQueue:
    """The queued work of one engine's clients, served round-robin."""

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(READ_BYTES))
        self._steps: deque[Step] = deque()
        self._is_running = False

    def __repr__(self) -> str:
        return f"<FairQueue waiting={len(self._steps)}>"

    def add(self, step: Step) -> None:
        """Have `step` called until it returns False, each time after those before it. What it raises is logged."""
        self._steps.append(step)
        if not self._is_running:
            self._is_running = True
            asyncio.get_running_loop().call_soon(self._run_next)

    def _run_next(self) -> None:
        step = self._steps.popleft()
        began_s = time.perf_counter()
        if self._run(step):
            self._steps.append(step)
        took_s = time.perf_counter() - began_s
        self._is_running = bool(self._steps)
        if self._is_running:
            loop = asyncio.get_running_loop()
            loop.call_later(took_s, self._run_next) if took_s > SLICE_S else loop.call_soon(self._run_next)

    def _run(self, step: Step) -> bool:
        try:
            return step()
        except Exception:
            log.exception("a slice of work failed")
            return False


class ReadThrottle(asyncio.BufferedProtocol):
    """Takes the place of a transport's protocol, and passes what is read on to it slice by slice.

    Nothing more is read before all of it is passed on, so that the client's own network holds the rest.
    """

    def __init__(self, queue: FairQueue, transport: asyncio.Transport, protocol: Any) -> None:
        """Replace `protocol`, which must be buffered, on `transport`."""
        self._queue = queue
        self._transport = transport
        self._protocol = protocol
        self._pending = memoryview(b"")
        transport.set_protocol(self)

    # Transport callbacks

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._queue.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if nbytes <= SLICE_BYTES:
            feed(self._protocol, self._queue.buffer[:nbytes])
            return
        self._pending = memoryview(bytes(self._queue.buffer[:nbytes]))
        self._transport.pause_reading()
        self._queue.add(self._pass_on)

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

    # The queue's step

    def _pass_on(self) -> bool:
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
