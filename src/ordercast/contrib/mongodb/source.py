"""Follows one collection for ever: a snapshot first, then its changes, from wherever the last process was."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from pymongo.errors import PyMongoError

from ordercast import telemetry
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import StoreError, Transaction, mirrored
from ordercast.db.mirrored import OvertakenError, SourcePosition

from .kept_documents import KeptDocuments
from .reading import (
    SILENCE_S_MAX,
    STREAM_CHANGES,
    ForeignChange,
    ForeignCollection,
    HistoryLost,
    SnapshotBatch,
    Stream,
    StreamEnded,
    change_of,
    sentence,
    telling_loss,
)
from .values import to_extended_json

log = logging.getLogger("ordercast.feed")

T = TypeVar("T")

# After a failure: soon enough that a server which changes its primary is hardly missed, rarely enough to burn nothing.
RETRY_S_FIRST: Final = 0.1
RETRY_S_MAX: Final = 10.0
# Where nothing happens the place moves on all the same, or the server would forget where we were.
POSITION_EVERY_S: Final = 5.0
# Changes that were read and wait to be written.
READ_AHEAD_MAX: Final = 2 * STREAM_CHANGES


class SourceStore(Protocol):
    """The part of a store that is needed here; see ``db.Store``."""

    async def write(self, unit: Callable[[Transaction], T]) -> T: ...


@dataclass(frozen=True, slots=True)
class Read:
    """The next event, or that there is none; and the place behind it."""

    change: ForeignChange | None
    token: str


class MongoSource:
    """Brings a collection's changes to `store`, as `kept` has it. Only one may follow a collection at a time: of two,
    each takes back what it did behind the other's back, so nothing is delivered twice, but neither gets on well.
    """

    def __init__(
        self, store: SourceStore, url: str, kept: KeptDocuments, *, collection: str, now: Callable[[], Timestamp]
    ) -> None:
        self.name = kept.source
        self.state = "connecting"
        """``up`` when changes are followed; or ``connecting``, ``snapshot``, ``resyncing``, ``stopped``."""
        self.trouble = ""
        """Why it is not followed, a clause; empty where it is, or nothing was tried."""
        self._store = store
        self._url = url
        self._collection = collection
        self._kept = kept
        self._now = now
        self._failures = 0

    def __repr__(self) -> str:
        return f"<MongoSource {self.name} {self.state}>"

    async def run(self) -> None:
        """Follow the collection until cancelled, whatever happens to it."""
        orders = ForeignCollection(self._url, self._collection)
        try:
            while True:
                stop_if_cancelled()
                await self._attempt(orders)
        finally:
            self.state = "stopped"
            await orders.close()

    async def _attempt(self, orders: ForeignCollection) -> None:
        try:
            await self._follow(orders)
        except HistoryLost as error:
            log.warning("%s: history was lost (%s); reading the collection anew", self.name, error)
            await self._lose()
        except StreamEnded:
            self.state = "connecting"
        except (PyMongoError, StoreError, OvertakenError, TimeoutError, OSError) as error:
            self.state = "connecting"
            self.trouble = sentence(error)
            log.warning("%s: %s: %s; trying again", self.name, type(error).__name__, self.trouble)
        except Exception as error:
            self.state = "connecting"
            self.trouble = f"{type(error).__name__}, see the log"
            log.exception("%s cannot be followed; trying again", self.name)
        self._failures += 1
        delay_s = min(RETRY_S_MAX, RETRY_S_FIRST * 2 ** min(self._failures - 1, 10))
        await asyncio.sleep(delay_s * random.uniform(0.5, 1))

    async def _lose(self) -> None:
        self.state = "resyncing"
        with suppress(StoreError, OvertakenError):
            position = await self._position()
            await self._write(lambda t, now: self._kept.begin_snapshot(t, position, lost=True, now=now))

    async def _follow(self, orders: ForeignCollection) -> None:
        position = await self._position()
        if position.phase != mirrored.STREAM:
            position = await self._take_snapshot(orders, position)
        async with orders.stream(position) as stream:
            self.state, self.trouble = "up", ""
            await self._take_changes(stream, position)

    async def _position(self) -> SourcePosition:
        return await self._store.write(lambda transaction: mirrored.position(transaction, self.name))

    async def _write(self, unit: Callable[[Transaction, Timestamp], T]) -> T:
        now = self._now()

        def run(transaction: Transaction) -> T:
            self._kept.begin_step()
            return unit(transaction, now)

        result = await self._store.write(run)
        self._kept.step_saved()
        return result

    # --- Snapshot ---------------------------------------------------------------------------------------------------

    async def _take_snapshot(self, orders: ForeignCollection, position: SourcePosition) -> SourcePosition:
        """Read the whole collection, from where a former attempt was if there was one."""
        async with orders.stream():
            pass  # a server that has no change streams, or no rights for us, answers so before anything is written
        kept = self._kept
        if position.phase == mirrored.NEW:
            begun = position
            position = await self._write(lambda t, now: kept.begin_snapshot(t, begun, lost=False, now=now))
        self.state = "resyncing" if position.lost else "snapshot"
        piece = await orders.piece(position.after_key)
        while piece.documents:
            stop_if_cancelled()
            position = await self._take_piece(position, piece)
            piece = await orders.piece(position.after_key)
        passed = await self._write(lambda t, now: kept.pass_piece(t, position, piece, now=now))
        return await self._end_snapshot(passed)

    async def _take_piece(self, position: SourcePosition, piece: SnapshotBatch) -> SourcePosition:
        """Write documents and how far they reach; as with changes, one that cannot be written is left out."""
        try:
            return await self._write(lambda t, now: self._kept.take_piece(t, position, piece, now=now))
        except (StoreError, OvertakenError):
            raise
        except Exception:  # noqa: BLE001 - logged with the one document that it is about
            if len(piece.documents) == 1:
                self._leave_out(to_extended_json(piece.documents[0]["_id"]))
                return await self._write(lambda t, now: self._kept.pass_piece(t, position, piece, now=now))
        for document in piece.documents:
            position = await self._take_piece(position, replace(piece, documents=[document]))
        return position

    async def _end_snapshot(self, position: SourcePosition) -> SourcePosition:
        more = True
        while more:
            before = position
            position, more = await self._write(
                lambda t, now, at=before: self._kept.miss_unseen(t, at, now=now)  # type: ignore[misc]
            )
        ended = await self._write(lambda t, now: self._kept.end_snapshot(t, position, now=now))
        log.info("%s: the collection has been read", self.name)
        return ended

    # --- Stream -----------------------------------------------------------------------------------------------------

    async def _take_changes(self, stream: Stream, position: SourcePosition) -> None:
        """Write what is read for as long as anything can be read; what is read meanwhile is written together."""
        queue: asyncio.Queue[Read | Exception] = asyncio.Queue(READ_AHEAD_MAX)
        reader = asyncio.create_task(_read(stream, position.starts_at or "", queue))
        clock = asyncio.get_running_loop().time
        saved_at = clock()
        try:
            while True:
                stop_if_cancelled()
                read, error = await _next_of(queue)
                has_changes = any(one.change is not None for one in read)
                is_due = error is not None or clock() - saved_at >= POSITION_EVERY_S
                if has_changes or (read and is_due):
                    position = await self._take(position, read)
                    saved_at = clock()
                if error is not None:
                    raise error
                self._failures = 0
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader

    async def _take(self, position: SourcePosition, read: Sequence[Read]) -> SourcePosition:
        """Write changes and the place behind them together. One that cannot be written whatever is done is left out,
        logged and counted: it must not stop those behind it.
        """
        changes, token = [one.change for one in read if one.change is not None], read[-1].token
        try:
            return await self._write(lambda t, now: self._kept.take_changes(t, position, changes, token, now=now))
        except (StoreError, OvertakenError):
            raise
        except Exception:
            if not changes:
                raise
            if len(read) == 1:
                self._leave_out(changes[0].key)
                return await self._take(position, [Read(None, token)])
        for one in read:
            position = await self._take(position, [one])
        return position

    def _leave_out(self, key: str) -> None:
        telemetry.SOURCE_DOCUMENTS_UNTOLD.inc()
        self._kept.left_out()
        log.exception("%s: the change to %s cannot be applied", self.name, key)


def stop_if_cancelled() -> None:
    """Until Python 3.12, `asyncio.wait_for` may swallow a cancellation, and the driver connects by it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _read(stream: Stream, begun_at: str, queue: asyncio.Queue[Read | Exception]) -> None:
    """Put what comes into the queue, and at the end why no more does. `begun_at` is when the snapshot before it was."""
    try:
        while True:
            async with asyncio.timeout(SILENCE_S_MAX):
                with telling_loss():
                    event = await stream.try_next()
            stop_if_cancelled()
            token = to_extended_json(stream.resume_token)
            await queue.put(Read(None if event is None else change_of(event, begun_at), token))
            if not stream.alive:
                raise StreamEnded
    except Exception as error:  # noqa: BLE001 - raised by whoever takes it from the queue
        await queue.put(error)


async def _next_of(queue: asyncio.Queue[Read | Exception]) -> tuple[list[Read], Exception | None]:
    """What waits in the queue, at least one of it; an error comes last."""
    read: list[Read] = []
    item = await queue.get()
    while not isinstance(item, Exception):
        read.append(item)
        if len(read) == STREAM_CHANGES or queue.empty():
            return read, None
        item = queue.get_nowait()
    return read, item
