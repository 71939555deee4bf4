"""Documents with all their versions, and the log of what was committed."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from bson import Binary, Int64, ObjectId
from bson.timestamp import Timestamp as BsonTimestamp

Document = dict[str, Any]
Key = tuple[str, str]
"""Database and collection."""


class Refused(Exception):
    def __init__(self, code: int, name: str, message: str, *labels: str) -> None:
        self.document: Document = {"ok": 0.0, "errmsg": message, "code": code, "codeName": name}
        if labels:
            self.document["errorLabels"] = list(labels)
        super().__init__(message)


@dataclass
class Event:
    seq: int
    at: BsonTimestamp
    operation: str
    where: Key
    fields: Document = field(default_factory=dict)


class Data:
    """Time is a counter of its own: each commit has the next moment."""

    def __init__(self) -> None:
        self.now = BsonTimestamp(1_700_000_000, 1)
        self.log: list[Event] = []
        self.forgotten = BsonTimestamp(0, 0)
        """Up to when the log was cut off."""
        self._seqs = itertools.count(1)
        self._versions: dict[Key, dict[str, list[tuple[BsonTimestamp, Document | None]]]] = {}

    # --- Reading ----------------------------------------------------------------------------------------------------

    def documents(self, where: Key, at: BsonTimestamp | None = None) -> list[Document]:
        """As they were at a time, or as they are; in the order of their ids."""
        found = []
        for versions in self._versions.get(where, {}).values():
            shown = next((document for since, document in reversed(versions) if at is None or since <= at), None)
            if shown is not None:
                found.append(copy.deepcopy(shown))
        return sorted(found, key=lambda document: order_of(document["_id"]))

    def collections(self, database: str) -> list[str]:
        return sorted(name for of, name in self._versions if of == database)

    def get(self, where: Key, id_: Any) -> Document | None:
        versions = self._versions.get(where, {}).get(repr(id_))
        return copy.deepcopy(versions[-1][1]) if versions else None

    @property
    def newest_seq(self) -> int:
        return self.log[-1].seq if self.log else 0

    # --- Writing ----------------------------------------------------------------------------------------------------

    def commit(self, writes: Callable[[], None]) -> BsonTimestamp:
        """Run `writes`; all that they log has one time."""
        self.now = BsonTimestamp(self.now.time, self.now.inc + 1)
        writes()
        return self.now

    def create(self, where: Key) -> None:
        self._versions.setdefault(where, {})

    def insert(self, where: Key, document: Document) -> None:
        if self.get(where, document["_id"]) is not None:
            raise Refused(11000, "DuplicateKey", f"E11000 duplicate key error: {document['_id']!r}")
        self._put(where, document["_id"], document)
        self._write(where, "insert", document["_id"], fullDocument=copy.deepcopy(document))

    def replace(self, where: Key, document: Document) -> None:
        self._put(where, document["_id"], document)
        self._write(where, "replace", document["_id"], fullDocument=copy.deepcopy(document))

    def update(self, where: Key, after: Document) -> None:
        before = self.get(where, after["_id"])
        assert before is not None
        description = difference(before, after)
        if not any(description[name] for name in ("updatedFields", "removedFields", "truncatedArrays")):
            return  # an update that changes nothing is not logged
        self._put(where, after["_id"], after)
        self._write(where, "update", after["_id"], updateDescription=description)

    def delete(self, where: Key, id_: Any) -> None:
        self._put(where, id_, None)
        self._write(where, "delete", id_)

    def drop(self, where: Key) -> None:
        for versions in self._versions.get(where, {}).values():
            versions.append((self.now, None))
        self.append(where, "drop")
        self.append(where, "invalidate")

    def append(self, where: Key, operation: str, **fields: Any) -> None:
        self.log.append(Event(next(self._seqs), self.now, operation, where, fields))

    def forget_history(self) -> None:
        """Cut the log off, as a server does when it has grown too long."""
        self.log.clear()
        self.forgotten = self.now

    def _put(self, where: Key, id_: Any, document: Document | None) -> None:
        versions = self._versions.setdefault(where, {}).setdefault(repr(id_), [])
        versions.append((self.now, copy.deepcopy(document)))

    def _write(self, where: Key, operation: str, id_: Any, **fields: Any) -> None:
        self.append(where, operation, documentKey={"_id": id_}, **fields)


# --- What an update did -----------------------------------------------------------------------------------------------


class Ambiguous(Exception):
    """One name would stand for two places, such as a field `a.b` and the `b` within `a`."""


def difference(before: Document, after: Document) -> Document:
    """The ``updateDescription`` that leads from one document to the other. Raises Ambiguous."""
    description: Document = {
        "updatedFields": {}, "removedFields": [], "truncatedArrays": [], "disambiguatedPaths": {},
    }  # fmt: skip
    _compare(before, after, (), description)
    named: dict[str, list[str | int]] = description["disambiguatedPaths"]
    description["disambiguatedPaths"] = {name: path for name, path in named.items() if _needs_saying(path)}
    return description


def _compare(before: Document, after: Document, path: tuple[str | int, ...], told: Document) -> None:
    for name in before.keys() - after.keys():
        told["removedFields"].append(_path((*path, name), told))
    for name, value in after.items():
        if name not in before:
            told["updatedFields"][_path((*path, name), told)] = value
        else:
            _compare_values(before[name], value, (*path, name), told)


def _compare_values(before: Any, after: Any, path: tuple[str | int, ...], told: Document) -> None:
    if type(before) is type(after) and before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict) and before and after:
        _compare(before, after, path, told)
    elif isinstance(before, list) and isinstance(after, list) and before and after:
        if len(after) < len(before):
            told["truncatedArrays"].append({"field": _path(path, told), "newSize": len(after)})
        for index, value in enumerate(after):
            if index >= len(before):
                told["updatedFields"][_path((*path, index), told)] = value
            else:
                _compare_values(before[index], value, (*path, index), told)
    else:
        told["updatedFields"][_path(path, told)] = after


def _path(path: tuple[str | int, ...], told: Document) -> str:
    text = ".".join(map(str, path))
    if told["disambiguatedPaths"].setdefault(text, list(path)) != list(path):
        raise Ambiguous(text)
    return text


def _needs_saying(path: list[str | int]) -> bool:
    return any(isinstance(step, str) and ("." in step or step.isdigit()) for step in path)


# --- How an update is asked for ---------------------------------------------------------------------------------------


def asked_for(document: Document, update: Document) -> Document:
    """The document after ``$set``, ``$unset``, ``$inc`` and ``$push``."""
    result = copy.deepcopy(document)
    for operator, fields in update.items():
        for path, value in fields.items():
            parent, step = _reach(result, path.split("."))
            match operator:
                case "$set":
                    parent[step] = value
                case "$unset":
                    parent.pop(step, None)
                case "$inc":
                    parent[step] = parent.get(step, 0) + value
                case "$push":
                    parent.setdefault(step, []).append(value)
                case _:
                    raise Refused(9, "FailedToParse", f"Unknown modifier: {operator}")
    return result


def _reach(document: Any, steps: list[str]) -> tuple[Any, Any]:
    *ways, last = steps
    for step in ways:
        document = document[int(step)] if isinstance(document, list) else document.setdefault(step, {})
    return document, int(last) if isinstance(document, list) else last


# --- Which documents are meant ----------------------------------------------------------------------------------------

_TYPES: Final[tuple[tuple[type, ...], ...]] = ((int, float, Int64), (str,), (dict,), (Binary, bytes), (ObjectId,))


def order_of(id_: Any) -> tuple[int, Any]:
    """BSON's order of values of different types."""
    kind = next((index for index, types in enumerate(_TYPES) if isinstance(id_, types)), len(_TYPES))
    return kind, repr(id_) if kind == 2 or kind == len(_TYPES) else id_


def matches(document: Document, asked: Document) -> bool:
    return all(_match_one(document, name, value) for name, value in asked.items())


def _match_one(document: Document, name: str, value: Any) -> bool:
    if name == "$expr":
        field_, wanted = value["$gt"]
        assert field_ == "$_id"
        return order_of(document["_id"]) > order_of(wanted["$literal"])
    if isinstance(value, dict) and value.keys() & {"$gt", "$in", "$ne"}:
        raise Refused(2, "BadValue", f"the stand-in does not know {value}")
    found = document.get(name)
    return type(found) is type(value) and bool(found == value)
