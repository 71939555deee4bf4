"""A place at a Redis or Valkey server's publish/subscribe that is kept: lost, it is taken again.

What is said while there is none is dropped and counted. A connection may also die in silence, in either direction: so
the link says its pulse every `pulse_s`, and expects to hear it. When several in a row have not come back it is deaf,
and connects anew. Pulses are counted, not seconds, so a process that stood still does not blame Redis.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Any, Final

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = logging.getLogger("ordercast.hub")

PULSE_S: Final = 1.0
# Two may be late behind a burst of traffic; three are a silence.
PULSES_MISSED_MAX: Final = 3
CONNECT_S_MAX: Final = 5.0
RETRY_S_MIN: Final = 0.1
RETRY_S_MAX: Final = 5.0
# What may wait for a slow Redis: some ten thousand positions; fleeting, and old by then.
OUTBOX_BYTES_MAX: Final = 8_000_000
# Said in one write, and answered in one read.
BATCH_MAX: Final = 256
CLOSE_S_MAX: Final = 1.0

Hear = Callable[[str, bytes], None]


class LinkState(StrEnum):
    UP = "up"
    """Our pulse came back."""
    AWAY = "away"
    """Not connected, or not for long enough to know."""
    DEAF = "deaf"
    """Connected, and our pulse does not come back."""


class Deaf(Exception):
    def __init__(self) -> None:
        super().__init__(f"{PULSES_MISSED_MAX} pulses have not come back")


class RedisLink:
    """One publishing and one subscribing connection; `hear` is called in the loop with each channel and message."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        hear: Hear,
        pulse: tuple[str, bytes],
        channels: Iterable[str] = (),
        patterns: Iterable[str] = (),
        pulse_s: float = PULSE_S,
    ) -> None:
        """Raises ValueError for a URL that is none. `pulse` is the channel and the message, which is ours alone."""
        retry = Retry(NoBackoff(), 0)  # said again, it might be heard twice
        self._pool = ConnectionPool.from_url(url, retry=retry, protocol=2, socket_timeout=None)
        self._name = name
        self._hear = hear
        self._pulse = pulse
        self._channels = (pulse[0], *channels)
        self._patterns = tuple(patterns)
        self._pulse_s = pulse_s
        self._outbox: deque[tuple[str, bytes]] = deque()
        self._outbox_bytes = 0
        self._has_news = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._dropped_told = 0
        self.up = asyncio.Event()
        """Set while the state is UP."""
        self.state = LinkState.AWAY
        self.dropped = 0
        """Messages that were not said, or may not have been."""
        self.pulses = 0
        """Said so far: a clock that stands still with the process, and while the link is away."""
        self._heard_pulse = 0

    def __repr__(self) -> str:
        return f"<RedisLink {self._name} {self.state} waiting={len(self._outbox)} dropped={self.dropped}>"

    # Its life

    def start(self) -> None:
        """Begin to connect, in the running loop."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """Say what still waits, and end."""
        task, self._task = self._task, None
        if task is None:
            return
        if self.state is LinkState.UP:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S_MAX):
                    await self._is_idle.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        self.state = LinkState.AWAY
        self.up.clear()

    # Saying

    def say(self, channel: str, message: bytes) -> None:
        """Publish, in order and at most once. Neither blocks nor raises: what cannot be said is dropped."""
        if self.state is LinkState.UP and self._outbox_bytes + len(message) <= OUTBOX_BYTES_MAX:
            self._queue(channel, message)
        else:
            self.drop()

    def drop(self) -> None:
        """Count a message that cannot be said."""
        self.dropped += 1
        if self.state is LinkState.UP and self._dropped_told == self.dropped - 1:
            log.warning("%s: said too fast for Redis; dropping", self._name)

    def say_pulse(self) -> None:
        """Let everybody who listens know that we are there."""
        self._queue(*self._pulse)

    def _queue(self, channel: str, message: bytes) -> None:
        self._outbox.append((channel, message))
        self._outbox_bytes += len(message)
        self._is_idle.clear()
        self._has_news.set()

    # One connection after another

    async def _keep(self) -> None:
        while True:
            try:
                await self._live()
            except* (RedisError, OSError, Deaf) as group:
                self._lost(group.exceptions[0])
            except* Exception as group:
                log.exception("%s: unexpected", self._name)
                self._lost(group.exceptions[0])
            await asyncio.sleep(self._retry_s())

    async def _live(self) -> None:
        """Connect and serve until something fails, which is raised."""
        listening, speaking = self._connection(), self._connection()
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                await self._subscribe(listening)
                await speaking.connect()  # type: ignore[no-untyped-call]
            self._heard_pulse = self.pulses
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(listening))
                tasks.create_task(self._speak(speaking))
                tasks.create_task(self._beat())
        finally:
            self._forget_outbox()
            for connection in (listening, speaking):
                await connection.disconnect(nowait=True)

    def _connection(self) -> AbstractConnection:
        return self._pool.connection_class(**self._pool.connection_kwargs)

    def _retry_s(self) -> float:
        """Longer from time to time, and not the same for all: they must not come back at once."""
        self._failures += 1
        return random.uniform(0.5, 1.0) * min(RETRY_S_MAX, RETRY_S_MIN * 2.0 ** min(self._failures, 16))

    async def _subscribe(self, connection: AbstractConnection) -> None:
        await connection.connect()  # type: ignore[no-untyped-call]
        for command, names in (("SUBSCRIBE", self._channels), ("PSUBSCRIBE", self._patterns)):
            if names:
                await connection.send_command(command, *names)
            for _ in names:
                await connection.read_response()

    async def _listen(self, connection: AbstractConnection) -> None:
        while True:
            self._receive(await connection.read_response())

    def _receive(self, reply: Any) -> None:
        match reply:
            case [b"message", bytes(channel), bytes(message)] | [b"pmessage", _, bytes(channel), bytes(message)]:
                name = channel.decode(errors="replace")
                if (name, message) == self._pulse:
                    self._pulse_came_back()
                try:
                    self._hear(name, message)
                except Exception:
                    log.exception("%s: could not take what came by %s", self._name, name)
            case _:
                pass  # the confirmation of a subscription

    async def _speak(self, connection: AbstractConnection) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            while self._outbox:
                batch = [self._outbox.popleft() for _ in range(min(BATCH_MAX, len(self._outbox)))]
                await self._publish(connection, batch)
                self._outbox_bytes -= sum(len(message) for _, message in batch)
            self._is_idle.set()

    async def _publish(self, connection: AbstractConnection, batch: Sequence[tuple[str, bytes]]) -> None:
        done = 0
        try:
            await connection.send_packed_command(connection.pack_commands([("PUBLISH", *said) for said in batch]))
            for done in range(1, len(batch) + 1):  # noqa: B007 - how many of them, if one fails
                await connection.read_response()
        finally:
            self._count_dropped(batch[done:])

    async def _beat(self) -> None:
        while True:
            if self.pulses - self._heard_pulse >= PULSES_MISSED_MAX:
                raise Deaf
            self.pulses += 1
            self.say_pulse()
            await asyncio.sleep(self._pulse_s)

    # What is known of it

    def _pulse_came_back(self) -> None:
        self._heard_pulse = self.pulses
        if self.state is LinkState.UP:
            return
        self.state = LinkState.UP
        self.up.set()
        self._failures = 0
        log.info("%s: up; dropped meanwhile: %d", self._name, self.dropped - self._dropped_told)
        self._dropped_told = self.dropped

    def _lost(self, cause: Exception) -> None:
        is_news = self.state is LinkState.UP or self._failures == 0
        self.state = LinkState.DEAF if isinstance(cause, Deaf) else LinkState.AWAY
        self.up.clear()
        if is_news:
            log.warning("%s: %s (%s: %s); connecting anew", self._name, self.state, type(cause).__name__, cause)

    def _forget_outbox(self) -> None:
        self._count_dropped(self._outbox)
        self._outbox.clear()
        self._outbox_bytes = 0
        self._has_news.clear()
        self._is_idle.set()

    def _count_dropped(self, unsaid: Iterable[tuple[str, bytes]]) -> None:
        self.dropped += sum(said != self._pulse for said in unsaid)
