"""The bus between nodes by PostgreSQL's LISTEN and NOTIFY, for shops without Redis.

`hub.bus` has the port's contract. Messages are batched and notified in one transaction, in parts of a notification's
size: twenty small commits a second per node at most. Enough for presence, typing and a few positions; with a fleet of
drivers use Redis.

A node also receives its own notifications: by its heartbeat it knows that it is connected. Behind a transaction pooler
nothing comes back; then all is dropped, as without the database, and a node knows its own sockets only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

import msgspec
import psycopg

from ordercast.db.postgresql.connection import connection_parameters, interrupt

log = logging.getLogger("ordercast.app")

CHANNEL: Final = "ordercast_bus"
HEARTBEAT_S: Final = 1.0
# Two may be delayed by a burst.
HEARTBEATS_MISSED_MAX: Final = 3
# Batching interval: each batch is a commit that all notifiers queue for; the delay is visible on other nodes.
PUBLISH_EVERY_S: Final = 0.05
# A notification has 7,999 bytes of text; base64 needs four for three.
PART_BYTES: Final = 5_700
MESSAGE_BYTES_MAX: Final = 2_000_000
# Outbox limit; older messages are ephemeral and stale.
OUTBOX_BYTES_MAX: Final = 4_000_000
CONNECT_S_MAX: Final = 5.0
RETRY_S_MIN: Final = 0.25
RETRY_S_MAX: Final = 5.0
CLOSE_S_MAX: Final = 1.0

_NOTIFY: Final = """
    SELECT pg_notify(%(channel)s, part) FROM unnest(%(parts)s::text[]) WITH ORDINALITY AS _ (part, n) ORDER BY n
