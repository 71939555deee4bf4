"""Any collection by a mapping file: each committed change is an event, once, in the order of its document."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bson import Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, MaxKey, ObjectId, Regex
from bson.timestamp import Timestamp as BsonTimestamp
from tests.waiting import until

from ordercast import attach
from ordercast.attach.mongodb import events as events_module
from ordercast.attach.mongodb.attaching import MongoAttaching
from ordercast.attach.mongodb.events import CollectionEvents
from ordercast.attach.suggestions import suggest
from ordercast.commerce.rooms import EVERYBODY
from ordercast.contrib.mongodb import Collections
from ordercast.contrib.mongodb import source as source_module
from ordercast.contrib.mongodb.kept_documents import KeptDocuments
from ordercast.contrib.mongodb.values import to_json
from ordercast.db import SqliteStore
from ordercast.db.postgresql.store import PostgresqlStore

from .conftest import Foreign, now

# A driver that is interrupted while it connects leaves its socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

OF_BOOKINGS = """
[[emit]]
table = "bookings"
on = "insert"
event = "booking_made"
rooms = ["store-owners", "customer_{customer._id}"]
[emit.payload]
id = "{_id}"
who = "{customer.name}"
where = "{place.city}"
price = "{price}"
note = "{note}"
at = "{no.5}: {slots.0.from}"

[[emit]]
table = "bookings"
on = ["update", "delete"]
changed = ["status", "place.city"]
when = { "$or" = [{ status = { "$in" = ["paid", "gone"] } }, { "old.status" = "paid" }] }
event = "booking_moved"
rooms = ["customer_{old.customer._id}"]
payload = { id = "{_id}", was = "{old.status}", now = "{status}" }

