"""``watch_shop`` and ``unwatch_shop``: whether the shop is open and what can be had, for whoever stands in it.

No token is needed, and nothing is told that ``GET /api/products`` and ``GET /api/shop/opening`` do not tell everybody.
A socket without one has no session: it asks again when it has connected again.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.api.commands import CommandDoc, RepeatableCommand
from ordercast.api.context import ApiContext
from ordercast.api.errors import TooManyWatches
from ordercast.api.opening import CurrentOpening, encoded
from ordercast.commerce.rooms import SHOPPERS
from ordercast.db import Transaction, feed
from ordercast.db import opening as units
from ordercast.feed import Subscriptions
from ordercast.feed.subscriptions import SubscriptionTarget
from ordercast.hub import LimitReached

from .command_router import Caller, CommandRouter


class WatchShop(RepeatableCommand, frozen=True, forbid_unknown_fields=True):
    """Nothing needs to be said."""


class WatchedShop(Struct, frozen=True):
    """Whether the shop takes orders, and the feed position of that snapshot."""

    opening: CurrentOpening
    """As ``GET /api/shop/opening`` returns it."""
    position: str
    """``epoch:seq``: later changes follow as events."""


class UnwatchedShop(Struct, frozen=True):
    """Nothing needs to be said."""


_WATCH: Final = CommandDoc(
    data=WatchedShop,
    errors=(TooManyWatches,),
    example={},
    answer={
        "opening": {
            "hours": None,
            "paused": False,
            "pausedUntil": None,
            "pauseReason": None,
            "version": 0,
            "updatedAt": None,
            "isOpen": True,
            "closedFor": None,
            "opensAt": None,
            "closesAt": None,
            "timezone": "Asia/Dhaka",
        },
        "position": "a5f3c2e8b7d94061:4711",
    },
)
_UNWATCH: Final = CommandDoc(data=UnwatchedShop, example={}, answer={})


def register(router: CommandRouter, subscriptions: Subscriptions) -> None:
    watch = partial(_watch, router.context, subscriptions)
    router.on("watch_shop", WatchShop, watch, _WATCH, is_public=True)
    router.on("unwatch_shop", WatchShop, _unwatch, _UNWATCH, is_public=True)


async def _watch(
    context: ApiContext, subscriptions: Subscriptions, caller: Caller, command: WatchShop
) -> dict[str, Any]:
    """Return whether the shop takes orders now; changes of that follow as `opening_update`, and what sells out, comes
    back or costs otherwise as `availability_update`. Needs no token.
    """
    del command

    def query(transaction: Transaction) -> tuple[bytes, int | None]:
        document = encoded(context, units.opening(transaction), context.now())
        return document, feed.seen_with(transaction, units.ENTITY_ID)

    try:
        document, position = await subscriptions.subscribe(
            caller.socket, SubscriptionTarget.room(SHOPPERS), SHOPPERS, lambda: context.store.read(query)
        )
    except LimitReached as error:
        raise TooManyWatches(1, "shops") from error
    return {"opening": msgspec.json.decode(document), "position": position}


async def _unwatch(caller: Caller, command: WatchShop) -> dict[str, Any]:
    """Stop watching the shop; without effect if it is not watched."""
    del command
    caller.socket.leave(SHOPPERS)
    return {}
