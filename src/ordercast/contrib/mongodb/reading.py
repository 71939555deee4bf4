"""Asking MongoDB: the collection piece by piece, each piece as of a known moment, and the stream of its changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from pymongo import AsyncMongoClient
from pymongo.asynchronous.change_stream import AsyncCollectionChangeStream
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from ordercast.db.mirrored import SourcePosition

from .values import CODEC, from_extended_json, time_of, timestamp_of, to_extended_json

Document = dict[str, Any]
Stream = AsyncCollectionChangeStream[Document]

SELECTION_MS_MAX: Final = 5_000
"""How long a server is looked for before it is called unreachable; a URL may say otherwise."""
AWAIT_MS: Final = 1_000
"""How long the server waits for a change before it answers that there is none."""
SILENCE_S_MAX: Final = 30.0
"""An answer that takes longer does not come any more: the way there has gone dead without a word."""
SNAPSHOT_DOCUMENTS: Final = 250
"""Documents read and committed at once: orders of the shop itself wait no longer than for that."""
STREAM_CHANGES: Final = 250

# Server 7.0, which says of a path with dots how it is meant.
_WIRE_OF_7_0: Final = 21

# ChangeStreamFatalError, ChangeStreamHistoryLost and InvalidResumeToken; a token of another cluster may be called
# unreadable; and a change too large for any answer, which would be met again at each attempt.
_LOST_CODES: Final = frozenset({280, 286, 260, 50811, 10334})


class StreamEnded(Exception):
    """The server sends no more on this stream; a new one goes on from there."""


class HistoryLost(Exception):
    """The stream cannot go on from where it was: only the collection itself has the present state."""


@dataclass(frozen=True, slots=True)
class SnapshotBatch:
    """Documents in the order of their ids, as they were at `as_of`; none behind the collection's last."""

    documents: list[Document]
    as_of: str


def database_of(url: str) -> str:
    """The database that a URL names. Raises ValueError for a URL that is none, or that names none."""
    if not url.startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("must start with mongodb:// or mongodb+srv://")
    try:
        # A name that must be looked up is not: that waits until the server is connected to.
        name = parse_uri(url)["database"] if url.startswith("mongodb://") else _path_of(url)
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise ValueError(f"is no URL of a MongoDB ({error})") from None
    if not name:
        raise ValueError("must name the database: mongodb://host/database?replicaSet=rs0")
    return str(name)


def _path_of(url: str) -> str:
    return url.partition("://")[2].partition("/")[2].partition("?")[0]


class ForeignCollection:
    """One collection of a replica set."""

    def __init__(self, url: str, collection: str) -> None:
        options: dict[str, Any] = {"appname": "ordercast"}
        if "serverselectiontimeoutms" not in url.lower():
            options["serverSelectionTimeoutMS"] = SELECTION_MS_MAX
        self._client: AsyncMongoClient[Document] = AsyncMongoClient(url, **options)
        self._database = self._client.get_database(database_of(url), codec_options=CODEC)
        self._collection = self._database.get_collection(collection)

    async def close(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SILENCE_S_MAX):
                await self._client.close()

    async def piece(self, after_key: str | None) -> SnapshotBatch:
        """The next documents behind one whose id is `after_key`, all as of one moment, which the server names."""
        # $expr compares ids of any type with any other; a plain $gt sees only those of its own.
        behind = {} if after_key is None else {"$expr": {"$gt": ["$_id", {"$literal": from_extended_json(after_key)}]}}
        async with asyncio.timeout(SILENCE_S_MAX):
            reply = await self._database.command(
                {
                    "find": self._collection.name,
                    "filter": behind,
                    "sort": {"_id": 1},
                    "limit": SNAPSHOT_DOCUMENTS,
                    "batchSize": SNAPSHOT_DOCUMENTS,
                    "singleBatch": True,
                    "readConcern": {"level": "snapshot"},
                },
                codec_options=CODEC,
            )
        # An answer is at most 16 MB: fewer documents than requested need not be the last.
        return SnapshotBatch(reply["cursor"]["firstBatch"], time_of(reply["cursor"]["atClusterTime"]))

    @asynccontextmanager
    async def stream(self, position: SourcePosition | None = None) -> AsyncIterator[Stream]:
        """The changes behind `position`, or from now on. Raises HistoryLost."""
        async with asyncio.timeout(SILENCE_S_MAX):
            options = await self._options(position)
            with telling_loss():
                stream: Stream = await self._collection.watch(**options)
        try:
            yield stream
        finally:
            with suppress(PyMongoError, TimeoutError):
                async with asyncio.timeout(1):
                    await stream.close()

    async def _options(self, position: SourcePosition | None) -> dict[str, Any]:
        hello = await self._database.command("hello")
        options: dict[str, Any] = {"max_await_time_ms": AWAIT_MS, "batch_size": STREAM_CHANGES}
        if hello["maxWireVersion"] >= _WIRE_OF_7_0:
            options["show_expanded_events"] = True
        if position is not None and position.token is not None:
            # Unlike resumeAfter it goes on behind the end of a collection that was dropped, too.
            options["start_after"] = from_extended_json(position.token)
        elif position is not None and position.starts_at is not None:
            options["start_at_operation_time"] = timestamp_of(position.starts_at)
        return options


class telling_loss:  # noqa: N801 - reads as the statement that it makes
    """Tells an error that no new attempt can mend from the others, as HistoryLost."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OperationFailure) and error.code in _LOST_CODES:
            raise HistoryLost(sentence(error)) from error


def sentence(error: Exception) -> str:
    """An error's message, without the whole answer that the driver puts behind it."""
    return str(error).partition(", full error")[0]


# --- Changes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ForeignChange:
    """One event of the stream that is about a document, and the place behind it."""

    operation: str
    """``insert``, ``replace``, ``update`` or ``delete``."""
    key: str
    at: str
    document: Document | None
    description: Mapping[str, Any] | None


OPERATIONS: Final = frozenset({"insert", "replace", "update", "delete"})


def change_of(event: Mapping[str, Any], begun_at: str) -> ForeignChange | None:
    """None for an event that is about no document, such as a new index. Raises HistoryLost for the end of a collection,
    unless the snapshot of `begun_at` has shown that already.
    """
    operation = event["operationType"]
    at = time_of(event["clusterTime"])
    if operation == "invalidate" and at > begun_at:
        raise HistoryLost("the collection was dropped or renamed")
    if operation not in OPERATIONS:
        return None
    key = to_extended_json(event["documentKey"]["_id"])
    return ForeignChange(operation, key, at, event.get("fullDocument"), event.get("updateDescription"))
