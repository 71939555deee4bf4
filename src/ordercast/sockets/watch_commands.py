"""``watch_order`` and ``unwatch_order``: a snapshot of an order, then each later change exactly once."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.api.auth import Identity
from ordercast.api.body import IdText
from ordercast.api.commands import CommandDoc, RepeatableCommand
from ordercast.api.context import ApiContext
from ordercast.api.errors import TooManyWatches
from ordercast.api.order_views import document_for
from ordercast.commerce.errors import NotFound, NotPermitted
from ordercast.commerce.orders import Order
from ordercast.commerce.people import SEES_EVERY_ORDER
from ordercast.commerce.rooms import is_watch_room, watch_room
from ordercast.db import Transaction, feed
from ordercast.feed import Subscriptions
from ordercast.feed.subscriptions import SubscriptionTarget
from ordercast.hub import LimitReached, Socket

from .command_router import Caller, CommandRouter

# Who needs more, staff, is in the room of all orders anyway.
WATCHES_MAX: Final = 200


class WatchOrder(RepeatableCommand, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which order."""

    order_id: IdText


class WatchedOrder(Struct, frozen=True):
    """The order as ``GET /api/orders/{id}`` returns it, and the feed position of that snapshot."""

    order: Order
    position: str
    """``epoch:seq``: later changes follow as events."""


class UnwatchedOrder(Struct, frozen=True, rename="camel"):
    """The order that is no longer watched."""

    order_id: str


_EXAMPLE: Final = {"orderId": "ord_01JDN8WPV2M5Q3T7Y9B1C4E6GH"}
_WATCH: Final = CommandDoc(data=WatchedOrder, errors=(NotFound, NotPermitted, TooManyWatches), example=_EXAMPLE)
_UNWATCH: Final = CommandDoc(data=UnwatchedOrder, example=_EXAMPLE, answer=_EXAMPLE)


def register(router: CommandRouter, subscriptions: Subscriptions) -> None:
    router.on("watch_order", WatchOrder, partial(_watch, router.context, subscriptions), _WATCH)
    router.on("unwatch_order", WatchOrder, _unwatch, _UNWATCH)


async def _watch(
    context: ApiContext, subscriptions: Subscriptions, caller: Caller, command: WatchOrder
) -> dict[str, Any]:
    """Return the order and the position of that snapshot; later changes follow as events."""
    room = _room(caller.identity, command.order_id)
    if room is not None and room not in caller.socket.rooms and _watch_count(caller.socket) >= WATCHES_MAX:
        raise TooManyWatches(WATCHES_MAX)

    def query(transaction: Transaction) -> tuple[bytes, int | None]:
        document = document_for(transaction, command.order_id, caller.identity)
        return document, feed.seen_with(transaction, command.order_id)

    try:
        document, position = await subscriptions.subscribe(
            caller.socket, SubscriptionTarget.order(command.order_id), room, lambda: context.store.read(query)
        )
    except LimitReached as error:
        raise TooManyWatches(WATCHES_MAX) from error
    return {"order": msgspec.json.decode(document), "position": position}


async def _unwatch(caller: Caller, command: WatchOrder) -> dict[str, Any]:
    """Stop watching; without effect if it is not watched. Rooms of the token stay joined."""
    caller.socket.leave(watch_room(command.order_id))
    return {"orderId": command.order_id}


def _watch_count(socket: Socket) -> int:
    return sum(map(is_watch_room, socket.rooms))


def _room(identity: Identity, order_id: str) -> str | None:
    """The room that a watcher joins; None if the identity's own rooms suffice, as for customers, drivers and guests,
    who get each order that they may see.
    """
    return watch_room(order_id) if identity.actor.role in SEES_EVERY_ORDER else None