"""
OF_MESSAGES = """
[[emit]]
name = "all"
table = "messages"
on = ["insert", "update", "delete"]
event = "message_changed"
rooms = ["conversation_{conversation}"]
"""
MAPPING = OF_BOOKINGS + OF_MESSAGES
FOLLOWERS = 6
WRITERS = 4
GOOD = {"_id": "good", "conversation": 1}
CHANGES = 12


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "RETRY_S_FIRST", 0.01)
    monkeypatch.setattr(source_module, "RETRY_S_MAX", 0.05)


class Told:
    """What a node does with a mapping, as often as it is started."""

    def __init__(self, store: SqliteStore | PostgresqlStore, url: str, folder: Path) -> None:
        self.store = store
        self.url = url
        self.path = folder / "ordercast.toml"
        self.path.write_text(MAPPING)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[Collections]:
        """Follow until the block ends; begun when the collections have been read."""
        mapping = attach.read(self.path)
        names = dict.fromkeys(emit.table for emit in mapping.emits)
        followed = Collections(self.store, self.url, names, partial(CollectionEvents, mapping), now=now)
        tasks = [asyncio.create_task(job()) for job in followed.jobs]
        try:
            await until(lambda: followed.state == "up")
            yield followed
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def documents(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(change.after or b"null") for change in self.store.changes(0, 1_000_000)]

    def said(self) -> list[tuple[str, list[str], Any]]:
        """Event, rooms and argument of each; of a `resync` its reason."""
        return [
            (each["event"], each["rooms"], each["args"][0])
            if "event" in each
            else ("resync", each["rooms"], each["reason"])
            for each in self.documents()
        ]

    async def kept(self) -> int:
        rows = await self.store.read(lambda transaction: transaction.all("SELECT count(*) FROM mirrored_orders"))
        return int(rows[0][0])

    async def is_empty(self) -> bool:
        return await self.kept() == 0


@pytest.fixture
async def told(database: SqliteStore | PostgresqlStore, foreign: Foreign, tmp_path: Path) -> AsyncIterator[Told]:
    await database.start()
    yield Told(database, foreign.url, tmp_path)
    await database.close()


def booking(**changes: Any) -> dict[str, Any]:
    return {
        "_id": ObjectId("65f0000000000000000000aa"),
        "customer": {"_id": ObjectId("65f000000000000000000001"), "name": "Asha Rahman"},
        "place": {"city": "Dhaka"},
        "slots": [{"from": "09:00"}],
        "price": Decimal128("12.50"),
        "no": "a text",
        "status": "new",
        **changes,
    }


ASHA = "customer_65f000000000000000000001"
ID = "65f0000000000000000000aa"


async def test_a_mapping_tells_what_comes_changes_and_goes_of_any_collection(foreign: Foreign, told: Told) -> None:
    bookings = foreign.client.get_default_database()["bookings"]
    await bookings.insert_one(booking(_id="there before us"))
    async with told.following():
        await bookings.insert_one(booking())
        await bookings.update_one({"_id": ObjectId(ID)}, {"$set": {"price": 13}})  # is not one of `changed`
        await bookings.update_one({"_id": ObjectId(ID)}, {"$set": {"place.city": "Sylhet"}})  # not as `when` has it
        await bookings.update_one({"_id": ObjectId(ID)}, {"$set": {"status": "paid"}})
        await bookings.update_one({"_id": ObjectId(ID)}, {"$set": {"status": "done"}})
        await bookings.replace_one({"_id": ObjectId(ID)}, {"status": "gone"})
        await bookings.delete_one({"_id": ObjectId(ID)})  # of nobody by now
        await bookings.update_one({"_id": "there before us"}, {"$set": {"status": "paid"}})
        await bookings.delete_one({"_id": "there before us"})
        await until(lambda: len(told.said()) >= 6)

    made = {"id": ID, "who": "Asha Rahman", "where": "Dhaka", "price": 12.5, "note": None, "at": ": 09:00"}
    assert told.said() == [
        ("booking_made", ["store-owners", ASHA], made),
        ("booking_moved", [ASHA], {"id": ID, "was": "new", "now": "paid"}),
        ("booking_moved", [ASHA], {"id": ID, "was": "paid", "now": "done"}),
        ("booking_moved", [ASHA], {"id": ID, "was": "done", "now": "gone"}),
        ("booking_moved", [ASHA], {"id": "there before us", "was": "new", "now": "paid"}),
        ("booking_moved", [ASHA], {"id": "there before us", "was": "paid", "now": "paid"}),
    ]
    facts = {name: value for name, value in told.documents()[0].items() if name not in {"event", "rooms", "args"}}
    assert facts == {
        "mapping": "booking_made of bookings",
        "table": "bookings",
        "on": "insert",
        "key": {"_id": ID},
        "writer": {"database": foreign.client.get_default_database().name},
    }
    # What is deleted there is kept nowhere.
    assert await told.kept() == 0


async def test_each_change_is_told_once_and_in_order_whoever_dies_meanwhile(
    foreign: Foreign, told: Told, chance: random.Random
) -> None:
    messages = foreign.client.get_default_database()["messages"]

    async def write(writer: int) -> None:
        id_ = ObjectId()
        await messages.insert_one({"_id": id_, "conversation": writer, "n": 0})
        for n in range(1, CHANGES):
            await messages.update_one({"_id": id_}, {"$set": {"n": n}})
            await asyncio.sleep(0)

    async with told.following():
        pass
    writing = asyncio.gather(*map(write, range(WRITERS)))
    for _ in range(FOLLOWERS):
        seen = len(told.said())
        async with told.following():
            if chance.random() < 0.5 and not writing.done():
                foreign.stand_in.drop_connections("ordercast")
            await until(lambda seen=seen: len(told.said()) > seen or writing.done())  # type: ignore[misc]
    await writing
    async with told.following():
        await until(lambda: len(told.said()) >= WRITERS * CHANGES)

    for writer in range(WRITERS):
        theirs = [row["n"] for _, rooms, row in told.said() if rooms == [f"conversation_{writer}"]]
        assert theirs == list(range(CHANGES))
    assert len(told.said()) == WRITERS * CHANGES


async def test_where_history_is_lost_each_difference_is_told_and_a_resync_to_whom_it_concerns(
    foreign: Foreign, told: Told
) -> None:
    messages = foreign.client.get_default_database()["messages"]
    told.path.write_text(OF_MESSAGES.replace('["conversation_{conversation}"]', '["store-owners", "agents"]'))
    await messages.insert_many([{"_id": name, "n": 1} for name in ("changed", "deleted", "same")])
    async with told.following():
        pass
    await messages.update_one({"_id": "changed"}, {"$set": {"n": 2}})
    await messages.update_one({"_id": "changed"}, {"$set": {"n": 3}})
    await messages.delete_one({"_id": "deleted"})
    await messages.insert_one({"_id": "new", "n": 1})
    foreign.stand_in.forget_history()
    async with told.following():
        await until(lambda: told.said()[-1:] and told.said()[-1][0] == "resync" and len(told.said()) >= 4)
        await messages.update_one({"_id": "same"}, {"$set": {"n": 9}})
        await until(lambda: told.said()[-1][2] == {"_id": "same", "n": 9})

    assert [(event, row) for event, _, row in told.said()] == [
        ("message_changed", {"_id": "changed", "n": 3}),
        ("message_changed", {"_id": "new", "n": 1}),
        ("message_changed", {"_id": "deleted", "n": 1}),
        ("resync", "source_history_lost"),
        ("message_changed", {"_id": "same", "n": 9}),
    ]
    assert {tuple(sorted(rooms)) for _, rooms, _ in told.said()} == {("agents", "store-owners")}


async def test_what_cannot_be_told_is_a_gap_and_does_not_hold_up_what_is_behind_it(
    foreign: Foreign, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = foreign.client.get_default_database()["messages"]
    taking = KeptDocuments._take

    def refuse_some(self: KeptDocuments, transaction: Any, change: Any, *more: Any) -> None:
        if "poison" in change.key:
            raise ValueError("cannot be kept")
        taking(self, transaction, change, *more)

    monkeypatch.setattr(KeptDocuments, "_take", refuse_some)
    monkeypatch.setattr(events_module, "EVENT_BYTES_MAX", 1_000)
    async with told.following() as followed:
        await messages.insert_one({"_id": "poison", "conversation": 1})
        await messages.insert_one({"_id": "large", "conversation": 1, "text": "x" * 1_000})
        await messages.insert_one(GOOD)
        await until(lambda: ("message_changed", ["conversation_1"], GOOD) in told.said())
        await until(lambda: any("2 changes" in said for said in followed.warnings()))
        reasons = {"the event is too large", "it cannot be kept, see the log"}
        assert followed.warnings()[0] in {f"{told.path}:25: 2 changes were not told: {each}." for each in reasons}
    gaps = [rooms for event, rooms, _ in told.said() if event == "resync"]
    assert len(told.said()) == 1 + len(gaps)
    assert gaps[0] == [EVERYBODY]


async def test_documents_of_a_collection_that_is_told_no_more_are_forgotten(foreign: Foreign, told: Told) -> None:
    messages = foreign.client.get_default_database()["messages"]
    await messages.insert_many([{"_id": number} for number in range(3)])
    async with told.following():
        pass
    assert await told.kept() == 3
    told.path.write_text(OF_BOOKINGS)
    async with told.following():
        await until(told.is_empty)
    assert told.said() == []


def test_values_of_bson_are_told_as_json_has_them() -> None:
    moment = datetime(2026, 11, 30, 12, 0, 0, 120_000, UTC)
    values = {
        "id": ObjectId(ID), "moment": moment, "far": DatetimeMS(10**15), "stamp": BsonTimestamp(0, 1),
        "decimal": Decimal128("19.90"), "whole": Decimal128("3.0"), "none": Decimal128("NaN"), "long": Int64(2**60),
        "nan": float("nan"), "uuid": Binary(bytes(range(16)), 4), "broken": Binary(b"x", 4), "bytes": b"\x00\xff",
        "flag": True, "text": "a\0b", "list": [{"a": None}], "code": Code("f()"), "pattern": Regex("^a"),
        "other": MaxKey(), "reference": DBRef("people", 1),
    }  # fmt: skip
    assert to_json(values) == {
        "id": ID, "moment": "2026-11-30T12:00:00.120Z", "far": None, "stamp": "1970-01-01T00:00:00.000Z",
        "decimal": 19.9, "whole": 3, "none": None, "long": 2**60, "nan": None,
        "uuid": "00010203-0405-0607-0809-0a0b0c0d0e0f", "broken": "\\x78", "bytes": "\\x00ff", "flag": True,
        "text": "ab", "list": [{"a": None}], "code": "f()", "pattern": "^a", "other": None,
        "reference": {"$ref": "people", "$id": 1},
    }  # fmt: skip
    assert to_json(values)["flag"] is True


# --- attach -----------------------------------------------------------------------------------------------------------


async def attaching(foreign: Foreign, told: Told, ask: str) -> Any:
    """As `ordercast attach` does."""

    def run() -> Any:
        with MongoAttaching(foreign.url, attach.read(told.path)) as attaching:
            return getattr(attaching, ask)()

    return await asyncio.to_thread(run)


async def test_attach_names_what_is_missing_and_what_may_not_be_followed(foreign: Foreign, told: Told) -> None:
    database = foreign.client.get_default_database()
    await database["messages"].insert_one({"_id": 1})
    await database["booking"].insert_one({"_id": 1})
    foreign.stand_in.fail_next("aggregate", 13, "Unauthorized")
    assert [(fault.line, fault.sentence) for fault in await attaching(foreign, told, "check")] == [
        (3, "there is no collection bookings; there is booking"),
        (27, "changes of messages cannot be followed: on demand: Unauthorized"),
    ]
    await database["bookings"].insert_one(booking())
    assert await attaching(foreign, told, "check") == []
    assert await attaching(foreign, told, "apply") == []
    script = await attaching(foreign, told, "script")
    for right in ('"changeStream"', '"collection": "bookings"', '"collection": "messages"', "passwordPrompt()"):
        assert right in script


async def test_a_first_mapping_is_suggested_of_what_documents_have(foreign: Foreign, told: Told) -> None:
    database = foreign.client.get_default_database()
    await database["orders"].insert_one(
        {"customerId": "c1", "customer": {"name": "Asha", "phone": "1"}, "status": "new", "total": 5, "createdAt": 1}
    )
    await database["sessions"].insert_one({"a": 1, "b": 2})
    await database["things"].insert_one({"a": 1, "b": 2})
    text = suggest(await attaching(foreign, told, "known_tables"), "mongodb://db/shop", "mongodb")
    told.path.write_text(text)
    mapping = attach.read(told.path)
    attach.check_query_language(mapping, of_documents=True)
    placed, moved = mapping.emits
    assert (placed.table, placed.event, [*map(str, placed.rooms)]) == (
        "orders", "new_order", ["store-owners", "customer_{customerId}"],
    )  # fmt: skip
    assert {'customerName = "{customer.name}"', 'id = "{_id}"', 'total = "{total}"'} <= set(text.splitlines())
    assert moved.changed == ("status",)
    assert "# Collections of which nothing is told: things" in text
