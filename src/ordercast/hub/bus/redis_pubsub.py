"""Two connections to a Redis or Valkey server, one to publish and one to subscribe; lost, they are made again.

What is published while there is none is dropped and counted. A connection may also die in silence, in either direction:
so a heartbeat is published every `heartbeat_s`, and expected back by the subscription. When several in a row have not
come back the heartbeat is lost, and both connections are made anew. Heartbeats are counted, not seconds, so a process
that stood still does not blame Redis.
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

HEARTBEAT_S: Final = 1.0
# Two may be late behind a burst of traffic; three are a silence.
HEARTBEATS_MISSED_MAX: Final = 3
CONNECT_S_MAX: Final = 5.0
RETRY_S_MIN: Final = 0.1
RETRY_S_MAX: Final = 5.0
# What may wait for a slow Redis: some ten thousand positions; fleeting, and old by then.
OUTBOX_BYTES_MAX: Final = 8_000_000
# Published in one write, and answered in one read.
BATCH_MAX: Final = 256
CLOSE_S_MAX: Final = 1.0

OnMessage = Callable[[str, bytes], None]


class PubSubState(StrEnum):
    """Whether messages are carried now."""

    UP = "up"
    """Our heartbeat came back."""
    AWAY = "away"
    """Not connected, or not for long enough to know."""
    HEARTBEAT_LOST = "deaf"
    """Connected, and our heartbeat does not come back. By this word readiness has always shown it."""


class HeartbeatLost(Exception):
    """Several heartbeats in a row have not come back."""

    def __init__(self) -> None:
        super().__init__(f"{HEARTBEATS_MISSED_MAX} heartbeats have not come back")


class RedisPubSub:
    """`on_message` is called in the loop with channel and message of everything that the subscription brings."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        on_message: OnMessage,
        heartbeat: tuple[str, bytes],
        channels: Iterable[str] = (),
        patterns: Iterable[str] = (),
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        """Raises ValueError for a URL that is none. `heartbeat` is a channel, and a message that is ours alone."""
        retry = Retry(NoBackoff(), 0)  # published again, it might be received twice
        self._pool = ConnectionPool.from_url(url, retry=retry, protocol=2, socket_timeout=None)
        self._name = name
        self._on_message = on_message
        self._heartbeat = heartbeat
        self._channels = (heartbeat[0], *channels)
        self._patterns = tuple(patterns)
        self._heartbeat_s = heartbeat_s
        self._outbox: deque[tuple[str, bytes]] = deque()
        self._outbox_bytes = 0
        self._is_queued = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._dropped_logged = 0
        self.up = asyncio.Event()
        """Set while the state is UP."""
        self.state = PubSubState.AWAY
        self.dropped = 0
        """Messages that were not published, or may not have been."""
        self.heartbeats = 0
        """Published so far: a clock that stands still with the process, and while there is no connection."""
        self._last_heartbeat = 0

    def __repr__(self) -> str:
        return f"<RedisPubSub {self._name} {self.state} waiting={len(self._outbox)} dropped={self.dropped}>"

    # Its life

    def start(self) -> None:
        """Begin to connect, in the running loop."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """Publish what still waits, and end."""
        task, self._task = self._task, None
        if task is None:
            return
        if self.state is PubSubState.UP:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S_MAX):
                    await self._is_idle.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        self.state = PubSubState.AWAY
        self.up.clear()

    # Publishing

    def publish(self, channel: str, message: bytes) -> None:
        """Publish, in order and at most once. Neither blocks nor raises: what cannot be published is dropped."""
        if self.state is PubSubState.UP and self._outbox_bytes + len(message) <= OUTBOX_BYTES_MAX:
            self._queue(channel, message)
        else:
            self.drop()

    def drop(self) -> None:
        """Count a message that cannot be published."""
        self.dropped += 1
        if self.state is PubSubState.UP and self._dropped_logged == self.dropped - 1:
            log.warning("%s: published too fast for Redis; dropping", self._name)

    def publish_heartbeat(self) -> None:
        """Let every subscriber know that we are there."""
        self._queue(*self._heartbeat)

    def _queue(self, channel: str, message: bytes) -> None:
        self._outbox.append((channel, message))
        self._outbox_bytes += len(message)
        self._is_idle.clear()
        self._is_queued.set()

    # One connection after another

    async def _keep(self) -> None:
        while True:
            try:
                await self._live()
            except* (RedisError, OSError, HeartbeatLost) as group:
                self._lost(group.exceptions[0])
            except* Exception as group:
                log.exception("%s: unexpected", self._name)
                self._lost(group.exceptions[0])
            await asyncio.sleep(self._retry_s())

    async def _live(self) -> None:
        """Connect and serve until something fails, which is raised."""
        subscriber, publisher = self._connection(), self._connection()
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                await self._subscribe(subscriber)
                await publisher.connect()  # type: ignore[no-untyped-call]
            self._last_heartbeat = self.heartbeats
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(subscriber))
                tasks.create_task(self._write(publisher))
                tasks.create_task(self._send_heartbeats())
        finally:
            self._forget_outbox()
            for connection in (subscriber, publisher):
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

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            self._receive(await connection.read_response())

    def _receive(self, reply: Any) -> None:
        match reply:
            case [b"message", bytes(channel), bytes(message)] | [b"pmessage", _, bytes(channel), bytes(message)]:
                name = channel.decode(errors="replace")
                if (name, message) == self._heartbeat:
                    self._heartbeat_came_back()
                try:
                    self._on_message(name, message)
                except Exception:
                    log.exception("%s: could not take what came by %s", self._name, name)
            case _:
                pass  # the confirmation of a subscription

    async def _write(self, connection: AbstractConnection) -> None:
        while True:
            await self._is_queued.wait()
            self._is_queued.clear()
            while self._outbox:
                batch = [self._outbox.popleft() for _ in range(min(BATCH_MAX, len(self._outbox)))]
                await self._publish(connection, batch)
                self._outbox_bytes -= sum(len(message) for _, message in batch)
            self._is_idle.set()

    async def _publish(self, connection: AbstractConnection, batch: Sequence[tuple[str, bytes]]) -> None:
        done = 0
        try:
            await connection.send_packed_command(connection.pack_commands([("PUBLISH", *each) for each in batch]))
            for done in range(1, len(batch) + 1):  # noqa: B007 - how many of them, if one fails
                await connection.read_response()
        finally:
            self._count_dropped(batch[done:])

    async def _send_heartbeats(self) -> None:
        while True:
            if self.heartbeats - self._last_heartbeat >= HEARTBEATS_MISSED_MAX:
                raise HeartbeatLost
            self.heartbeats += 1
            self.publish_heartbeat()
            await asyncio.sleep(self._heartbeat_s)

    # What is known of it

    def _heartbeat_came_back(self) -> None:
        self._last_heartbeat = self.heartbeats
        if self.state is PubSubState.UP:
            return
        self.state = PubSubState.UP
        self.up.set()
        self._failures = 0
        log.info("%s: up; dropped meanwhile: %d", self._name, self.dropped - self._dropped_logged)
        self._dropped_logged = self.dropped

    def _lost(self, cause: Exception) -> None:
        is_news = self.state is PubSubState.UP or self._failures == 0
        self.state = PubSubState.HEARTBEAT_LOST if isinstance(cause, HeartbeatLost) else PubSubState.AWAY
        self.up.clear()
        if is_news:
            log.warning("%s: %s (%s: %s); connecting anew", self._name, self.state, type(cause).__name__, cause)

    def _forget_outbox(self) -> None:
        self._count_dropped(self._outbox)
        self._outbox.clear()
        self._outbox_bytes = 0
        self._is_queued.clear()
        self._is_idle.set()

    def _count_dropped(self, unpublished: Iterable[tuple[str, bytes]]) -> None:
        self.dropped += sum(each != self._heartbeat for each in unpublished)