"""
# Messages are ephemeral: no need for a synchronous commit.
_OPTIONS: Final = "-c synchronous_commit=off"


class _Batch(msgspec.Struct, array_like=True, frozen=True):
    messages: list[tuple[str, bytes]]
    """Each with its target node; empty for all."""
    leaves: bool = False


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Batch).decode


class _HeartbeatLost(Exception):
    pass


class PostgresqlBus:
    """A node's end, as a `hub.Bus`. A killed node is dropped after four `heartbeat_s` at most."""

    def __init__(self, url: str, *, name: str = "node", heartbeat_s: float = HEARTBEAT_S) -> None:
        """`name` is for people; a unique suffix is added."""
        self.node = f"{name}-{secrets.token_hex(6)}"
        self._url = url
        self._heartbeat_s = heartbeat_s
        self._receive: Callable[[bytes], None] = lambda _message: None
        self._outbox: list[tuple[str, bytes]] = []
        self._outbox_bytes = 0
        self._is_due = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._batches = 0
        self._drafts: dict[str, tuple[int, list[str]]] = {}
        """By node: an incomplete batch and its parts."""
        self._beats = 0
        """Counts heartbeats: stands still with the process, and without a connection."""
        self._beat_at_s = 0.0
        self._came_back = 0
        """Our last heartbeat that came back."""
        self._last_beats: dict[str, int] = {}
        """By node: our heartbeat number when it was last seen."""
        self.is_up = False
        """Whether messages are delivered now."""
        self.dropped = 0

    def __repr__(self) -> str:
        state = "up" if self.is_up else "away"
        return f"<PostgresqlBus {self.node} {state} others={len(self._last_beats)} dropped={self.dropped}>"

    # The port; see `hub.Bus`

    def open(self, receive: Callable[[bytes], None]) -> str:
        self._receive = receive
        return self.node

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep())

    def publish(self, message: bytes) -> None:
        self._queue("", message)

    def send(self, node: str, message: bytes) -> None:
        self._queue(node, message)

    async def others(self) -> Collection[str]:
        oldest = self._beats - HEARTBEATS_MISSED_MAX
        self._last_beats = {node: last for node, last in self._last_beats.items() if last >= oldest}
        return self._last_beats.keys()

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        if self.is_up:
            self._is_idle.clear()
            self._is_due.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S_MAX):
                    await self._is_idle.wait()
        self.is_up = False
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    # Publishing

    def _queue(self, node: str, message: bytes) -> None:
        is_small = len(message) <= MESSAGE_BYTES_MAX and self._outbox_bytes + len(message) <= OUTBOX_BYTES_MAX
        if not (self.is_up and is_small) or self._task is None:
            self.dropped += 1
            return
        self._outbox.append((node, message))
        self._outbox_bytes += len(message)
        self._is_due.set()

    def _take_batch(self) -> list[str]:
        """Take the next batch, as notifications."""
        messages, self._outbox, self._outbox_bytes = self._outbox, [], 0
        self._batches += 1
        return list(_parts(self.node, self._batches, _encode(_Batch(messages, leaves=self._task is None))))

    # One connection after another

    async def _keep(self) -> None:
        failures = 0
        while True:
            try:
                await self._live()
            except (psycopg.Error, OSError, _HeartbeatLost) as error:
                failures = 0 if self.is_up else failures + 1
                self._lost(error, is_news=self.is_up or failures == 1)
            except Exception:
                log.exception("the PostgreSQL bus failed; retrying")
            self.is_up = False
            self.dropped += len(self._outbox)
            self._outbox, self._outbox_bytes, self._drafts = [], 0, {}
            await asyncio.sleep(random.uniform(0.5, 1.0) * min(RETRY_S_MAX, RETRY_S_MIN * 2.0 ** min(failures, 16)))

    def _lost(self, cause: Exception, *, is_news: bool) -> None:
        if is_news:
            log.warning("bus %s: away (%s: %s); connecting anew", self.node, type(cause).__name__, cause)

    async def _live(self) -> None:
        """Connect and serve until an error, which is raised."""
        async with contextlib.AsyncExitStack() as connections:
            async with asyncio.timeout(CONNECT_S_MAX):
                listening = await connections.enter_async_context(await self._connect("listener"))
                notifying = await connections.enter_async_context(await self._connect("notifier"))
                await listening.execute(f"LISTEN {CHANNEL}")
            self._came_back, self._beat_at_s = self._beats, 0.0
            both = [asyncio.ensure_future(work) for work in (self._read(listening), self._write(notifying))]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                ended = next(task for task in both if task.done())
            finally:
                # Not cancel: psycopg would open a connection for that.
                interrupt(listening)
                interrupt(notifying)
                self._is_due.set()
                await asyncio.gather(*both, return_exceptions=True)
            ended.result()

    async def _connect(self, name: str) -> psycopg.AsyncConnection[Any]:
        parameters = connection_parameters(self._url, name=name, options=_OPTIONS)
        return await psycopg.AsyncConnection.connect(autocommit=True, **parameters)

    async def _write(self, connection: psycopg.AsyncConnection[Any]) -> None:
        now_s = asyncio.get_running_loop().time
        while True:
            left_s = self._beat_at_s - now_s()
            if left_s > 0 and not self._is_due.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left_s):
                        await self._is_due.wait()
            self._is_due.clear()
            if now_s() >= self._beat_at_s:
                self._beat_at_s = now_s() + self._heartbeat_s
                if self._beats - self._came_back >= HEARTBEATS_MISSED_MAX:
                    raise _HeartbeatLost("what is notified does not come back")
                self._beats += 1
            await self._notify(connection, self._take_batch())
            self._is_idle.set()
            await asyncio.sleep(PUBLISH_EVERY_S)

    async def _notify(self, connection: psycopg.AsyncConnection[Any], parts: list[str]) -> None:
        patience_s = HEARTBEATS_MISSED_MAX * self._heartbeat_s
        hang_up = asyncio.get_running_loop().call_later(patience_s, interrupt, connection)
        try:
            await connection.execute(_NOTIFY, {"channel": CHANNEL, "parts": parts})
        finally:
            hang_up.cancel()

    async def _read(self, connection: psycopg.AsyncConnection[Any]) -> None:
        async for notification in connection.notifies():
            self._take_part(notification.payload)

    # What comes

    def _take_part(self, payload: str) -> None:
        match payload.split(" "):
            case [node, batch, part, parts, text] if batch.isdecimal() and part.isdecimal() and parts.isdecimal():
                self._add_part(node, int(batch), int(part), int(parts), text)
            case _:
                log.error("notification not understood: %d bytes", len(payload))

    def _add_part(self, node: str, batch: int, part: int, parts: int, text: str) -> None:
        draft_batch, texts = self._drafts.get(node, (batch, []))
        if draft_batch != batch or part != len(texts):
            texts = []
        if part == len(texts):
            texts.append(text)
        self._drafts[node] = batch, texts
        if len(texts) == parts:
            del self._drafts[node]
            self._take(node, texts)

    def _take(self, node: str, texts: list[str]) -> None:
        try:
            batch = _decode(b"".join(map(b64decode, texts)))
        except (msgspec.DecodeError, ValueError) as error:
            log.error("notification not understood: %s", error)
            return
        if node == self.node:
            self._on_own_heartbeat()
            return
        if batch.leaves:
            self._last_beats.pop(node, None)
        else:
            self._is_alive(node)
        for to, message in batch.messages:
            if to in {"", self.node}:
                self._hand_on(message)

    def _hand_on(self, message: bytes) -> None:
        try:
            self._receive(message)
        except Exception:
            log.exception("could not take what came by the bus")

    def _on_own_heartbeat(self) -> None:
        self._came_back = self._beats
        if not self.is_up:
            self.is_up = True
            log.info("bus %s: up, by PostgreSQL", self.node)

    def _is_alive(self, node: str) -> None:
        if node not in self._last_beats:
            self._beat_at_s = 0.0  # so that it knows us at once
            self._is_due.set()
        self._last_beats[node] = self._beats


def _parts(node: str, batch: int, data: bytes) -> Iterator[str]:
    pieces = [data[at : at + PART_BYTES] for at in range(0, len(data), PART_BYTES)]
    for number, piece in enumerate(pieces):
        yield f"{node} {batch} {number} {len(pieces)} {b64encode(piece).decode()}"
