"""Reading notifications by a socket."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from ordercast.api.body import IdText
from ordercast.api.notifications import seen
from ordercast.commerce.errors import InvalidField

from .answering import Caller, Commands

IDS_MAX = 100


class MarkSeen(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which notifications were read, or `all`."""

    notification_ids: Annotated[list[IdText], Meta(min_length=1, max_length=IDS_MAX)] | None = None
    all: bool = False


def register(commands: Commands) -> None:
    commands.add("mark_seen", MarkSeen, partial(_mark_seen, commands))


async def _mark_seen(commands: Commands, caller: Caller, command: MarkSeen) -> dict[str, int | bool]:
    """Note what was read; answers how many are left. Again changes nothing, so it needs no client id."""
    if (command.notification_ids is None) is not command.all:
        raise InvalidField("notificationIds", "Name the notifications that were read, or say all.")
    left = await seen(commands.desk, caller.actor, command.notification_ids)
    answer: dict[str, int | bool] = msgspec.to_builtins(left)
    return answer
