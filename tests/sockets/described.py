"""The AsyncAPI document as tests ask it: made once in a process."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec

from ordercast.commands.asyncapi import asyncapi_document

Message = dict[str, Any]


@cache
def document() -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(asyncapi_document())
    return decoded


def messages() -> dict[str, Message]:
    found: dict[str, Message] = document()["components"]["messages"]
    return found


def schemas() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = document()["components"]["schemas"]
    return found


def events() -> dict[str, Message]:
    """The messages that the server sends of itself, by the event's name."""
    return {name: each for name, each in messages().items() if "rooms" in each["x-socketio"]}


def commands() -> dict[str, tuple[Message, Message]]:
    """The messages of a command and of its ack, by the command's name."""
    asked = [each["x-socketio"] for each in messages().values() if "ack" in each["x-socketio"]]
    return {one["event"]: (messages()[f"{one['event']}.command"], messages()[one["ack"]]) for one in asked}


@cache
def validator(name: str) -> Any:
    """Of the payload of a message, with the schemas that it refers to."""
    return jsonschema_rs.Draft7Validator({**messages()[name]["payload"], "components": {"schemas": schemas()}})


def problems_of(name: str, payload: Any) -> list[str]:
    """What is wrong with a payload by the schema of its message."""
    wrong = validator(name).iter_errors(payload)
    return [f"{name} {'/'.join(map(str, each.instance_path))}: {each.message}" for each in wrong]


def problems_of_event(name: str, args: Sequence[Any]) -> list[str]:
    """What is wrong with an event as it was heard: its name, its payload, and whether it has an offset."""
    if name not in events():
        return [f"{name} is not in the document"]
    found = problems_of(name, args[0])
    offset = events()[name]["x-socketio"]["offset"]
    if len(args) not in {"always": {2}, "never": {1}, "sometimes": {1, 2}}[offset]:
        found.append(f"{name} has {len(args)} arguments; its offset comes {offset}")
    if len(args) == 2 and not re.fullmatch(r"[^:]+:\d+(\.\d+)?", str(args[1])):
        found.append(f"{name} has {args[1]!r} for its offset")
    return found
