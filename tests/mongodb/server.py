"""The commands that drivers send, answered as a primary would; and what may go wrong with them, on demand."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from bson import Binary, Int64
from bson.timestamp import Timestamp as BsonTimestamp

from . import data as rules
from .data import Data, Document, Event, Key, Refused
from .wire import Request, read_request, reply

SET_NAME: Final = "stand-in"
SOURCE: Final = "ordercast"
BATCH_DEFAULT: Final = 101
AWAIT_MS_DEFAULT: Final = 1_000
# Of a place that no event has: the stream has been read up to here.
_INVALIDATE: Final = "invalidate"
_READING: Final = frozenset({"aggregate", "getMore", "find"})


@dataclass
class Stream:
    """The cursor of a change stream: what it watches and the last event that it has gone past."""

    where: Key
    seq: int
    expanded: bool
    closed: bool = False


class MongoStandIn:
    """Serves on a free loopback port in the running loop. `data` may be looked at, and written to, by the test."""

    def __init__(self) -> None:
        self.data = Data()
        self.port = 0
        self.asked: list[str] = []
        """The names of all commands, in their order."""
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.StreamWriter, str] = {}
        """With the name that the program at the other end gives itself."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._cursors: dict[int, Stream] = {}
        self._cursor_ids = itertools.count(1_000)
        self._grown = asyncio.Event()
        self._transactions: dict[tuple[bytes, int], list[Callable[[], None]]] = {}
        self._answered: dict[tuple[bytes, int], Document] = {}
        self._drop_in: int | None = None
        self._fail_next: list[tuple[str, Refused]] = []

    # --- Its life ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen; again on the same port if it has listened before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Refuse connections, and drop those that are there."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.drop_connections()

    async def close(self) -> None:
        self.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def url(self, database: str) -> str:
        return f"mongodb://127.0.0.1:{self.port}/{database}?replicaSet={SET_NAME}"

    # --- What goes wrong --------------------------------------------------------------------------------------------

    def drop_connections(self, program: str | None = None) -> None:
        """Reset those of a program that calls itself so, or all."""
        for writer, name in self._connections.items():
            if program is None or name == program:
                writer.transport.abort()

    def drop_in(self, answers: int) -> None:
        """Drop the source's connections instead of giving it that answer, from now on counted."""
        self._drop_in = answers

    def fail_next(self, command: str, code: int, name: str, *labels: str) -> None:
        self._fail_next.append((command, Refused(code, name, f"on demand: {name}", *labels)))

    def forget_history(self) -> None:
        """Let every stream that is not at its end be too late."""
        self.data.commit(lambda: None)
        self.data.forget_history()
        self._cursors.clear()
        self._wake()

    def drop_collection(self, database: str, collection: str) -> None:
        self.data.commit(lambda: self.data.drop((database, collection)))
        self._wake()

    # --- Connections ------------------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._connections[writer] = ""
        try:
            while True:
                request = await read_request(reader)
                if "client" in request.body:
                    self._connections[writer] = request.body["client"].get("application", {}).get("name", "")
                answer = await self._answer(request)
                if self._connections[writer] == SOURCE and self._is_time_to_drop(request):
                    self.drop_connections(SOURCE)
                    return
                if request.wants_answer:
                    writer.write(reply(request, answer))
                    await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or we are to go
        finally:
            self._tasks.discard(task)
            self._connections.pop(writer, None)
            writer.transport.abort()

    def _is_time_to_drop(self, request: Request) -> bool:
        if self._drop_in is None or next(iter(request.body)) not in _READING:
            return False
        self._drop_in -= 1
        if self._drop_in > 0:
            return False
        self._drop_in = None
        return True

    async def _answer(self, request: Request) -> Document:
        name = next(iter(request.body))
        self.asked.append(name)
        try:
            self._fail_if_wanted(name)
            answer = await self._perform(name, request.body)
        except Refused as refusal:
            answer = dict(refusal.document)
        cluster_time = {"clusterTime": self.data.now, "signature": {"hash": Binary(bytes(20)), "keyId": Int64(0)}}
        return {**answer, "$clusterTime": cluster_time, "operationTime": self.data.now}

    def _fail_if_wanted(self, name: str) -> None:
        for failure in self._fail_next:
            if failure[0] == name:
                self._fail_next.remove(failure)
                raise failure[1]

    async def _perform(self, name: str, body: Document) -> Document:
        match name.lower():
            case "hello" | "ismaster":
                return self._hello()
            case "ping" | "endsessions":
                return {"ok": 1.0}
            case "listcollections":
                return self._list(body)
            case "aggregate" | "getmore" | "find" | "killcursors":
                return await self._read(name, body)
        return self._write(name, body)

    async def _read(self, name: str, body: Document) -> Document:
        match name:
            case "find":
                return self._find(body)
            case "aggregate":
                return await self._aggregate(body)
            case "getMore":
                return await self._get_more(body)
        for cursor in body["cursors"]:
            self._cursors.pop(cursor, None)
        return {"ok": 1.0, "cursorsKilled": body["cursors"]}

    def _write(self, name: str, body: Document) -> Document:
        match name:
            case "insert" | "update" | "delete":
                return self._write_once(name, body)
            case "commitTransaction" | "abortTransaction":
                return self._end_transaction(name, body)
            case "create":
                self.data.create((body["$db"], body[name]))
                return {"ok": 1.0}
            case "drop":
                self.drop_collection(body["$db"], body[name])
                return {"ok": 1.0}
        raise Refused(59, "CommandNotFound", f"no such command: '{name}'")

    def _hello(self) -> Document:
        me = f"127.0.0.1:{self.port}"
        return {
            "helloOk": True, "isWritablePrimary": True, "ismaster": True, "secondary": False, "setName": SET_NAME,
            "setVersion": 1, "hosts": [me], "primary": me, "me": me, "minWireVersion": 0, "maxWireVersion": 25,
            "maxBsonObjectSize": 16 * 1024 * 1024, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000,
            "logicalSessionTimeoutMinutes": 30, "readOnly": False, "ok": 1.0,
        }  # fmt: skip

    # --- Writing ----------------------------------------------------------------------------------------------------

    def _write_once(self, name: str, body: Document) -> Document:
        """A write that the driver sends again, since the answer was lost, is answered and not done again."""
        in_transaction = body.get("autocommit") is False
        number = _number_of(body) if "txnNumber" in body else None
        if number is not None and not in_transaction and number in self._answered:
            return self._answered[number]
        where = (body["$db"], body[name])
        writes, answer = getattr(self, f"_{name}")(where, body)
        if in_transaction:
            assert number is not None
            waiting = self._transactions.setdefault(number, [])
            waiting.extend(writes)
            return {"ok": 1.0, **answer}
        for write in writes:
            self.data.commit(write)
        self._wake()
        if number is not None:
            self._answered[number] = {"ok": 1.0, **answer}
        return {"ok": 1.0, **answer}

    def _end_transaction(self, name: str, body: Document) -> Document:
        writes = self._transactions.pop(_number_of(body), [])

        def run() -> None:
            for write in writes:
                write()

        if name == "commitTransaction":
            self.data.commit(run)
            self._wake()
        return {"ok": 1.0}

    def _insert(self, where: Key, body: Document) -> tuple[list[Callable[[], None]], Document]:
        documents: list[Document] = body["documents"]
        return [partial(self.data.insert, where, document) for document in documents], {"n": len(documents)}

    def _update(self, where: Key, body: Document) -> tuple[list[Callable[[], None]], Document]:
        writes: list[Callable[[], None]] = []
        found = 0
        for update in body["updates"]:
            for document in self._meant(where, update["q"], many=update.get("multi", False)):
                found += 1
                writes.append(partial(self._change, where, document["_id"], update["u"]))
        return writes, {"n": found, "nModified": found}

    def _change(self, where: Key, id_: Any, asked: Any) -> None:
        document = self.data.get(where, id_)
        if document is None:
            return
        if next(iter(asked), "").startswith("$"):
            self.data.update(where, rules.asked_for(document, asked))
        else:
            self.data.replace(where, {"_id": id_, **asked})

    def _delete(self, where: Key, body: Document) -> tuple[list[Callable[[], None]], Document]:
        meant = [d["_id"] for one in body["deletes"] for d in self._meant(where, one["q"], many=one["limit"] == 0)]
        return [partial(self.data.delete, where, id_) for id_ in meant], {"n": len(meant)}

    def _meant(self, where: Key, asked: Document, *, many: bool) -> list[Document]:
        found = [document for document in self.data.documents(where) if rules.matches(document, asked)]
        return found if many else found[:1]

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()

    # --- Reading ----------------------------------------------------------------------------------------------------

    def _list(self, body: Document) -> Document:
        names = [{"name": name, "type": "collection"} for name in self.data.collections(body["$db"])]
        cursor = {"id": Int64(0), "ns": f"{body['$db']}.$cmd.listCollections", "firstBatch": names}
        return {"cursor": cursor, "ok": 1.0}

    def _find(self, body: Document) -> Document:
        where = (body["$db"], body["find"])
        at = None
        if body.get("readConcern", {}).get("level") == "snapshot":
            at = body["readConcern"].get("atClusterTime", self.data.now)
        found = [d for d in self.data.documents(where, at) if rules.matches(d, body.get("filter", {}))]
        limit = body.get("limit") or len(found)
        size = min(limit, body.get("batchSize", BATCH_DEFAULT))
        if len(found) > size and not body.get("singleBatch") and limit > size:
            raise Refused(2, "BadValue", "the stand-in gives one batch")
        cursor: Document = {"id": Int64(0), "ns": ".".join(where), "firstBatch": found[:size]}
        if at is not None:
            cursor["atClusterTime"] = at
        return {"cursor": cursor, "ok": 1.0}

    async def _aggregate(self, body: Document) -> Document:
        options = body["pipeline"][0].get("$changeStream")
        if options is None or len(body["pipeline"]) > 1:
            raise Refused(40324, "Location40324", "the stand-in knows $changeStream alone")
        where = (body["$db"], body["aggregate"])
        stream = Stream(where, self._start_of(options), options.get("showExpandedEvents", False))
        cursor = Int64(next(self._cursor_ids))
        self._cursors[cursor] = stream
        size = body.get("cursor", {}).get("batchSize", BATCH_DEFAULT)
        return {"cursor": self._batch(cursor, stream, size, "firstBatch"), "ok": 1.0}

    def _start_of(self, options: Document) -> int:
        if (token := options.get("resumeAfter") or options.get("startAfter")) is not None:
            seq, at, kind = _place_of(token)
            if kind == _INVALIDATE and "startAfter" not in options:
                raise Refused(260, "InvalidResumeToken", "Attempting to resume a change stream using 'resumeAfter'")
            self._check_history(at)
            return seq
        since = options.get("startAtOperationTime")
        if since is None:
            return self.data.newest_seq
        self._check_history(since)
        return max((event.seq for event in self.data.log if event.at < since), default=0)

    def _check_history(self, at: BsonTimestamp) -> None:
        if at < self.data.forgotten:
            message = "Resume of change stream was not possible, as the resume point may no longer be in the oplog."
            raise Refused(286, "ChangeStreamHistoryLost", message, "NonResumableChangeStreamError")

    async def _get_more(self, body: Document) -> Document:
        cursor = body["getMore"]
        deadline = time.monotonic() + body.get("maxTimeMS", AWAIT_MS_DEFAULT) / 1000
        while True:
            stream = self._cursors.get(cursor)
            if stream is None:
                raise Refused(43, "CursorNotFound", f"cursor id {cursor} not found", "ResumableChangeStreamError")
            grown = self._grown
            batch = self._batch(cursor, stream, body.get("batchSize", BATCH_DEFAULT), "nextBatch")
            left_s = deadline - time.monotonic()
            if batch["nextBatch"] or left_s <= 0:
                return {"cursor": batch, "ok": 1.0}
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(grown.wait(), left_s)

    def _batch(self, cursor: int, stream: Stream, size: int, name: str) -> Document:
        found: list[Document] = []
        for event in self.data.log:
            if event.seq <= stream.seq:
                continue
            if len(found) == size or stream.closed:
                break
            stream.seq = event.seq
            if event.where == stream.where:
                found.append(self._shown(event, expanded=stream.expanded))
                stream.closed = event.operation == "invalidate"
        token = found[-1]["_id"] if stream.closed and found else _token(stream.seq, self._time_at(stream.seq))
        if stream.closed:
            self._cursors.pop(cursor, None)
        return {
            "id": Int64(0 if stream.closed else cursor), "ns": ".".join(stream.where), name: found,
            "postBatchResumeToken": token,
        }  # fmt: skip

    def _time_at(self, seq: int) -> BsonTimestamp:
        """How far the stream has seen: to the end, unless events are left."""
        left = next((event for event in self.data.log if event.seq > seq), None)
        if left is None:
            return self.data.now
        return next((event.at for event in reversed(self.data.log) if event.seq <= seq), self.data.forgotten)

    def _shown(self, event: Event, *, expanded: bool) -> Document:
        kind = _INVALIDATE if event.operation == "invalidate" else "event"
        fields = dict(event.fields)
        if "updateDescription" in fields and not expanded:
            fields["updateDescription"] = {
                name: value for name, value in fields["updateDescription"].items() if name != "disambiguatedPaths"
            }
        shown: Document = {"_id": _token(event.seq, event.at, kind), "operationType": event.operation}
        shown |= {"clusterTime": event.at, "wallTime": None}
        if event.operation != "invalidate":
            shown["ns"] = {"db": event.where[0], "coll": event.where[1]}
        return shown | fields


def _token(seq: int, at: BsonTimestamp, kind: str = "event") -> Document:
    return {"_data": f"{at.time:08X}{at.inc:08X}{seq:016X}{kind}"}


def _place_of(token: Document) -> tuple[int, BsonTimestamp, str]:
    try:
        data = token["_data"]
        return int(data[16:32], 16), BsonTimestamp(int(data[:8], 16), int(data[8:16], 16)), data[32:]
    except (KeyError, ValueError, TypeError):
        raise Refused(260, "InvalidResumeToken", "invalid resume token") from None


def _number_of(body: Document) -> tuple[bytes, int]:
    return bytes(body["lsid"]["id"]), int(body["txnNumber"])
