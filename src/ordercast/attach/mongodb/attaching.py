"""What a mapping needs of a shop's MongoDB: its collections, change streams of them, and the right to both. Nothing is
made there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from ordercast.attach.mapping import Fault, Mapping
from ordercast.attach.section_faults import nearest
from ordercast.attach.suggestions import Dialect, KnownTable

# A person waits for it.
ANSWER_MS_MAX: Final = 5_000
# Documents of which a collection's fields are read.
SAMPLE: Final = 50
FIELDS_MAX: Final = 200
# MongoDB 5.0, whose snapshots name their time.
_WIRE_MIN: Final = 13

Document = dict[str, Any]


class MongoAttaching:
    """One client of the shop's replica set. Used as a context, and ended there."""

    dialect: Dialect = "mongodb"

    def __init__(self, url: str, mapping: Mapping) -> None:
        """Raises PyMongoError."""
        self._mapping = mapping
        self._client: MongoClient[Document] = MongoClient(
            url, appname="ordercast-attach", serverSelectionTimeoutMS=ANSWER_MS_MAX
        )
        self._database = self._client.get_default_database()

    def __enter__(self) -> MongoAttaching:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def known_tables(self) -> list[KnownTable]:
        """All collections, with the fields of their newest documents, for a suggestion."""
        return [
            KnownTable(name, tuple(self._fields(name)), ("_id",))
            for name in self._names()
            if not name.startswith("system.")
        ]

    def _names(self) -> list[str]:
        """Raises PyMongoError."""
        return sorted(self._database.list_collection_names(authorizedCollections=True, nameOnly=True))

    def _fields(self, name: str) -> list[str]:
        """Paths of fields, also within documents of a field."""
        found: dict[str, None] = {}
        for document in self._database[name].find(limit=SAMPLE, batch_size=SAMPLE):
            for field, value in document.items():
                found[field] = None
                if isinstance(value, dict):
                    found |= {f"{field}.{each}": None for each in value}
        return list(found)[:FIELDS_MAX]

    # --- Checks -------------------------------------------------------------------------------------------------------

    def check(self) -> list[Fault]:
        """All that keeps something from being told as the file says."""
        hello = self._database.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            return [
                Fault(
                    1,
                    "this is no replica set, and has no change streams: `mongod --replSet rs0`, rs.initiate()",
                )
            ]
        if hello["maxWireVersion"] < _WIRE_MIN:
            return [Fault(1, "this server is too old; MongoDB 5.0 or newer is needed")]
        return sorted(self._faults())

    def _faults(self) -> Iterator[Fault]:
        lines = {emit.table: emit.line_of("table") for emit in reversed(self._mapping.emits)}
        names = self._names() if lines else []
        for collection, line in lines.items():
            if collection not in names:
                yield Fault(line, f"there is no collection {collection}{nearest(collection, names)}")
                continue
            try:
                self._database[collection].find_one({}, ["_id"])
                self._database[collection].watch(max_await_time_ms=1).close()
            except OperationFailure as error:
                yield Fault(line, f"changes of {collection} cannot be followed: {sentence_of(error)}")

    def notes(self) -> list[Fault]:
        """Nothing is to be known besides."""
        return []

    # --- Rights -------------------------------------------------------------------------------------------------------

    def script(self) -> str:
        """The least rights, for ``mongosh``: nothing else is to be made."""
        database = self._database.name
        privileges = [
            {"resource": {"db": database, "collection": name}, "actions": ["find", "changeStream"]}
            for name in dict.fromkeys(emit.table for emit in self._mapping.emits)
        ]
        listing = {"resource": {"db": database, "collection": ""}, "actions": ["listCollections"]}
        role = {"role": "ordercast", "privileges": [*privileges, listing], "roles": []}
        user = '{ user: "ordercast", pwd: passwordPrompt(), roles: ["ordercast"] }'
        return (
            f"// Nothing is made in your database. The least rights of the account that follows it:\n"
            f"const shop = db.getSiblingDB({json.dumps(database, ensure_ascii=False)});\n"
            f"shop.createRole({json.dumps(role, indent=2, ensure_ascii=False)});\n"
            f"shop.createUser({user});\n"
        )

    def apply(self) -> list[str]:
        """Nothing is made: the documents stay as they are, and the server has their changes."""
        return []

    def detach(self, *, with_schema: bool) -> list[str]:
        """Nothing is there to be taken away; ours is in a database of its own."""
        del with_schema
        return []


def sentence_of(error: PyMongoError) -> str:
    """What the server or the driver said, without the whole answer and the topology behind it."""
    return str(error).partition(", full error")[0].partition(" (configured timeouts")[0].partition(", Timeout:")[0]
