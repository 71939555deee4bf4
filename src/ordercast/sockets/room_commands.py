"""What ``join_room`` and ``leave_room`` are asked with, and what they answer."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from ordercast.api.commands import CommandDoc, RepeatableCommand
from ordercast.api.emit import Room
from ordercast.api.errors import TooManyWatches
from ordercast.commerce.errors import NotPermitted
from ordercast.db import StoreError


class JoinRoom(RepeatableCommand, frozen=True, forbid_unknown_fields=True):
    """Which room."""

    room: Room
    """Its name, as `order_4711`."""


class JoinedRoom(Struct, frozen=True):
    """The room, and the feed position from which its events follow."""

    room: str
    """As it was asked for."""
    position: str
    """``epoch:seq``."""


class LeftRoom(Struct, frozen=True):
    """The room that was left."""

    room: str
    """As it was named."""


class RoomUncertain(StoreError):
    """A rule gave no answer."""

    def __init__(self) -> None:
        super().__init__("Whether you may be in this room cannot be found out just now.")


_EXAMPLE: Final = {"room": "order_4711"}
JOIN: Final = CommandDoc(
    data=JoinedRoom,
    errors=(NotPermitted, TooManyWatches),
    example=_EXAMPLE,
    answer={**_EXAMPLE, "position": "a5f3c2e8b7d94061:4711"},
)
LEAVE: Final = CommandDoc(data=LeftRoom, example=_EXAMPLE, answer=_EXAMPLE)
